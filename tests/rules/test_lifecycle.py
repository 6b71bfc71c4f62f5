"""All transitions of a rule."""

from __future__ import annotations

from datetime import timedelta
from typing import TypedDict

import pytest

from iot_service.rules.lifecycle import INACTIVE, Change, Phase, RuleState, asks_when, due, step, withdrawn
from tests.rules.telemetry import START

MINUTE = timedelta(minutes=1)
LATER = START + 10 * MINUTE


class Spans(TypedDict):
    """For how long conditions must hold."""

    hold_for: timedelta
    clear_for: timedelta


NOW = Spans(hold_for=timedelta(0), clear_for=timedelta(0))
SLOW = Spans(hold_for=10 * MINUTE, clear_for=5 * MINUTE)


@pytest.mark.parametrize(
    ("phase", "holds", "after", "change"),
    [
        (Phase.INACTIVE, True, Phase.OPEN, Change.OPENED),
        (Phase.INACTIVE, False, Phase.INACTIVE, None),
        (Phase.INACTIVE, None, Phase.INACTIVE, None),
        (Phase.OPEN, True, Phase.INACTIVE, Change.RESOLVED),
        (Phase.OPEN, False, Phase.OPEN, None),
        (Phase.OPEN, None, Phase.OPEN, None),
        (Phase.LATCHED, True, Phase.INACTIVE, None),
        (Phase.LATCHED, False, Phase.LATCHED, None),
        (Phase.LATCHED, None, Phase.LATCHED, None),
    ],
)
def test_without_a_duration_what_holds_acts_at_once(
    phase: Phase, holds: bool | None, after: Phase, change: Change | None
) -> None:
    state, happened = step(RuleState(phase, START), holds, LATER, **NOW)
    assert (state.phase, happened) == (after, change)


@pytest.mark.parametrize(
    ("phase", "waits", "back", "done", "change", "minutes"),
    [
        (Phase.INACTIVE, Phase.PENDING, Phase.INACTIVE, Phase.OPEN, Change.OPENED, 10),
        (Phase.OPEN, Phase.CLEARING, Phase.OPEN, Phase.INACTIVE, Change.RESOLVED, 5),
        (Phase.LATCHED, Phase.UNLATCHING, Phase.LATCHED, Phase.INACTIVE, None, 5),
    ],
)
def test_with_a_duration_it_must_hold_to_the_end_without_a_gap(
    phase: Phase, waits: Phase, back: Phase, done: Phase, change: Change | None, minutes: int
) -> None:
    waiting, happened = step(RuleState(phase, START), True, LATER, **SLOW)
    assert (waiting, happened) == (RuleState(waits, LATER), None)
    end = LATER + minutes * MINUTE
    assert due(waiting, **SLOW) == end
    assert step(waiting, True, end - timedelta(microseconds=1), **SLOW) == (waiting, None)
    for broken in (False, None):
        assert step(waiting, broken, end, **SLOW)[0].phase is back
        assert step(waiting, broken, end, **SLOW)[1] is None
    after, happened = step(waiting, True, end, **SLOW)
    assert (after.phase, happened) == (done, change)


def test_nothing_falls_due_where_nothing_waits() -> None:
    for phase in (Phase.INACTIVE, Phase.OPEN, Phase.LATCHED):
        assert due(RuleState(phase, START), **SLOW) is None


def test_a_phase_looks_at_one_condition_only() -> None:
    assert [phase for phase in Phase if asks_when(phase)] == [Phase.INACTIVE, Phase.PENDING, Phase.HELD_BACK]


def test_withdrawing_latches_what_is_open_and_nothing_else() -> None:
    assert withdrawn(RuleState(Phase.OPEN, START), LATER) == RuleState(Phase.LATCHED, LATER)
    assert withdrawn(RuleState(Phase.CLEARING, START), LATER) == RuleState(Phase.LATCHED, LATER)
    assert withdrawn(INACTIVE, LATER) is INACTIVE
