"""Round numbers and dates on the axes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from iot_service.rules.backtesting.axes import time_axis, value_axis

OSLO = ZoneInfo("Europe/Oslo")


@pytest.mark.parametrize(
    ("lowest", "highest", "texts"),
    [
        (-71.3, -52.0, ["-75", "-70", "-65", "-60", "-55", "-50"]),
        (0.0, 1.0, ["0.00", "0.25", "0.50", "0.75", "1.00"]),
        (7.558, 14.1, ["6", "8", "10", "12", "14", "16"]),
        (100, 4000, ["0", "1,000", "2,000", "3,000", "4,000"]),
        (5, 5, ["4.6", "4.8", "5.0", "5.2", "5.4"]),
        (0, 0, ["-1.0", "-0.5", "0.0", "0.5", "1.0"]),
    ],
)
def test_marks_stand_at_round_numbers_around_the_values(lowest: float, highest: float, texts: list[str]) -> None:
    scale, ticks = value_axis(lowest, highest)
    assert [tick.text for tick in ticks] == texts
    assert scale.low <= lowest <= highest <= scale.high
    assert (ticks[0].share, round(ticks[-1].share, 9)) == (0, 1)


@pytest.mark.parametrize(
    ("since", "span", "texts"),
    [
        ("2026-03-01T22:50", timedelta(hours=5), ["2 Mar", "01:00", "02:00", "03:00", "04:00"]),
        ("2026-03-01T08:00", timedelta(minutes=2), ["09:00:00", "09:00:30", "09:01:00", "09:01:30", "09:02:00"]),
        ("2026-03-03T08:00", timedelta(days=28), ["9 Mar", "16 Mar", "23 Mar", "30 Mar"]),
        ("2025-11-20T00:00", timedelta(days=120), ["Dec 2025", "Jan 2026", "Feb", "Mar"]),
        ("2020-06-01T00:00", timedelta(days=3000), ["2022", "2024", "2026", "2028"]),
    ],
)
def test_marks_stand_at_round_local_times(since: str, span: timedelta, texts: list[str]) -> None:
    begin = datetime.fromisoformat(since).replace(tzinfo=UTC)
    ticks = time_axis(begin, begin + span, OSLO)
    assert [tick.text for tick in ticks] == texts
    assert all(0 <= tick.share <= 1 for tick in ticks)


@pytest.mark.parametrize("hours", [0.01, 0.3, 2, 9, 30, 100, 500, 3000, 20_000])
def test_there_are_neither_too_few_marks_nor_too_many(hours: float) -> None:
    begin = datetime(2026, 3, 27, 9, 17, tzinfo=UTC)  # the clocks go forward two days later
    assert 2 <= len(time_axis(begin, begin + timedelta(hours=hours), OSLO)) <= 8
