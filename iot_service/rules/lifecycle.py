"""The life of one rule on one device: all its transitions, in one pure function.

inactive → pending → open → clearing → inactive
                      │ an operator withdraws the need
                      ↓
                   latched → unlatching → inactive
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Phase(StrEnum):
    """Where a rule stands.

    ``pending``: its condition holds, but not yet for as long as it must. ``open``: there is a need. ``clearing``: the
    clear condition holds, but not yet long enough. ``latched`` and ``unlatching`` are the same after an operator
    withdrew the need: no new one opens before the condition has cleared.
    """

    INACTIVE = "inactive"
    PENDING = "pending"
    OPEN = "open"
    CLEARING = "clearing"
    LATCHED = "latched"
    UNLATCHING = "unlatching"


class Change(StrEnum):
    """What a transition means for the need."""

    OPENED = "opened"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class RuleState:
    """A phase, and since when it has lasted (device time, UTC; None for inactive)."""

    phase: Phase = Phase.INACTIVE
    since: datetime | None = None


INACTIVE = RuleState()
_WAITING = {Phase.INACTIVE: Phase.PENDING, Phase.OPEN: Phase.CLEARING, Phase.LATCHED: Phase.UNLATCHING}
_BACK = {Phase.PENDING: Phase.INACTIVE, Phase.CLEARING: Phase.OPEN, Phase.UNLATCHING: Phase.LATCHED}
_DONE = {Phase.PENDING: Phase.OPEN, Phase.CLEARING: Phase.INACTIVE, Phase.UNLATCHING: Phase.INACTIVE}
_CHANGES = {Phase.PENDING: Change.OPENED, Phase.CLEARING: Change.RESOLVED}


def asks_when(phase: Phase) -> bool:
    """Return whether ``phase`` looks at ``when`` (else it looks at ``clear``)."""
    return phase in (Phase.INACTIVE, Phase.PENDING)


def step(
    state: RuleState, holds: bool | None, at: datetime, *, hold_for: timedelta, clear_for: timedelta
) -> tuple[RuleState, Change | None]:
    """Return the state after ``at`` and what happened to the need, if anything did.

    ``holds`` is the condition that the phase asks for (:func:`asks_when`) as it is at ``at``; None is unknown. Unknown
    opens and closes nothing, and what was waiting starts anew, since it cannot be said to have held.
    """
    phase = state.phase
    if not holds:
        back = _BACK.get(phase)
        if back is None:
            return state, None
        return (INACTIVE if back is Phase.INACTIVE else RuleState(back, at)), None
    if phase in _WAITING:
        state = RuleState(_WAITING[phase], at)
    since = state.since or at
    if at - since < (hold_for if state.phase is Phase.PENDING else clear_for):
        return state, None
    done = _DONE[state.phase]
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
