from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile

import pytest

from iot_service.errors import NotFoundError
from iot_service.products.catalog import load_catalog
from simulators.message import EVENT, TELEMETRY, Message
from simulators.samples import to_samples
from simulators.scenarios import SCENARIOS, Scenario, find_scenario

START = datetime(2026, 1, 12, 8, tzinfo=UTC)
WELL_FORMED = [scenario for scenario in SCENARIOS.values() if scenario.name != "sends_rubbish"]


def _messages(scenario: Scenario, seed: str = "1") -> list[Message]:
    until = START + scenario.within
    return list(takewhile(lambda m: m.ts <= until, scenario.build(seed, START)))


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda s: s.name)
def test_a_scenario_is_the_same_for_the_same_seed_and_in_order_of_time(scenario: Scenario) -> None:
    messages = _messages(scenario)
    assert messages == _messages(scenario)
    assert [m.body() for m in messages] != [m.body() for m in _messages(scenario, "2")]
    assert all(earlier.ts <= later.ts for earlier, later in pairwise(messages))


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda s: s.name)
def test_what_a_scenario_expects_are_rules_of_its_product(scenario: Scenario) -> None:
    catalog = load_catalog()
    assert set(scenario.expects) <= set(catalog.rules[scenario.product])
    product = catalog.products[scenario.product]
    assert set(scenario.setup) <= {*product.parameters, *product.consumables}


@pytest.mark.parametrize("scenario", WELL_FORMED, ids=lambda s: s.name)
def test_all_names_and_values_of_a_well_formed_scenario_are_those_of_its_product(scenario: Scenario) -> None:
    product = load_catalog().products[scenario.product]
    metrics = {alias: metric for name, metric in product.metrics.items() for alias in (name, *metric.aliases)}
    attributes = {alias for name, text in product.attributes.items() for alias in (name, *text.aliases)}
    messages = _messages(scenario)
    assert messages
    for message in messages:
        if message.topic_suffix == EVENT:
            assert json.loads(message.body())["name"] in product.events
            continue
        assert message.topic_suffix == TELEMETRY
        for sample in to_samples([message]):
            if not isinstance(sample.value, float):
                assert sample.name in attributes
                continue
            metric = metrics[sample.name]
            assert metric.minimum is not None
            assert metric.maximum is not None
            assert metric.minimum <= sample.value <= metric.maximum


def test_both_flat_names_and_those_of_vss_are_spoken() -> None:
    names = {sample.name for sample in to_samples(_messages(find_scenario("car_normal")))}
    assert {"odometer", "Vehicle.TraveledDistance", "battery_voltage"} <= names


@pytest.mark.parametrize("seed", ["1", "2", "3", "4", "5", "6"])
def test_the_door_left_open_warms_the_air_but_not_for_ten_minutes(seed: str) -> None:
    scenario = find_scenario("freezer_door_left_open")
    warm = [s for s in to_samples(_messages(scenario, seed)) if s.name == "temperature" and float(s.value) > -70]  # type: ignore[arg-type]
    assert timedelta(minutes=1) < warm[-1].ts - warm[0].ts < timedelta(minutes=9)


@pytest.mark.parametrize("seed", ["1", "2", "3", "4", "5", "6"])
def test_the_failed_freezer_has_been_too_warm_for_ten_minutes_when_its_need_is_expected(seed: str) -> None:
    scenario = find_scenario("freezer_compressor_fails")
    warm = [s.ts for s in to_samples(_messages(scenario, seed)) if s.name == "temperature" and float(s.value) > -60]  # type: ignore[arg-type]
    assert START + scenario.within - warm[0] > timedelta(minutes=10)


def test_the_silent_sensor_says_nothing_for_15_minutes_before_its_need_is_expected() -> None:
    scenario = find_scenario("sensor_goes_silent")
    messages = list(scenario.build("1", START))
    assert START + scenario.within - messages[-1].ts > timedelta(minutes=15)


def test_an_unknown_scenario_is_answered_with_those_there_are() -> None:
    with pytest.raises(NotFoundError, match=r"no scenario 'freezer'.*freezer_normal"):
        find_scenario("freezer")
