"""The life of one rule on one device: all its transitions, in one pure function.

inactive → pending → open → clearing → inactive
              │       ↑ │ an operator withdraws the need
              ↓       │ ↓
            held back ┘ latched → unlatching → inactive

A rule with ``repeat`` has a count of its own before that: how often its condition came true.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Phase(StrEnum):
    """Where a rule stands.

    ``pending``: its condition holds, but not yet for as long as it must. ``open``: there is a need. ``clearing``: the
    clear condition holds, but not yet long enough. ``latched`` and ``unlatching`` are the same after an operator
    withdrew the need: no new one opens before the condition has cleared. ``held back``: the condition has held for as
    long as it must, but maintenance, or the need of a rule that inhibits this one, keeps the need from opening.
    """

    INACTIVE = "inactive"
    PENDING = "pending"
    OPEN = "open"
    CLEARING = "clearing"
    LATCHED = "latched"
    UNLATCHING = "unlatching"
    HELD_BACK = "held_back"


class Change(StrEnum):
    """What a transition means for the need."""

    OPENED = "opened"
    RESOLVED = "resolved"
    HELD_BACK = "held_back"


@dataclass(frozen=True, slots=True)
class RuleState:
    """A phase, and since when it has lasted (device time, UTC; None for inactive)."""

    phase: Phase = Phase.INACTIVE
    since: datetime | None = None


INACTIVE = RuleState()
_WAITING = {Phase.INACTIVE: Phase.PENDING, Phase.OPEN: Phase.CLEARING, Phase.LATCHED: Phase.UNLATCHING}
_BACK = {
    Phase.PENDING: Phase.INACTIVE,
    Phase.CLEARING: Phase.OPEN,
    Phase.UNLATCHING: Phase.LATCHED,
    Phase.HELD_BACK: Phase.INACTIVE,
}
_DONE = {Phase.PENDING: Phase.OPEN, Phase.CLEARING: Phase.INACTIVE, Phase.UNLATCHING: Phase.INACTIVE}
_CHANGES = {Phase.PENDING: Change.OPENED, Phase.CLEARING: Change.RESOLVED}


def asks_when(phase: Phase) -> bool:
    """Return whether ``phase`` looks at ``when`` (else it looks at ``clear``)."""
    return phase in (Phase.INACTIVE, Phase.PENDING, Phase.HELD_BACK)


def is_steady(phase: Phase) -> bool:
    """Return whether ``phase`` lasts for as long as the condition that it asks for does not hold."""
    return phase in (Phase.INACTIVE, Phase.OPEN, Phase.LATCHED)


def has_need(phase: Phase) -> bool:
    """Return whether there is an open need in ``phase``."""
    return phase in (Phase.OPEN, Phase.CLEARING)


def step(
    state: RuleState,
    holds: bool | None,
    at: datetime,
    *,
    hold_for: timedelta,
    clear_for: timedelta,
    may_open: bool = True,
) -> tuple[RuleState, Change | None]:
    """Return the state after ``at`` and what happened to the need, if anything did.

    ``may_open`` False holds back what would open.

    ``holds`` is the condition that the phase asks for (:func:`asks_when`) as it is at ``at``; None is unknown. Unknown
    opens and closes nothing, and what was waiting starts anew, since it cannot be said to have held.
    """
    phase = state.phase
    if not holds:
        back = _BACK.get(phase)
        if back is None:
            return state, None
        return (INACTIVE if back is Phase.INACTIVE else RuleState(back, at)), None
    if phase is Phase.HELD_BACK:
        return (RuleState(Phase.OPEN, at), Change.OPENED) if may_open else (state, None)
    if phase in _WAITING:
        state = RuleState(_WAITING[phase], at)
    since = state.since or at
    if at - since < (hold_for if state.phase is Phase.PENDING else clear_for):
        return state, None
    done = _DONE[state.phase]
    if done is Phase.OPEN and not may_open:
        return RuleState(Phase.HELD_BACK, at), Change.HELD_BACK
    return (INACTIVE if done is Phase.INACTIVE else RuleState(done, at)), _CHANGES.get(state.phase)


def due(state: RuleState, *, hold_for: timedelta, clear_for: timedelta) -> datetime | None:
    """Return when what is waiting will have held for long enough, if it goes on holding; None if nothing waits."""
    if state.since is None or state.phase not in _DONE:
        return None
    return state.since + (hold_for if state.phase is Phase.PENDING else clear_for)


def withdrawn(state: RuleState, at: datetime) -> RuleState:
    """Return the state after an operator withdrew the need: latched until the condition clears."""
    if state.phase in (Phase.OPEN, Phase.CLEARING):
        return RuleState(Phase.LATCHED, at)
    return state


@dataclass(frozen=True, slots=True)
class Repetition:
    """How often a condition came true: ``times`` are the last of them, once it had held for as long as it must.

    ``since`` is when it came true the last time, None while it does not hold; ``counted``, whether that one is among
    ``times``.
    """

    since: datetime | None = None
    counted: bool = False
    times: tuple[datetime, ...] = ()

    def after(self, holds: bool | None, at: datetime, *, hold_for: timedelta, count: int) -> Repetition:
        """Return it after ``at``, of which the last ``count`` times matter. Unknown counts nothing and ends nothing."""
        if holds is None:
            return self if self.counted else Repetition(times=self.times)
        if not holds:
            return Repetition(times=self.times)
        since = self.since or at
        if self.counted or at - since < hold_for:
            return Repetition(since, self.counted, self.times)
        return Repetition(since, True, (*self.times, at)[-count:])

    def holds(self, at: datetime, *, count: int, within: timedelta) -> bool:
        """Return whether it came true ``count`` times within less than ``within`` before ``at``."""
        return len(self.times) == count and at - self.times[0] < within

    def due(self, *, hold_for: timedelta, count: int, within: timedelta, at: datetime) -> datetime | None:
        """Return when it will be counted, or will no longer be repeated, if nothing comes after ``at``; None: never."""
        candidates = [self.since + hold_for] if self.since is not None and not self.counted else []
        if self.holds(at, count=count, within=within):
            candidates.append(self.times[0] + within)
        return min(candidates, default=None)


NEVER = Repetition()
