"""Rules over telemetry of the past."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from iot_service.model.device import ServiceState
from iot_service.rules.backtesting.run import Subject, run_in
from iot_service.rules.instants import FactChange
from iot_service.rules.state import DeviceState
from tests.rules.backtesting.past import MINUTE, found, judged
from tests.rules.telemetry import START, compiled, rule, series

WARM = series(temperature="-70x5 -55x20 -70x20 -50x30 -70x10")


def test_the_needs_are_those_that_a_live_device_would_have_had() -> None:
    result = judged(WARM)
    assert found(result) == [("temperature_high", 16, 32), ("temperature_high", 58, 84)]
    assert "temperature -55 °C" in result.needs[0].why
    assert result.samples == len(WARM)


@pytest.mark.parametrize("batch", [1, 2, 7, 1000])
def test_it_does_not_matter_how_telemetry_is_cut_into_batches(batch: int) -> None:
    result = judged(WARM, batch=batch)
    assert result.needs == judged(WARM).needs


def test_needs_before_the_span_are_left_out_but_what_is_open_where_it_begins_is_not() -> None:
    assert found(judged(WARM, since=20)) == [("temperature_high", 16, 32), ("temperature_high", 58, 84)]
    assert found(judged(WARM, since=32)) == [("temperature_high", 58, 84)]
    assert found(judged([sample for sample in WARM if sample.ts <= START + 57 * MINUTE])) == [
        ("temperature_high", 16, 32)
    ]


def test_only_the_rules_that_are_asked_about_are_reported() -> None:
    rules = [rule("warm"), rule("warmer", when="temperature > -54")]
    assert found(judged(WARM, rules, asked=["warmer"])) == [("warmer", 48, 79)]


def test_silence_counts_up_to_where_it_is_known_of() -> None:
    silent = series(temperature="-70x5")
    assert found(judged(silent, until=60)) == [("silent", 20, None)]
    assert found(judged(silent, until=60, silence_until=None)) == []


def test_facts_change_in_the_middle() -> None:
    facts = dict(compiled("freezer").model.parameters)
    changes = [FactChange(START + at * MINUTE, "setpoint", value) for at, value in ((30, -40.0), (90, -90.0))]
    result = judged(WARM, subject=Subject("freezer-1", facts, changes), until=101)
    assert found(result) == [("temperature_high", 16, 32), ("temperature_high", 100, None)]


def test_a_device_that_was_not_in_service_yet_has_no_needs_before_it_is() -> None:
    facts = dict(compiled("freezer").model.parameters)
    subject = Subject("freezer-1", facts, state=DeviceState(ServiceState.COMMISSIONING))
    result = judged(series(temperature="0x30 -70x20 -50x20"), subject=subject)
    assert found(result) == [("temperature_high", 62, None)]
    assert [(note.kind, note.at) for note in result.notes] == [("in service", START + 36 * MINUTE)]


def test_a_rule_that_cannot_be_computed_says_so() -> None:
    broken = rule("broken", when="temperature > -60 && int(string(temperature) + 'x') > 1")
    result = judged(series(temperature="-50x3"), [broken, rule("warm")])
    assert found(result) == [("warm", 0, None)]
    assert list(result.errors) == ["broken"]


def test_curves_are_filled_on_the_way() -> None:
    result = judged(WARM, curves=True)
    assert result.curves is not None
    (run,) = result.curves.runs("temperature", longest_gap=None)
    assert len(run) == len(WARM)


def test_who_waits_hears_how_far_it_is() -> None:
    heard: list[datetime] = []
    judged(WARM, batch=20, tell=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == WARM[-1].ts
    assert len(heard) > 3


def test_the_run_in_is_as_long_as_the_rules_look_back() -> None:
    day = timedelta(days=1)
    assert run_in(compiled("freezer", [rule("warm")])) == day + 15 * MINUTE  # how old a temperature may be
    assert run_in(compiled("freezer", [rule("long", let={"m": "avg(temperature, 7d)"}, when="m > 1")])) == 8 * day
    assert run_in(compiled("freezer", [rule("silent", absent_for="3d")])) == 4 * day
    assert run_in(compiled("freezer", [rule("slow", **{"for": "2d"})])) == 3 * day
    assert run_in(compiled("freezer", [rule("kept", keep_for="4d")])) == 5 * day
    assert run_in(compiled("freezer", [rule("often", repeat="3 times within 5d")])) == 6 * day
    held = rule("held", let={"open": "time_true(door > 0.5, 6d)"}, when="open > 60")
    assert run_in(compiled("freezer", [held])) == 7 * day
