"""When a metric reaches a level."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import pi, sin
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iot_service.forecast.crossing import time_until_level
from iot_service.forecast.ranges import Range

START = datetime(2024, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
History = list[tuple[datetime, float]]


def wearing(*, days: int, per_day: float = 0.02, noise: float = 0.05, seed: int = 1) -> History:
    random = Random(seed)
    return [(START + day * DAY, 8 - per_day * day + random.gauss(0, noise)) for day in range(days)]


def until(history: History, level: float) -> Range:
    found = time_until_level(history, level, at=history[-1][0])
    assert found is not None
    return found


def test_tread_that_wears_evenly_reaches_its_level_when_the_line_does() -> None:
    found = until(wearing(days=100), 3.0)
    assert found.p50 == pytest.approx(250 - 99, rel=0.1)
    assert found.holds(250 - 99)


def test_a_quarter_of_wild_values_does_not_move_it() -> None:
    wild = [(at, 99.0 if number % 4 == 1 else value) for number, (at, value) in enumerate(wearing(days=100))]
    assert until(wild, 3.0).p50 == pytest.approx(250 - 99, rel=0.15)


def test_the_range_holds_about_as_often_as_it_says() -> None:
    held = 0
    for seed in range(200):
        history = wearing(days=40, noise=0.1, seed=seed)
        held += until(history, 6.0).holds(100 - 39)
    assert 0.72 <= held / 200 <= 0.95


def test_after_a_service_only_what_came_since_counts() -> None:
    worn = [(START + day * DAY, 900.0 - 30 * day) for day in range(30)]
    fresh = [(START + (30 + day) * DAY, 15_000.0 - 60 * day) for day in range(20)]
    assert until([*worn, *fresh], 0.0).p50 == pytest.approx(15_000 / 60 - 19, rel=0.02)


def test_a_daily_rhythm_is_told_from_the_trend_and_the_crossing_falls_in_its_low() -> None:
    history = [
        (START + timedelta(hours=hour), 90 - hour / 24 + 8 * sin(2 * pi * hour / 24)) for hour in range(24 * 10)
    ]  # fmt: skip
    found = until(history, 40.0)
    crossing = next(
        hour for hour in range(24 * 10, 24 * 60) if 90 - hour / 24 + 8 * sin(2 * pi * hour / 24) <= 40
    )  # fmt: skip
    assert found.p50 == pytest.approx((crossing - 24 * 10 + 1) / 24, abs=1.0)


def test_what_is_there_already_takes_no_time_in_the_direction_of_its_trend() -> None:
    history = wearing(days=50)
    assert until(history, 7.9) == Range(0.0, 0.0, 0.0)
    rising = [(at, -value) for at, value in history]
    assert until(rising, -7.9) == Range(0.0, 0.0, 0.0)


def test_without_trend_or_history_there_is_no_answer() -> None:
    flat = [(START + day * DAY, 5.0) for day in range(20)]
    assert time_until_level(flat, 3.0, at=flat[-1][0]) is None
    assert time_until_level(wearing(days=4), 3.0, at=START + 4 * DAY) is None
    assert time_until_level([(START, float(value)) for value in range(9)], 3.0, at=START) is None
    slow = [(START + day * DAY, 5.0 - day * 1e-6) for day in range(20)]
    assert time_until_level(slow, 3.0, at=slow[-1][0]) is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=8, max_size=60), st.floats(0.05, 1))
def test_a_level_further_off_comes_later_and_p10_before_p50_before_p90(noise: list[float], speed: float) -> None:
    history = [(START + day * DAY, 100 - speed * day + error) for day, error in enumerate(noise)]
    found = [time_until_level(history, level, at=history[-1][0]) for level in (90.0, 80.0, 60.0)]
    known = [one for one in found if one is not None and one.p50 > 0]
    assert all(0 <= one.p10 <= one.p50 <= one.p90 for one in known)
    assert all(nearer.p50 <= further.p50 for nearer, further in pairwise(known))
