"""Microseconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from iot_service.ingest.micros import from_micros, to_micros, to_span


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_survives_the_way_there_and_back(at: datetime) -> None:
    assert from_micros(to_micros(at)) == at


def test_the_zone_of_a_datetime_does_not_matter() -> None:
    assert to_micros(datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))) == 0


def test_a_span_is_counted_in_microseconds() -> None:
    assert to_span(timedelta(days=-1, milliseconds=1)) == -86_399_999_000
