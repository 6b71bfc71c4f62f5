"""When a metric will reach a level."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from iot_service.rules.lets.ahead import ForecastTrack, TimeUntilLet
from iot_service.rules.lets.base import Moment, Names
from iot_service.rules.lets.functions import compile_let
from iot_service.rules.windows import Window, Windows
from tests.rules.telemetry import SHIPPED, START

DAY = timedelta(days=1)
MODEL = SHIPPED.products["car"]
NAMES = Names(MODEL, frozenset({*MODEL.metrics, *MODEL.parameters}), frozenset(), key="rule.let")


def let(source: str) -> TimeUntilLet:
    found, problems = compile_let(source, NAMES)
    assert isinstance(found, TimeUntilLet), problems
    return found


def moment(found: TimeUntilLet, readings: Sequence[tuple[float, float]], at: float) -> Moment:
    """The moment ``at`` days after the start, with readings by day."""
    windows = Windows(Window(key) for key in found.windows)
    for day, value in readings:
        windows.add(found.key.metric, START + day * DAY, value)
    return Moment({}, windows, START + at * DAY, {"rule.let": found.new_track(None)})


def days(source: str, readings: Sequence[tuple[float, float]], at: float, **values: Any) -> float | None:
    found = let(source)
    scope = {found.key.metric: readings[-1][1], **values}
    return found.value(scope, moment(found, readings, at))


WEAR = [(float(day), 50.0 + 0.5 * day) for day in range(61)]


def test_an_even_trend_reaches_the_level_when_it_would() -> None:
    assert days("time_until(pad_wear_front_left, 180d, 100)", WEAR, 60) == pytest.approx(40, abs=0.1)
    assert days("time_until(pad_wear_front_left, 180d, 100)", WEAR, 64.5) == pytest.approx(35.5, abs=0.1)


def test_the_level_may_be_a_parameter() -> None:
    found = days("time_until(pad_wear_front_left, 180d, tread_limit)", WEAR, 60, tread_limit=90.0)
    assert found == pytest.approx(20, abs=0.1)


def test_a_level_that_is_reached_is_no_time_away() -> None:
    assert days("time_until(pad_wear_front_left, 180d, 70)", WEAR, 60) == 0


def test_a_range_can_be_asked_for() -> None:
    chance = random.Random(1)
    noisy = [(day, value + chance.gauss(0, 2)) for day, value in WEAR]
    first, middle, last = (
        days(f"time_until(pad_wear_front_left, 180d, 100, {share})", noisy, 60) for share in (0.1, 0.5, 0.9)
    )
    assert first is not None
    assert middle is not None
    assert last is not None
    assert first < middle < last
    assert 33 < middle < 47


def test_without_a_trend_that_is_sure_nothing_is_known() -> None:
    chance = random.Random(1)
    flat = [(float(day), 50.0 + chance.gauss(0, 2)) for day in range(61)]
    assert days("time_until(pad_wear_front_left, 180d, 100)", flat, 60) is None


def test_a_trend_away_from_the_level_never_comes_there() -> None:
    assert days("time_until(pad_wear_front_left, 180d, 40)", WEAR, 60) is None


def test_few_readings_say_nothing() -> None:
    assert days("time_until(pad_wear_front_left, 180d, 100)", WEAR[:9], 9) is None


def test_an_unknown_metric_has_no_forecast() -> None:
    found = let("time_until(pad_wear_front_left, 180d, 100)")
    assert found.value({}, moment(found, WEAR, 60)) is None


def test_the_answer_is_the_same_whoever_of_one_stretch_asks_first() -> None:
    found = let("time_until(pad_wear_front_left, 180d, 100)")
    asked_often, asked_late = moment(found, WEAR, 60), moment(found, WEAR, 61.2)
    scope = {found.key.metric: 80.0}
    assert found.value(scope, asked_often) is not None
    asked_often.at = asked_late.at
    assert found.value(scope, asked_often) == found.value(scope, asked_late)


def test_it_says_how_it_came_to_that() -> None:
    found = let("time_until(pad_wear_front_left, 180d, 100)")
    said = found.explain({found.key.metric: 80.0}, moment(found, WEAR, 60))
    assert said is not None
    assert said.startswith("pad_wear_front_left will reach 100 in 40.0 days (")


def test_nothing_of_it_is_kept_with_the_device() -> None:
    track = ForecastTrack()
    assert (track.to_json(), track.due()) == (None, None)


def test_what_is_wrong_is_said() -> None:
    _, problems = compile_let("time_until(pad_wear, 180d, 100, 0.3)", NAMES)
    assert len(problems) == 1
    assert problems[0].startswith("there is no metric 'pad_wear'")
    _, problems = compile_let("time_until(pad_wear_rear_left, 180d, 100, 0.3)", NAMES)
    assert problems == ["the chance of time_until is 0.1, 0.5 or 0.9, got 0.3"]
