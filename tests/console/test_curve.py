from __future__ import annotations

import math
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from iot_service.console.curve import Point, line, thin

TIMES = st.lists(st.floats(0, 1000), min_size=1, max_size=300).map(sorted)


def every(seconds: float, count: int, *, start: float = 0.0, value: float = 1.0) -> list[Point]:
    return [(start + seconds * number, value) for number in range(count)]


@given(TIMES)
def test_the_lowest_and_the_highest_reading_are_always_drawn(times: list[float]) -> None:
    points = [(at, math.sin(at) * 50 + index % 7) for index, at in enumerate(dict.fromkeys(times))]
    drawn = [value for _, value in line(thin(points, since=0, seconds=100)) if value is not None]
    assert min(drawn) == min(value for _, value in points)
    assert max(drawn) == max(value for _, value in points)


@given(TIMES)
def test_what_is_drawn_was_measured_and_stands_in_order_of_time(times: list[float]) -> None:
    points = [(at, float(index)) for index, at in enumerate(dict.fromkeys(times))]
    drawn = line(thin(points, since=0, seconds=50), longest_gap=timedelta(seconds=60))
    assert {point for point in drawn if point[1] is not None} <= set(points)
    assert [at for at, _ in drawn] == sorted(at for at, _ in drawn)


def test_a_step_is_drawn_with_at_most_four_points() -> None:
    assert len(line(thin([(float(at), math.sin(at)) for at in range(1000)], since=0, seconds=100))) <= 40


def test_a_spike_of_one_reading_survives_any_thinning() -> None:
    points = [*every(1, 500), (500.0, 99.0), *every(1, 500, start=501)]
    assert (500.0, 99.0) in line(thin(points, since=0, seconds=1000))


def test_readings_further_apart_than_the_metric_allows_are_not_joined() -> None:
    steps = thin(every(10, 3) + every(10, 3, start=1000), since=0, seconds=5)
    drawn = line(steps, longest_gap=timedelta(minutes=5))
    assert [at for at, value in drawn if value is None] == [510.0]


def test_without_a_limit_five_times_the_usual_distance_is_a_gap() -> None:
    steady = line(thin(every(10, 20), since=0, seconds=5))
    broken = line(thin(every(10, 20) + every(10, 20, start=300), since=0, seconds=5))
    assert None not in [value for _, value in steady]
    assert [value for _, value in broken].count(None) == 1


def test_one_reading_alone_is_drawn_as_it_is() -> None:
    assert line(thin([(5.0, 1.0)], since=0, seconds=1)) == [(5.0, 1.0)]


def test_no_readings_are_no_line() -> None:
    assert line([]) == []
