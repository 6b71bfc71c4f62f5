"""Buckets and the resolution that suits a span."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_service.history.spans import DAY, HOUR, MINUTE, WIDTHS, ceiling, floor, resolution_for


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # bounds have none
    st.sampled_from(sorted(WIDTHS.values())),
)
def test_an_instant_lies_within_its_bucket(at: datetime, width: timedelta) -> None:
    begin, end = floor(at, width), ceiling(at, width)
    assert begin <= at <= end
    assert end - begin in {width, timedelta(0)}
    assert floor(begin, width) == begin == ceiling(begin, width)


def test_weeks_begin_on_monday_and_days_at_midnight() -> None:
    at = datetime(2026, 11, 21, 13, 14, tzinfo=UTC)
    assert floor(at, 7 * DAY) == datetime(2026, 11, 16, tzinfo=UTC)
    assert floor(at, DAY) == datetime(2026, 11, 21, tzinfo=UTC)
    assert floor(at, 6 * HOUR) == datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("span", "points", "resolution"),
    [
        (HOUR, 2000, "1m"),
        (2000 * MINUTE, 2000, "1m"),
        (2001 * MINUTE, 2000, "5m"),
        (30 * DAY, 2000, "1h"),
        (365 * DAY, 2000, "6h"),
        (5 * 365 * DAY, 2000, "1d"),
        (20 * 365 * DAY, 2000, "7d"),
        (200 * 365 * DAY, 2000, "7d"),
    ],
)
def test_the_finest_resolution_that_fits_is_chosen(span: timedelta, points: int, resolution: str) -> None:
    assert resolution_for(span, points) == resolution
