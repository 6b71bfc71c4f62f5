"""Months of the calendar."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from iot_service.rules.months import months_after


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-01-10", 12, "2027-01-10"),
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2026-11-15", 3, "2027-02-15"),
        ("2026-06-01", 0.5, "2026-06-16"),
        ("2026-06-01", 0, "2026-06-01"),
    ],
)
def test_a_month_ends_on_the_same_day_or_on_its_last(start: str, months: float, end: str) -> None:
    assert months_after(day(start), months) == day(end)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
