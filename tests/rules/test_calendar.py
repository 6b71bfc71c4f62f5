"""Schedules: when they hold, and when that changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from iot_service.products.schedule import Schedule
from iot_service.rules.calendar import holds, next_change
from iot_service.rules.context import DeviceContext

OSLO = DeviceContext(zone=ZoneInfo("Europe/Oslo"), country="NO")


def schedule(**keys: Any) -> tuple[Schedule]:
    return (Schedule.model_validate(keys),)


def at(text: str) -> datetime:
    """An instant, written as Oslo's clocks show it."""
    return datetime.fromisoformat(text).replace(tzinfo=OSLO.zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("keys", "inside", "outside"),
    [
        ({"days": "mon-fri"}, "2026-11-20T23:59", "2026-11-21T00:00"),
        ({"days": ["sat", "sun"]}, "2026-11-21T00:00", "2026-11-23T00:00"),
        ({"days": "fri-mon"}, "2026-11-23T12:00", "2026-11-24T12:00"),
        ({"hours": "07:00-16:00"}, "2026-11-20T07:00", "2026-11-20T16:00"),
        ({"hours": "22:00-06:00", "days": "fri"}, "2026-11-21T05:59", "2026-11-20T05:59"),
        ({"hours": ["08:00-10:00", "20:00-24:00"]}, "2026-11-20T23:59", "2026-11-20T19:59"),
        ({"season": "11-01..04-30"}, "2027-02-28T12:00", "2026-10-31T12:00"),
        ({"season": "06-01..08-31"}, "2026-08-31T23:59", "2026-09-01T00:00"),
        ({"holidays": "only"}, "2026-05-17T12:00", "2026-05-18T12:00"),
        ({"holidays": "except", "days": "mon-fri"}, "2026-12-24T12:00", "2026-12-25T12:00"),
    ],
)
def test_a_schedule_is_that_of_the_place(keys: dict[str, Any], inside: str, outside: str) -> None:
    assert holds(schedule(**keys), at(inside), OSLO)
    assert not holds(schedule(**keys), at(outside), OSLO)


def test_hours_follow_summer_time() -> None:
    morning = schedule(hours="07:00-08:00")
    assert next_change(morning, at("2026-03-28T12:00"), OSLO) == datetime(2026, 3, 29, 5, tzinfo=UTC)
    assert next_change(morning, at("2026-03-27T12:00"), OSLO) == datetime(2026, 3, 28, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "day", "changes"),
    [
        ("22:00-02:30", "2026-03-29T00:00", ["2026-03-29T01:00", "2026-03-29T20:00"]),  # there is no 02:30
        ("02:30-05:00", "2026-03-29T00:00", ["2026-03-29T01:00", "2026-03-29T03:00"]),
        ("02:30-05:00", "2026-10-25T00:00", ["2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30"]),  # two 02:30
        ("02:00-02:30", "2026-10-25T00:00", [f"2026-10-25T{hour}" for hour in ("00:00", "00:30", "01:00", "01:30")]),
    ],
)
def test_the_hours_of_the_night_in_which_clocks_change_end_when_their_time_is_over(
    hours: str, day: str, changes: list[str]
) -> None:
    night, now, found = schedule(hours=hours), at(day), list[datetime]()
    for _ in changes:
        change = next_change(night, now, OSLO)
        assert change is not None
        found.append(now := change)
    assert found == [datetime.fromisoformat(change).replace(tzinfo=UTC) for change in changes]


def test_without_a_country_no_day_is_a_holiday() -> None:
    nowhere = DeviceContext(zone=ZoneInfo("Europe/Oslo"))
    assert not holds(schedule(holidays="only"), at("2026-12-25T12:00"), nowhere)
    assert next_change(schedule(holidays="only"), at("2026-12-25T12:00"), nowhere) is None


@given(
    hours=st.sampled_from(["00:00-06:30", "22:15-03:00", "09:00-24:00", None]),
    days=st.sampled_from(["mon-fri", "sat", "sun-tue", None]),
    season=st.sampled_from(["03-20..04-05", "10-20..02-01", None]),
    minutes=st.integers(0, 366 * 24 * 60),
)
def test_between_now_and_the_next_change_nothing_changes(
    hours: str | None, days: str | None, season: str | None, minutes: int
) -> None:
    keys = {name: value for name, value in (("hours", hours), ("days", days), ("season", season)) if value}
    if not keys:
        return
    some, now = schedule(**keys), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    change = next_change(some, now, OSLO)
    assert change is not None
    assert holds(some, change, OSLO) != holds(some, now, OSLO)
    steps = [now + (change - now) * part / 40 for part in range(40)]
    assert {holds(some, step, OSLO) for step in steps} == {holds(some, now, OSLO)}


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"days": "freitag"}, "'freitag' is no day; write mon, tue"),
        ({"hours": "7-16"}, "'7-16' are no hours; write 07:00-16:00"),
        ({"hours": "16:00-24:30"}, "the day ends at 24:00"),
        ({"season": "winter"}, "'winter' is no season; write 11-01..04-30"),
        ({"season": "02-30..03-01"}, "is no season"),
        ({}, "a schedule says days, hours, season or holidays"),
    ],
)
def test_what_is_wrong_with_a_schedule_is_said(keys: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        schedule(**keys)
