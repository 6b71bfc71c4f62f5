"""Named values of rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from iot_service.rules.lets.base import Let, Moment, Names
from iot_service.rules.lets.functions import compile_let
from iot_service.rules.windows import Window, Windows
from tests.rules.telemetry import SHIPPED, START

MODEL = SHIPPED.products["freezer"].model_copy(
    update={"metrics": dict.fromkeys(("temperature", "counter"), SHIPPED.products["freezer"].metrics["ambient"])}
)
NAMES = Names(
    MODEL,
    numbers=frozenset({*MODEL.metrics, "setpoint", "lead_days", "supplied"}),
    others=frozenset({"codes", "events"}),
    reported=frozenset({*MODEL.metrics, "codes"}),
    key="rule.let",
)


def compiled(source: str) -> Let:
    let, problems = compile_let(source, NAMES)
    assert let is not None, problems
    return let


def value(source: str, values: dict[str, Any], readings: list[tuple[timedelta, float]], at: timedelta) -> float | None:
    let = compiled(source)
    windows = Windows(Window(key) for key in let.windows)
    for after, number in readings:
        for key in let.windows:
            windows.add(key.metric, START + after, number)
    return let.value(values, Moment(values, windows, START + at))


MINUTES = [(timedelta(minutes=minute), float(minute)) for minute in range(5)]
DAYS = [(timedelta(days=day), 10.0 * day) for day in range(30)]


def test_a_window_function_is_over_the_readings_of_its_duration() -> None:
    assert value("avg(temperature, 10m)", {"temperature": 4.0}, MINUTES, timedelta(minutes=4)) == 2.0
    assert value("delta( temperature , 2m )", {"temperature": 4.0}, MINUTES, timedelta(minutes=4)) == 1.0


def test_a_window_over_an_outdated_metric_is_unknown_but_its_count_is_not() -> None:
    assert value("avg(temperature, 10m)", {}, MINUTES, timedelta(minutes=5)) is None
    assert value("count(temperature, 10m)", {}, MINUTES, timedelta(minutes=5)) == 5.0


def test_an_expression_gives_a_number() -> None:
    assert value("supplied - counter", {"supplied": 120.0, "counter": 50.0}, [], timedelta(0)) == 70.0
    assert value("supplied - counter", {"supplied": 120.0}, [], timedelta(0)) is None


def test_demand_comes_from_the_devices_own_days_and_the_facts_it_names() -> None:
    source = "demand_within(counter, 28d, lead_days, 0.98)"
    four = value(source, {"lead_days": 4.0}, DAYS, timedelta(days=29))
    eight = value(source, {"lead_days": 8.0}, DAYS, timedelta(days=29))
    assert four is not None
    assert eight is not None
    assert 40 < four < 80 < eight < 130
    assert value(source, {}, DAYS, timedelta(days=29)) is None
    assert value(source, {"lead_days": 4.0}, DAYS[:1], timedelta(hours=1)) is None
    assert compiled(source).inputs == {"counter", "lead_days"}


def test_an_impossible_level_is_an_error_of_the_rule() -> None:
    let = compiled("demand_within(counter, 28d, lead_days, 2)")
    moment = Moment({"lead_days": 4.0}, Windows(Window(key) for key in let.windows), START)
    assert let.value(moment.values, moment) is None
    assert "service_level" in moment.errors[0]


def test_the_days_until_a_stock_is_used_up_come_from_the_devices_own_days() -> None:
    at = timedelta(days=29)
    early, middle, late = (
        value(f"used_up_in(counter, 28d, supplied, {chance})", {"supplied": 45.0}, DAYS, at) or 0
        for chance in (0.1, 0.5, 0.9)
    )
    assert 3.5 < early < middle < late < 7
    source = "used_up_in(counter, 28d, supplied, 0.5)"
    assert value(source, {}, DAYS, at) is None
    assert value(source, {"supplied": 45.0}, DAYS[:1], timedelta(hours=1)) is None
    assert value(source, {"supplied": 1e9}, DAYS, at) is None
    assert compiled(source).inputs == {"counter", "supplied"}


def test_a_chance_that_is_no_quantile_of_the_forecast_is_an_error_of_the_rule() -> None:
    let = compiled("used_up_in(counter, 28d, 45, supplied)")
    moment = Moment({"supplied": 0.3}, Windows(Window(key) for key in let.windows), START)
    assert let.value(moment.values, moment) is None
    assert "0.1, 0.5 or 0.9" in moment.errors[0]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("avg(temprature, 10m)", "there is no metric 'temprature'; did you mean 'temperature'?"),
        ("avg(setpoint, 10m)", "there is no metric 'setpoint'"),
        ("avg(temperature)", "avg takes a metric and a duration"),
        ("avg(temperature, ten)", "'ten' is not a duration"),
        ("median(temperature, 1h, 1h)", "median takes a metric and a duration"),
        ("percentile(temperature, 1h, 101)", "a percentile is a number from 0 to 100, got 101"),
        ("time_true(temperature, 1h)", "time_true measures how long a condition holds, but this gives float"),
        ("time_true('x' in events, 1h)", "events: that is of one instant"),
        ("previous(setpoint)", "previous() takes what a device reports, and 'setpoint' is not"),
        ("avg(temperature, 0s)", "a window needs a length above 0"),
        ("avg(temperature, 10m) + 1", "a function over time stands alone in a let"),
        ("demand_within(counter, 28d)", "demand_within takes a counter"),
        ("demand_within(counter, 28d, led_days, 0.98)", "there is no 'led_days'; did you mean 'lead_days'?"),
        ("demand_within(counter, 1h, lead_days, 0.98)", "the history must be at least 1d"),
        ("demand_within(setpoint, x, lead_days, 0.98)", "there is no metric 'setpoint'"),
        ("used_up_in(counter, 28d)", "used_up_in takes a counter"),
        ("used_up_in(counter, 28d, supplied, 0.2)", "the chance of used_up_in is 0.1, 0.5 or 0.9"),
        ("used_up_in(counter, 28d, suplied, 0.1)", "there is no 'suplied'; did you mean 'supplied'?"),
        ("temperature > 1", "gives bool; a number is needed"),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(source: str, problem: str) -> None:
    let, problems = compile_let(source, NAMES)
    assert let is None
    assert any(problem in found for found in problems)
