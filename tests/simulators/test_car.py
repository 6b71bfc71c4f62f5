from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile

import pytest

from simulators.car import CarPlan, car
from simulators.message import Message
from simulators.samples import to_samples

START = datetime(2026, 11, 2, 6, tzinfo=UTC)


def _history(seed: str, plan: CarPlan, hours: float) -> list[Message]:
    return list(takewhile(lambda m: m.ts < START + timedelta(hours=hours), car(seed, START, plan)))


def _curve(messages: list[Message], metric: str) -> list[tuple[timedelta, float]]:
    return [(s.ts - START, float(s.value)) for s in to_samples(messages) if s.name == metric]  # type: ignore[arg-type]


@pytest.mark.parametrize("busy", [False, True])
def test_the_same_seed_gives_the_same_messages_in_order_of_time(busy: bool) -> None:
    messages = _history("1", CarPlan(busy=busy), 30)
    assert messages == _history("1", CarPlan(busy=busy), 30)
    assert messages != _history("2", CarPlan(busy=busy), 30)
    assert all(earlier.ts < later.ts for earlier, later in pairwise(messages))


def test_the_supply_dips_to_10_volts_and_a_half_while_a_healthy_car_cranks_and_is_charged_while_it_drives() -> None:
    first_trip = _history("1", CarPlan(), 0.5)
    voltages = _curve(first_trip, "battery_voltage")
    assert 10.4 < min(value for _, value in voltages) < 10.8
    driving = dict(_curve(first_trip, "speed"))
    assert all(13.5 < value < 14.6 for at, value in voltages if driving.get(at, 0) > 0)


def test_a_weak_battery_falls_below_9_6_volts_while_the_engine_stands() -> None:
    weak = _history("1", CarPlan(cranking_voltage=7.6), 0.5)
    speeds = dict(_curve(weak, "engine_speed"))
    low = [at for at, value in _curve(weak, "battery_voltage") if value < 9.6]
    assert len(low) >= 2
    assert all(speeds[at] < 500 for at in low)


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_speed_engine_and_coolant_stay_plausible(seed: str) -> None:
    messages = _history(seed, CarPlan(busy=True), 24)
    assert all(0 <= value < 130 for _, value in _curve(messages, "speed"))
    assert all(0 <= value < 4000 for _, value in _curve(messages, "engine_speed"))
    coolant = [value for _, value in _curve(messages, "coolant_temperature")]
    assert 85 < max(coolant) < 95
    assert min(coolant) < 20


def test_what_is_driven_is_counted_and_taken_off_the_way_to_the_service() -> None:
    messages = _history("1", CarPlan(distance_to_service=1_004.0, busy=True), 24)
    odometer = [value for _, value in _curve(messages, "odometer")]
    to_service = [value for _, value in _curve(messages, "distance_to_service")]
    assert odometer == sorted(odometer)
    assert 300 < odometer[-1] - odometer[0] < 1500
    assert odometer[-1] - odometer[0] == pytest.approx(to_service[0] - to_service[-1], abs=0.1)
    assert to_service[0] > 1000 > to_service[-1]


def test_frost_comes_and_stays() -> None:
    plan = CarPlan(outside=4.0, cooling_per_hour=3.0, outside_lowest=-8.0, busy=True)
    outside = [value for _, value in _curve(_history("1", plan, 10), "outside_temperature")]
    assert outside == sorted(outside, reverse=True)
    assert outside[0] > 3
    assert outside[-1] == -8


def test_a_commuter_drives_to_work_and_back_on_a_weekday() -> None:
    started = [at for at, value in _curve(_history("1", CarPlan(), 24 * 7), "engine_speed") if value == 180]
    assert 9 <= len(started) <= 14
