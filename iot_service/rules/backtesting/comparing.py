"""What changes with a new version of rules: the needs that two backtests found, side by side. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from iot_service.model.need import Severity
from iot_service.rules.backtesting.findings import FoundNeed

_NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Pair:
    """The same need by both versions: of one rule, and open at the same time at least once."""

    old: FoundNeed
    new: FoundNeed

    @property
    def opened_later(self) -> timedelta:
        """How much later the new version opens it; negative: earlier."""
        return self.new.opened - self.old.opened

    @property
    def resolved_later(self) -> timedelta | None:
        """How much later the new version resolves it; None where one of them was open still at the end."""
        if self.old.resolved is None or self.new.resolved is None:
            return None
        return self.new.resolved - self.old.resolved

    def lasts_longer(self, until: datetime) -> timedelta:
        """Return how much longer it was open by the new version, up to ``until`` (UTC); negative: shorter."""
        return self.new.lasted(until) - self.old.lasted(until)

    @property
    def moved(self) -> bool:
        """Whether one of its ends is another."""
        return self.old.opened != self.new.opened or self.old.resolved != self.new.resolved

    @property
    def regraded(self) -> tuple[Severity, Severity] | None:
        """The gravest severity by the old and by the new version, where they differ."""
        before, after = self.old.gravest, self.new.gravest
        return (before, after) if before is not after else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Needs that only one version finds, and those that both do: ``same`` to the instant, or ``changed``."""

    gone: tuple[FoundNeed, ...]
    added: tuple[FoundNeed, ...]
    changed: tuple[Pair, ...]
    same: tuple[Pair, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return not (self.gone or self.added or self.changed)


def compare(old: Iterable[FoundNeed], new: Iterable[FoundNeed]) -> Comparison:
    """Return what differs between the needs that two versions of rules found in the same telemetry.

    Needs of one rule that overlap in time are the same need, each once: where one became two, the second is added.
    """
    before, after = _by_rule(old), _by_rule(new)
    gone: list[FoundNeed] = []
    added: list[FoundNeed] = []
    pairs: list[Pair] = []
    for rule in dict.fromkeys((*before, *after)):
        lost, found, both = _pair(before.get(rule, ()), after.get(rule, ()))
        gone += lost
        added += found
        pairs += both
    pairs.sort(key=lambda pair: min(pair.old.opened, pair.new.opened))
    return Comparison(
        gone=tuple(sorted(gone, key=lambda need: need.opened)),
        added=tuple(sorted(added, key=lambda need: need.opened)),
        changed=tuple(pair for pair in pairs if pair.moved or pair.regraded),
        same=tuple(pair for pair in pairs if not (pair.moved or pair.regraded)),
    )


def _by_rule(needs: Iterable[FoundNeed]) -> dict[str, list[FoundNeed]]:
    found: dict[str, list[FoundNeed]] = {}
    for need in sorted(needs, key=lambda need: need.opened):
        found.setdefault(need.rule, []).append(need)
    return found


def _pair(old: Sequence[FoundNeed], new: Sequence[FoundNeed]) -> tuple[list[FoundNeed], list[FoundNeed], list[Pair]]:
    """Return what only ``old`` has, only ``new``, and both; each in order of opening, none overlapping in itself."""
    gone: list[FoundNeed] = []
    added: list[FoundNeed] = []
    pairs: list[Pair] = []
    left, right = 0, 0
    while left < len(old) and right < len(new):
        before, after = old[left], new[right]
        if _over_before(before, after):
            gone.append(before)
            left += 1
        elif _over_before(after, before):
            added.append(after)
            right += 1
        else:
            pairs.append(Pair(before, after))
            left, right = left + 1, right + 1
    return gone + list(old[left:]), added + list(new[right:]), pairs


def _over_before(first: FoundNeed, second: FoundNeed) -> bool:
    return first.resolved is not None and first.opened != second.opened and first.resolved <= second.opened
