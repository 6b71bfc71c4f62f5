"""Windows give what statistics say of the same readings, and the same when they are built from stored ones."""

from __future__ import annotations

import statistics
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_service.db import Database
from iot_service.model.device import ServiceState
from iot_service.rules.state import DeviceState
from iot_service.rules.store import build_windows
from iot_service.rules.windows import Window, WindowKey, window_key
from tests.factories import make_home
from tests.rules.telemetry import START, reading, store

HOUR = timedelta(hours=1)
FUNCTIONS = ("avg", "min", "max", "sum", "count", "delta", "increase", "changes", "stddev", "first", "last")

values = st.floats(-1000, 1000).map(lambda value: round(value, 3))
series = st.lists(st.tuples(st.integers(1, 200), values), min_size=2, max_size=60)


def key(*, ranked: bool = False, timed: bool = True) -> WindowKey:
    return window_key("temperature", HOUR * 10, ranked=ranked, timed=timed)


def filled(given_series: list[tuple[int, float]], window_key_: WindowKey) -> tuple[Window, list[float], list[float]]:
    """A window with a reading after each of the gaps (seconds), the seconds of the readings, and their values."""
    window, second, seconds = Window(window_key_), 0, []
    for gap, value in given_series:
        second += gap
        seconds.append(float(second))
        window.add(START + timedelta(seconds=second), value)
    return window, seconds, [value for _, value in given_series]


@given(series)
def test_deviation_and_slope_are_those_of_the_readings(given_series: list[tuple[int, float]]) -> None:
    window, seconds, numbers = filled(given_series, key())
    at = START + timedelta(seconds=seconds[-1])
    assert window.aggregate("stddev", at) == pytest.approx(statistics.pstdev(numbers), rel=1e-6, abs=1e-6)
    line = statistics.linear_regression(seconds, numbers)
    assert window.slope(at) == pytest.approx(line.slope, rel=1e-6, abs=1e-6)
    assert window.aggregate("sum", at) == pytest.approx(sum(numbers), abs=1e-6)


@given(series, st.integers(1, 99))
def test_a_percentile_is_right_to_within_a_fifth_of_a_per_cent(
    given_series: list[tuple[int, float]], share: int
) -> None:
    window, seconds, numbers = filled(given_series, key(ranked=True, timed=False))
    at = START + timedelta(seconds=seconds[-1])
    exact = statistics.quantiles(numbers, n=100, method="inclusive")[share - 1]
    near = 0.002 * max(abs(number) for number in numbers) + 1e-9
    assert window.percentile(share / 100, at) == pytest.approx(exact, abs=near)


def test_a_rate_is_that_between_the_first_and_the_last_reading_past_resets() -> None:
    window, seconds, _ = filled([(60, 10.0), (60, 16.0), (60, 4.0), (60, 4.0)], key())
    assert window.rate(START + timedelta(seconds=seconds[-1])) == pytest.approx((6 + 4) / 180)
    assert filled([(60, 10.0)], key())[0].rate(START + HOUR) is None
    assert filled([(60, 10.0)], key())[0].slope(START + HOUR) is None


def test_a_window_built_from_stored_readings_is_the_one_that_was_folded(database: Database) -> None:
    numbers = [(37 * place % 211 + 1, round(-70 + 13 * ((place * 7919) % 101) / 101, 2)) for place in range(300)]
    with database.transaction() as connection:
        make_home(connection)
        window, seconds, _ = filled(numbers, key())
        ranked, _, _ = filled(numbers, key(ranked=True, timed=False))
        at = START + timedelta(seconds=seconds[-1])
        samples = [
            reading("temperature", START + timedelta(seconds=second), value)
            for second, (_, value) in zip(seconds, numbers, strict=True)
        ]
        store(connection, "freezer-1", samples)
        state = DeviceState(ServiceState.IN_SERVICE, until=at)
        keys = [key(), key(ranked=True, timed=False)]
        windows = build_windows(connection, [("freezer-1", state, keys)])["freezer-1"]
        built, built_ranked = windows[keys[0]], windows[keys[1]]
    assert {name: built.aggregate(name, at) for name in FUNCTIONS} == {
        name: window.aggregate(name, at) for name in FUNCTIONS
    }
    assert (built.slope(at), built.rate(at)) == (window.slope(at), window.rate(at))
    assert [built_ranked.percentile(share, at) for share in (0.05, 0.5, 0.95)] == [
        ranked.percentile(share, at) for share in (0.05, 0.5, 0.95)
    ]
