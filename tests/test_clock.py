"""The clock can be frozen and can run faster; nothing else reads the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from iot_service import clock


def test_a_frozen_clock_stands_still() -> None:
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    clock.freeze(noon)
    assert clock.now() == noon
    assert clock.now() == noon


def test_a_fast_clock_passes_an_hour_in_a_second() -> None:
    anchor = clock.now()
    try:
        clock.run(anchor=anchor, speed=3600)
        assert clock.wall_seconds(timedelta(hours=1)) == 1.0
        assert clock.during(timedelta(seconds=1)) == timedelta(hours=1)
        assert clock.now() >= anchor
    finally:
        clock.run(anchor=anchor, speed=1)


def test_a_clock_cannot_run_backwards() -> None:
    with pytest.raises(ValueError, match="above 0"):
        clock.run(anchor=clock.now(), speed=-1)
