"""What is done about a need: one table, read from the top, the first row that fits stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from iot_service.model.customer import Strategy
from iot_service.model.need import NeedKind, Severity


class Action(StrEnum):
    """What is done about a need at once. ``nothing`` beyond the message; ``wait`` for her visit to her page."""

    DISPATCH = "dispatch"
    BOOK = "book"
    PROPOSE = "propose"
    ORDER = "order"
    WAIT = "wait"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Play:
    """One row: for which needs it stands (None: for all), what is done, and why, as the end of an English sentence."""

    kind: NeedKind | None
    severity: Severity | None
    place: str | None
    strategies: frozenset[Strategy] | None
    action: Action
    because: str

    def fits(self, kind: NeedKind, severity: Severity, place: str, strategy: Strategy) -> bool:
        """Return whether the row stands for such a need."""
        return (
            self.kind in {None, kind}
            and self.severity in {None, severity}
            and self.place in {None, place}
            and (self.strategies is None or strategy in self.strategies)
        )


SITE, WORKSHOP, NOWHERE = "site", "workshop", "nowhere"
"""Where the service for a need is carried out; ``nowhere`` where there is nothing to book."""

_AUTOMATE, _COACH = frozenset({Strategy.AUTOMATE}), frozenset({Strategy.COACH})
_FAULT, _REFILL = NeedKind.FAULT, NeedKind.REFILL
_SAFETY = "a technician is sent at once, whatever the strategy: a critical fault is a matter of safety, not a sale"
_HERS = "it waits for her visit"

PLAYBOOK = (
    Play(_FAULT, Severity.CRITICAL, SITE, None, Action.DISPATCH, _SAFETY),
    Play(_FAULT, None, SITE, _AUTOMATE, Action.DISPATCH, "a technician is sent"),
    Play(_REFILL, None, None, _AUTOMATE | _COACH, Action.ORDER, "an order is made that she can still cancel"),
    Play(_REFILL, None, None, None, Action.WAIT, _HERS),
    Play(None, None, WORKSHOP, _AUTOMATE, Action.BOOK, "the first suitable time is booked"),
    Play(None, None, WORKSHOP, _COACH, Action.PROPOSE, "a time is proposed to her"),
    Play(None, None, NOWHERE, None, Action.NOTHING, "there is nothing to book, only advice to give"),
    Play(None, None, None, None, Action.WAIT, _HERS),
)


def choose(kind: NeedKind, severity: Severity, place: str, strategy: Strategy) -> Play:
    """Return the row of the playbook that stands for a need; ``place`` is ``site``, ``workshop`` or ``nowhere``."""
    return next(play for play in PLAYBOOK if play.fits(kind, severity, place, strategy))
