"""How long a stock lasts, by the days that a rule knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from iot_service.forecast.lasting import days_until_used_up

MONDAY = datetime(2024, 4, 1, tzinfo=UTC)
WEEKS = [20.0, 20.0, 20.0, 20.0, 20.0, 0.0, 0.0] * 6


def test_weekdays_are_counted_back_from_the_day_that_is_asked_on() -> None:
    monday = days_until_used_up(WEEKS, stock=30, at=MONDAY)
    friday = days_until_used_up([*WEEKS, *[20.0] * 4], stock=30, at=MONDAY + timedelta(days=4))
    assert monday is not None
    assert friday is not None
    assert 1 < monday.p50 < 2
    assert 3 < friday.p50 < 4


def test_it_gets_shorter_as_the_day_goes_on_with_the_same_stock_only_by_what_the_day_has_left() -> None:
    morning = days_until_used_up(WEEKS, stock=10, at=MONDAY)
    evening = days_until_used_up(WEEKS, stock=10, at=MONDAY + timedelta(hours=18))
    assert morning is not None
    assert evening is not None
    assert abs(evening.p50 - morning.p50) < 0.1


def test_without_a_complete_day_nothing_is_known() -> None:
    assert days_until_used_up([], stock=10, at=MONDAY) is None
