"""What a backtest found: needs with their beginning and end, made from the outcomes of a fold. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from iot_service.model.need import Severity
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.outcomes import Outcome, OutcomeKind


@dataclass(frozen=True, slots=True)
class SeverityChange:
    """A need became graver or less grave at ``at`` (UTC)."""

    at: datetime
    severity: Severity
    reason: str


@dataclass(frozen=True, slots=True)
class FoundNeed:
    """One need that would have opened. Times are UTC; ``resolved`` None: it was open still at the end.

    ``why`` and ``evidence`` are those of the opening, as the need would have carried them; ``severity`` is the one it
    opened with, ``changes`` what became of it.
    """

    rule: str
    severity: Severity
    opened: datetime
    why: str
    evidence: Mapping[str, Any]
    resolved: datetime | None = None
    why_resolved: str | None = None
    changes: tuple[SeverityChange, ...] = ()

    @property
    def gravest(self) -> Severity:
        """The gravest that it ever was."""
        order = list(Severity)
        return max((self.severity, *(change.severity for change in self.changes)), key=order.index)

    def lasted(self, until: datetime) -> timedelta:
        """Return how long it was open, at the longest up to ``until`` (UTC)."""
        return max((min(self.resolved, until) if self.resolved else until) - self.opened, timedelta(0))


@dataclass(frozen=True, slots=True)
class Note:
    """Something else that happened at ``at`` (UTC), ``kind`` in a word; ``rule`` is None where it is of the device."""

    at: datetime
    kind: str
    rule: str | None
    text: str


@dataclass(slots=True)
class Findings:
    """Needs in order of their opening, and notes, collected from outcomes as they come."""

    specs: Mapping[str, RuleSpec]
    needs: list[FoundNeed] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    _open: dict[str, int] = field(default_factory=dict)

    def take(self, outcomes: Iterable[Outcome]) -> None:
        """Take the next outcomes, in their order; those of other rules than ``specs`` are left out."""
        for outcome in outcomes:
            if outcome.rule is not None and outcome.rule not in self.specs:
                continue
            place = self._open.get(outcome.rule or "")
            if outcome.rule is not None and outcome.kind is OutcomeKind.OPENED and place is None:
                self._open[outcome.rule] = len(self.needs)
                severity = outcome.severity or self.specs[outcome.rule].severity
                self.needs.append(FoundNeed(outcome.rule, severity, outcome.at, outcome.reason, outcome.evidence))
            elif outcome.rule is not None and outcome.kind is OutcomeKind.RESOLVED and place is not None:
                del self._open[outcome.rule]
                self.needs[place] = replace(self.needs[place], resolved=outcome.at, why_resolved=outcome.reason)
            else:
                self._take_other(outcome, place)

    def _take_other(self, outcome: Outcome, place: int | None) -> None:
        if place is not None and outcome.severity is not None:
            need = self.needs[place]
            change = SeverityChange(outcome.at, outcome.severity, outcome.reason)
            self.needs[place] = replace(need, changes=(*need.changes, change))
        kind = outcome.kind.value.replace("_", " ")
        self.notes.append(Note(outcome.at, kind, outcome.rule, outcome.reason))


def within(needs: Sequence[FoundNeed], since: datetime, until: datetime) -> list[FoundNeed]:
    """Return those of ``needs`` that were open at some instant from ``since`` to ``until`` (UTC)."""
    return [need for need in needs if need.opened <= until and (need.resolved is None or need.resolved > since)]
