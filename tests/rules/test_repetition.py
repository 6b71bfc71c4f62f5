"""How often a condition came true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from iot_service.rules.lifecycle import NEVER, Repetition

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def after(repetition: Repetition, minute: int, holds: bool | None, hold_for: timedelta = timedelta(0)) -> Repetition:
    return repetition.after(holds, START + minute * MINUTE, hold_for=hold_for, count=2)


def repeated(repetition: Repetition, minute: int) -> bool:
    return repetition.holds(START + minute * MINUTE, count=2, within=HOUR)


def test_what_holds_on_counts_once_and_again_after_it_was_over() -> None:
    once = after(after(NEVER, 0, True), 5, True)
    assert not repeated(once, 5)
    twice = after(after(once, 6, False), 7, True)
    assert repeated(twice, 7)
    assert repeated(twice, 59)
    assert not repeated(twice, 60)


def test_what_does_not_hold_for_long_enough_does_not_count() -> None:
    waiting = after(NEVER, 0, True, hold_for=5 * MINUTE)
    assert waiting.due(hold_for=5 * MINUTE, count=2, within=HOUR, at=START) == START + 5 * MINUTE
    assert after(waiting, 4, False, hold_for=5 * MINUTE) == NEVER
    assert after(waiting, 5, True, hold_for=5 * MINUTE).times == (START + 5 * MINUTE,)


def test_unknown_ends_nothing_that_was_counted_and_begins_anew_what_was_not() -> None:
    counted = after(NEVER, 0, True)
    assert after(counted, 1, None) == counted
    waiting = after(NEVER, 0, True, hold_for=5 * MINUTE)
    assert after(waiting, 1, None, hold_for=5 * MINUTE) == NEVER


def test_it_falls_due_when_the_first_of_the_times_is_too_long_ago() -> None:
    twice = Repetition(None, False, (START, START + 20 * MINUTE))
    assert twice.due(hold_for=MINUTE, count=2, within=HOUR, at=START + 21 * MINUTE) == START + HOUR
    assert twice.due(hold_for=MINUTE, count=2, within=HOUR, at=START + 2 * HOUR) is None
