"""The named scenarios: what a device goes through, and what must follow."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from iot_service.errors import NotFoundError
from simulators.car import CarPlan, car
from simulators.coffee_machine import CoffeePlan, coffee_machine
from simulators.freezer import DoorOpening, FreezerPlan, freezer
from simulators.message import Message
from simulators.rubbish import rubbish

Build = Callable[[str, datetime], Iterator[Message]]
"""(seed, start in UTC) → the messages of one device in order of time."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing that a device can go through.

    ``expects`` are the ids of the rules that must open a need within ``within`` of device time; none means that
    nothing may open. ``setup`` is what makes that true: parameters of the device by name (``setpoint`` in °C), and the
    stock of consumables at the start (``capsules``).
    """

    name: str
    product: str
    description: str
    build: Build
    within: timedelta
    expects: tuple[str, ...] = ()
    setup: Mapping[str, float] = field(default_factory=dict)


def _freezer(**plan: object) -> Build:
    chosen = FreezerPlan(**plan)  # type: ignore[arg-type]  # the plan's own fields, by name
    return lambda seed, start: freezer(seed, start, chosen)


def _car(**plan: object) -> Build:
    chosen = CarPlan(**plan)  # type: ignore[arg-type]  # the plan's own fields, by name
    return lambda seed, start: car(seed, start, chosen)


def _coffee(**plan: object) -> Build:
    chosen = CoffeePlan(**plan)  # type: ignore[arg-type]  # the plan's own fields, by name
    return lambda seed, start: coffee_machine(seed, start, chosen)


def _silent_after(span: timedelta, build: Build) -> Build:
    """Return a device that says nothing more once ``span`` has passed."""
    return lambda seed, start: itertools.takewhile(lambda message: message.ts < start + span, build(seed, start))


_MINUTE = timedelta(minutes=1)

SCENARIOS: Mapping[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "freezer_normal",
            "freezer",
            "Holds -70 °C; people open the door now and then.",
            _freezer(daily_use=True),
            within=timedelta(hours=2),
            setup={"setpoint": -70.0},
        ),
        Scenario(
            "freezer_compressor_fails",
            "freezer",
            "The compressor stops after 5 minutes; about 40 minutes later it is 10 °C too warm, and warming.",
            _freezer(compressor_fails_after=5 * _MINUTE),
            within=65 * _MINUTE,
            expects=("temperature_high",),
            setup={"setpoint": -70.0},
        ),
        Scenario(
            "freezer_door_left_open",
            "freezer",
            "The door is left open for 45 seconds: the air warms by 13 °C and recovers. Nobody must be alarmed.",
            _freezer(setpoint=-80.0, openings=(DoorOpening(8 * _MINUTE, timedelta(seconds=45)),)),
            within=timedelta(hours=2),
            setup={"setpoint": -80.0},
        ),
        Scenario(
            "freezer_first_start",
            "freezer",
            "Switched on for the first time, at room temperature; -70 °C is reached hours later. No fault before that.",
            _freezer(starts_warm=True),
            within=timedelta(hours=6),
            setup={"setpoint": -70.0},
        ),
        Scenario(
            "car_normal",
            "car",
            "A commuter's car in good order, in mild weather.",
            _car(),
            within=timedelta(hours=2),
        ),
        Scenario(
            "car_service_due_in_winter",
            "car",
            "Busy all day; the first trip takes it below 1,000 km to its service, while frost comes. On summer tyres.",
            _car(
                odometer=59_020.0,
                distance_to_service=1_004.0,
                days_to_service=35.0,
                outside=4.0,
                cooling_per_hour=3.0,
                tread=2.6,
                busy=True,
            ),
            within=45 * _MINUTE,
            expects=("service_due", "winter_tyres"),
        ),
        Scenario(
            "car_battery_weak",
            "car",
            "The supply falls to 7.6 V while the engine is cranked; the battery will not survive a cold morning.",
            _car(cranking_voltage=7.6),
            within=10 * _MINUTE,
            expects=("battery_weak",),
        ),
        Scenario(
            "coffee_normal",
            "coffee_machine",
            "An office that drinks a dozen cups on a workday, with plenty in stock.",
            _coffee(),
            within=timedelta(hours=2),
            setup={"capsules": 160.0},
        ),
        Scenario(
            "coffee_capsules_low",
            "coffee_machine",
            "Visitors drink a cup a minute for an hour and a half, and the cupboard was not full.",
            _coffee(rush_drinks=90, rush=90 * _MINUTE),
            within=60 * _MINUTE,
            expects=("capsules_low",),
            setup={"capsules": 80.0},
        ),
        Scenario(
            "sensor_goes_silent",
            "freezer",
            "A freezer in good order that sends nothing more after 12 minutes, while its connection stays.",
            _silent_after(12 * _MINUTE, _freezer()),
            within=30 * _MINUTE,
            expects=("silent",),
            setup={"setpoint": -70.0},
        ),
        Scenario(
            "sends_rubbish",
            "freezer",
            "Every kind of rubbish, with good readings between: all of it must be found among the dead letters.",
            rubbish,
            within=35 * _MINUTE,
            setup={"setpoint": -70.0},
        ),
    )
}
"""All scenarios by name."""


def find_scenario(name: str) -> Scenario:
    """Return the scenario called ``name``; raises NotFoundError that names those there are."""
    found = SCENARIOS.get(name)
    if found is None:
        raise NotFoundError(f"there is no scenario {name!r}; there are {', '.join(SCENARIOS)}")
    return found
