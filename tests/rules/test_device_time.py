"""Which instant a device has reached."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from iot_service.rules.device_time import DeviceTime
from tests.rules.telemetry import START

SECOND = timedelta(seconds=1)


def device(ts: timedelta | None, received: timedelta | None, lateness: timedelta = timedelta(0)) -> DeviceTime:
    return DeviceTime(
        START + ts if ts is not None else None,
        START + received if received is not None else None,
        lateness,
        SECOND,
        30 * SECOND,
    )


def test_live_it_is_the_clock() -> None:
    time = device(timedelta(0), timedelta(0))
    assert time.watermark(START + 60 * SECOND) == START + 60 * SECOND
    assert time.quiet_until(START + 60 * SECOND) == START + 59 * SECOND


def test_in_a_backlog_it_runs_on_from_the_newest_reading() -> None:
    time = device(timedelta(0), timedelta(days=1))
    assert time.watermark(START + timedelta(days=1)) == START
    assert time.watermark(START + timedelta(days=1, seconds=60)) == START + 60 * SECOND
    assert time.quiet_until(START + timedelta(days=1, seconds=60)) == START + 30 * SECOND


def test_a_reading_of_the_future_waits_for_the_clock() -> None:
    time = device(timedelta(seconds=5), timedelta(0))
    assert time.watermark(START) == START
    assert time.sample_wake(START + 5 * SECOND) == START + 5 * SECOND


def test_before_the_first_reading_it_is_the_clock() -> None:
    assert device(None, None).watermark(START) == START


@given(
    behind=st.integers(-300, 10**6),
    lateness=st.integers(0, 5),
    at=st.integers(-(10**6), 10**6),
    wait=st.integers(0, 90),
)
def test_it_wakes_exactly_when_there_is_something_to_do(behind: int, lateness: int, at: int, wait: int) -> None:
    time = device(timedelta(0), behind * SECOND, lateness * SECOND)
    instant = START + at * SECOND
    wake = time.sample_wake(instant)
    assert time.watermark(wake) >= instant
    assert time.watermark(wake - timedelta(microseconds=1)) < instant
    due = time.timer_wake(instant)
    assert time.quiet_until(due + wait * SECOND) >= instant
    assert time.quiet_until(due - timedelta(microseconds=1)) < instant
