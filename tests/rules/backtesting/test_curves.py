"""Curves for a picture."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iot_service.rules.backtesting.curves import Curves, envelope, line, means, read_metrics
from tests.rules.backtesting.past import MINUTE
from tests.rules.telemetry import START, compiled, event, reading, rule

HOUR = timedelta(hours=1)


def test_few_readings_are_drawn_as_they_are() -> None:
    curves = Curves(["temperature"], START, START + HOUR)
    curves.add([reading("temperature", START + at * MINUTE, -70 + at) for at in (0, 1, 60)])
    (run,) = curves.runs("temperature", longest_gap=None)
    assert line(run) == means(run) == [(0, -70), (60, -69), (3600, -10)]


def test_of_many_readings_no_peak_is_lost() -> None:
    curves = Curves(["temperature"], START, START + HOUR, stretches=4)
    values = [0.0] * 3600
    values[100], values[101], values[2000] = 50.0, -50.0, 7.0
    curves.add([reading("temperature", START + timedelta(seconds=at), value) for at, value in enumerate(values)])
    (run,) = curves.runs("temperature", longest_gap=None)
    points = line(run)
    assert len(points) <= 16
    assert {50.0, -50.0, 7.0} <= {value for _, value in points}
    assert points == sorted(points, key=lambda point: point[0])


def test_the_range_goes_around_all_readings_and_the_mean_lies_within() -> None:
    curves = Curves(["temperature"], START, START + HOUR, stretches=2)
    values = [0.0, 10.0, 20.0] * 20
    curves.add([reading("temperature", START + at * MINUTE, value) for at, value in enumerate(values)])
    (run,) = curves.runs("temperature", longest_gap=None)
    assert means(run) == [(29 * 30, 10), (89 * 30, 10)]
    assert envelope(run) == [(0, 20), (1740, 20), (1800, 20), (3540, 20), (3540, 0), (1800, 0), (1740, 0), (0, 0)]
    assert curves.width == 30 * MINUTE


def test_a_gap_breaks_the_line() -> None:
    curves = Curves(["temperature"], START, START + HOUR)
    curves.add([reading("temperature", START + at * MINUTE, -70) for at in (0, 1, 30, 31)])
    assert [len(run) for run in curves.runs("temperature", longest_gap=15 * MINUTE)] == [2, 2]
    assert [len(run) for run in curves.runs("temperature", longest_gap=None)] == [4]


def test_other_metrics_events_and_what_lies_outside_the_span_are_left_out() -> None:
    curves = Curves(["temperature"], START, START + HOUR)
    curves.add([reading("temperature", START - MINUTE, 1), reading("temperature", START + 61 * MINUTE, 2)])
    curves.add([reading("door", START, 1), event("temperature", START)])
    assert curves.runs("temperature", longest_gap=None) == []


def test_an_empty_span_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="needs a span"):
        Curves(["temperature"], START, START)


def test_what_a_rule_reads_is_drawn_but_not_all_that_a_rule_on_silence_listens_to() -> None:
    product = compiled("freezer", [rule("any", absent_for="15m"), rule("one", absent_for="15m", absent=["battery"])])
    assert read_metrics(product, ["any"]) == []
    assert read_metrics(product, ["one"]) == ["battery"]
    shipped = compiled("freezer")
    assert read_metrics(shipped, ["temperature_high"]) == ["temperature", "setpoint"]
