"""Times as they stand in files."""

from __future__ import annotations

import pytest

from iot_service.ingest.importing.times import parse_time, to_millis

NOON = 1_795_262_400_000_000


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1795262400000", NOON), ("1795262400000.123", NOON + 123), ("-1", -1000), ("2026-11-21T12:00:00Z", NOON),
        ("2026-11-21 12:00:00", NOON), ("2026-11-21T13:00:00.000001+01:00", NOON + 1), ("20261121T120000Z", NOON),
    ],
)  # fmt: skip
def test_milliseconds_and_iso_8601_are_understood(text: str, micros: int) -> None:
    assert parse_time(text) == micros


@pytest.mark.parametrize("text", ["", "now", "1e3", "12:00", "21.11.2026", "2026-13-01", "1_000", "١٢", "9" * 21])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_time(text)


def test_milliseconds_keep_microseconds() -> None:
    assert (to_millis(NOON), to_millis(NOON + 123)) == (NOON // 1000, NOON / 1000 + 0.123)
