from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from iot_service.console.times import Zone, ago, utc
from tests.factories import NOW

OSLO = Zone("Europe/Oslo")


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOW, "13:00:00"),
        (NOW - timedelta(days=1), "20 Nov 13:00"),
        (datetime(2026, 11, 20, 23, 30, tzinfo=UTC), "00:30:00"),  # already the 21st in Oslo
        (datetime(2025, 3, 1, 8, 5, tzinfo=UTC), "1 Mar 2025 09:05"),
    ],
)
def test_a_time_is_shown_in_the_operators_zone_with_what_of_the_date_is_needed(at: datetime, expected: str) -> None:
    assert OSLO.short(at, now=NOW) == expected


@pytest.mark.parametrize("name", ["", "Nowhere/Land", "../../etc/passwd", "a\0b", "x" * 5000, "/etc"])
def test_a_zone_that_the_browser_made_up_becomes_utc(name: str) -> None:
    assert Zone(name).name == "UTC"
    assert Zone(name).short(NOW, now=NOW) == "12:00:00"


def test_the_record_is_in_utc() -> None:
    assert utc(NOW.astimezone()) == "2026-11-21 12:00:00 UTC"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-5, "0 s"), (45, "45 s"), (720, "12 min"), (3600, "1 h"), (11_100, "3 h 5 min"), (187_200, "2 d 4 h")],
)
def test_a_span_is_told_in_its_two_largest_units(seconds: int, expected: str) -> None:
    assert ago(timedelta(seconds=seconds)) == expected
