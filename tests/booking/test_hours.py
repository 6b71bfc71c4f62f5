"""Opening hours, on ordinary days and on those that daylight saving bends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from iot_service.booking.hours import Period, parse_opening_hours
from iot_service.errors import InvalidInputError


def on(day: date, spans: list[list[str]], *, zone: str = "Europe/Oslo") -> list[str]:
    every_day = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), spans)
    start = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
    hours = parse_opening_hours(every_day, time_zone=zone)
    periods = hours.periods(start - timedelta(hours=6), start + timedelta(hours=6))
    return [f"{one.starts_at:%d %H:%M}–{one.ends_at:%H:%M}" for one in periods if one.starts_at.day == day.day]


@pytest.mark.parametrize(
    ("day", "spans", "utc"),
    [
        (date(2026, 7, 1), [["08:00", "16:00"]], ["01 06:00–14:00"]),
        (date(2026, 12, 1), [["08:00", "16:00"]], ["01 07:00–15:00"]),
        (date(2026, 12, 1), [["08:00", "11:30"], ["12:00", "16:00"]], ["01 07:00–10:30", "01 11:00–15:00"]),
        (date(2026, 3, 29), [["01:00", "04:00"]], ["29 00:00–02:00"]),  # two hours by the wall that skips one
        (date(2026, 10, 25), [["02:30", "05:00"]], ["25 01:30–04:00"]),  # from the second half past two on
        (date(2026, 10, 25), [["02:15", "02:45"]], []),  # nobody knows which of the two is meant
        (date(2026, 3, 29), [["02:10", "02:50"]], []),  # there is no such time on that day
    ],
)
def test_local_hours_become_the_instants_that_the_wall_clock_means(
    day: date, spans: list[list[str]], utc: list[str]
) -> None:
    assert on(day, spans) == utc


def test_a_place_can_be_open_until_midnight() -> None:
    assert on(date(2026, 12, 1), [["20:00", "24:00"]], zone="UTC") == []
    hours = parse_opening_hours({"tue": [["20:00", "24:00"]]}, time_zone="UTC")
    (period,) = hours.periods(datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC))
    assert period == Period(datetime(2026, 12, 1, 20, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC))


def test_periods_that_only_touch_do_not_overlap() -> None:
    noon = datetime(2026, 12, 1, 12, tzinfo=UTC)
    hour = timedelta(hours=1)
    assert not Period(noon, noon + hour).overlaps(Period(noon + hour, noon + 2 * hour))
    assert Period(noon, noon + hour).overlaps(Period(noon + hour / 2, noon + 2 * hour))


@pytest.mark.parametrize(
    ("weekly", "says"),
    [
        ([], "a mapping of weekdays"),
        ({"monday": []}, "'monday' is no weekday"),
        ({"mon": "08:00-16:00"}, "must be a list"),
        ({"mon": [["8:00", "16:00"]]}, "two local times"),
        ({"mon": [["08:00"]]}, "two local times"),
        ({"mon": [["16:00", "08:00"]]}, "must close after it opens"),
    ],
)
def test_wrong_opening_hours_say_what_would_be_right(weekly: Any, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        parse_opening_hours(weekly, time_zone="Europe/Oslo")
