"""Windows over one metric."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_service.rules.windows import EPOCH, Window, Windows, daily_key, micros, window_key
from tests.rules.telemetry import START

MINUTE = timedelta(minutes=1)


def filled(values: list[float], step: timedelta = MINUTE, length: timedelta = 10 * MINUTE) -> Window:
    window = Window(window_key("m", length))
    for place, value in enumerate(values):
        window.add(START + place * step, value)
    return window


@pytest.mark.parametrize(
    ("function", "value"),
    [("avg", 3.0), ("min", 1.0), ("max", 5.0), ("delta", 4.0), ("count", 5.0), ("increase", 4.0)],
)
def test_each_function_gives_its_aggregate(function: str, value: float) -> None:
    assert filled([1, 2, 3, 4, 5]).aggregate(function, START + 4 * MINUTE) == value


def test_readings_leave_the_window_when_they_are_older_than_its_length() -> None:
    window = filled([1, 2, 3], step=4 * MINUTE)
    assert window.aggregate("count", START + 9 * MINUTE) == 3
    assert window.aggregate("count", START + 10 * MINUTE) == 2
    assert window.aggregate("min", START + 10 * MINUTE) == 2
    assert window.ends == micros(START + 18 * MINUTE)
    assert window.aggregate("avg", START + 18 * MINUTE) is None
    assert window.aggregate("count", START + 18 * MINUTE) == 0


def test_a_counter_that_was_reset_goes_on_growing() -> None:
    assert filled([10, 15, 2, 5]).aggregate("increase", START + 3 * MINUTE) == 5 + 2 + 3
    assert filled([10, 15, 2, 5], step=timedelta(seconds=1)).aggregate("increase", START + MINUTE) == 5 + 2 + 3


def test_a_day_has_what_was_used_since_the_end_of_the_day_before() -> None:
    window = Window(daily_key("m", 7))
    midnight = datetime.combine(START.date(), datetime.min.time(), START.tzinfo)
    for hours, value in ((10, 100), (34, 103), (40, 110), (58, 112), (106, 120), (130, 121)):
        window.add(midnight + timedelta(hours=hours), value)
    assert window.daily(midnight + timedelta(hours=130)) == [10, 2, 0, 8]
    assert window.daily(midnight + timedelta(hours=150)) == [10, 2, 0, 8, 1]
    assert Window(daily_key("m", 7)).daily(START) == []


def test_a_history_keeps_no_more_days_than_it_is_long() -> None:
    window = Window(daily_key("m", 3))
    for day in range(30):
        window.add(START + timedelta(days=day), 10.0 * day)
    assert window.daily(START + timedelta(days=29)) == [10.0, 10.0]
    assert window.daily(START + timedelta(days=30)) == [10.0, 10.0]


def test_windows_of_one_device_are_fed_and_emptied_by_metric() -> None:
    keys = [window_key("m", MINUTE), window_key("m", 5 * MINUTE), window_key("n", MINUTE)]
    windows = Windows(Window(key) for key in keys)
    assert windows.empty_at() is None
    windows.add("m", START, 1.0)
    windows.add("n", START + MINUTE, 1.0)
    assert windows.empty_at() == START + MINUTE
    assert windows.forget(START + MINUTE) == {"m"}
    assert windows[keys[1]].aggregate("count", START + MINUTE) == 1
    assert windows.empty_at() == START + 2 * MINUTE


@given(
    offsets=st.lists(st.integers(0, 3_600_000), min_size=1, max_size=80),
    length=st.sampled_from([1500, 10_000, 600_000]),
    asked=st.integers(0, 600_000),
)
def test_a_window_holds_at_most_its_length_and_at_least_59_60ths_of_it(
    offsets: list[int], length: int, asked: int
) -> None:
    window = Window(window_key("m", timedelta(milliseconds=length)))
    ordered = sorted(offsets)
    for offset in ordered:
        window.add(EPOCH + timedelta(milliseconds=offset), 1.0)
    at = ordered[-1] + asked
    held = window.aggregate("count", EPOCH + timedelta(milliseconds=at))
    least = sum(offset > at - length * 59 / 60 for offset in ordered)
    most = sum(offset > at - length for offset in ordered)
    assert held is not None
    assert least <= held <= most
