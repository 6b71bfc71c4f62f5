"""A simulated coffee machine for capsules, in an office: people drink on workdays, most before lunch."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from simulators.message import TELEMETRY, Message, cut_to_milliseconds, device_event, telemetry, to_milliseconds

_REPORT = timedelta(minutes=15)
_MINUTE = timedelta(minutes=1)
_OFFICE = ZoneInfo("Europe/Oslo")
_HOURLY = {7: 0.8, 8: 1.6, 9: 2.2, 10: 1.9, 11: 1.3, 12: 1.5, 13: 1.4, 14: 1.1, 15: 0.7, 16: 0.2}
"""Relative number of drinks in each hour of a workday, local time."""
_WEEKDAYS = (1.0, 1.15, 1.05, 1.0, 0.8, 0.05, 0.02)
"""Relative number of drinks from Monday to Sunday."""
_DRINKS = {
    "BeverageCounterCoffee": 0.62,
    "BeverageCounterCoffeeAndMilk": 0.3,
    "BeverageCounterHotWater": 0.08,  # takes no capsule
}
_DESCALING = {
    -20: "DescalingIn20Cups",
    -15: "DescalingIn15Cups",
    -10: "DescalingIn10Cups",
    -5: "DescalingIn5Cups",
    25: "DeviceDescalingOverdue",
}
"""Cups after the descaling was due, and what the machine says then."""


@dataclass(frozen=True, slots=True)
class CoffeePlan:
    """How one machine is used.

    ``capsules`` is what their counter shows at the start; the other counters fit it. ``a_day`` is the
    mean number of drinks on a workday. ``rush_drinks`` more come evenly over the first ``rush``, whatever the hour.
    ``remembers`` is how far back the machine kept its counters hour by hour, which it tells when it starts; they count
    from 0 there if ``capsules`` is not given. ``cups_to_descaling`` is how many cups it takes until descaling
    is due; people descale some time after that.
    """

    capsules: int = 0
    a_day: float = 12.0
    rush_drinks: int = 0
    rush: timedelta = timedelta(hours=1)
    remembers: timedelta = timedelta(days=28)
    cups_to_descaling: int = 180


@dataclass(slots=True)
class _Machine:
    counters: dict[str, int]
    cups_to_descaling: int
    water: int = 22
    tray: int = 30

    def make(self, chance: random.Random) -> Iterator[str]:
        """Make one drink; yield the events that follow from it."""
        drink = chance.choices(list(_DRINKS), list(_DRINKS.values()))[0]
        self.counters[drink] += 1
        if drink != "BeverageCounterHotWater":
            self.counters["CapsuleCounter"] += 1
        self.water, self.tray, self.cups_to_descaling = self.water - 1, self.tray - 1, self.cups_to_descaling - 1
        if self.water <= 0:
            self.water = chance.randint(20, 24)
            yield "WaterTankEmpty"
        if self.tray <= 0:
            self.tray = chance.randint(26, 34)
            yield "DripTrayFull"
        if -self.cups_to_descaling in _DESCALING:
            yield _DESCALING[-self.cups_to_descaling]
        if self.cups_to_descaling <= -40:
            yield "DeviceDescaled"
            self.cups_to_descaling = chance.randint(280, 320)


def coffee_machine(seed: str, start: datetime, plan: CoffeePlan) -> Iterator[Message]:
    """Yield the messages of one coffee machine from ``start`` (UTC) on, in order of time, without end.

    First one with its counters in the past; then its counters after each drink and every 15 minutes, and its events.
    The same arguments give the same messages.
    """
    chance = random.Random(seed)
    ts = cut_to_milliseconds(start)
    with_milk = round(plan.capsules * 0.33)
    machine = _Machine(
        counters={
            "CapsuleCounter": plan.capsules,
            "BeverageCounterCoffee": plan.capsules - with_milk,
            "BeverageCounterCoffeeAndMilk": with_milk,
            "BeverageCounterHotWater": round(plan.capsules * 0.09),
        },
        cups_to_descaling=plan.cups_to_descaling,
    )
    past = list(_past(chance, machine, ts, plan))
    if past:
        yield Message(ts - _MINUTE, TELEMETRY, past)
    first, due = ts, ts
    while True:
        made = _drinks_in_minute(chance, ts - first, ts, plan)
        events = [event for _ in range(made) for event in machine.make(chance)]
        if made or ts >= due:
            yield telemetry(ts, machine.counters)
            due = ts + _REPORT
        for event in events:
            yield device_event(ts, event, {"cups_to_descaling": machine.cups_to_descaling})
        ts += _MINUTE


def _past(chance: random.Random, machine: _Machine, start: datetime, plan: CoffeePlan) -> Iterator[dict[str, object]]:
    """Yield the counters at each hour up to ``start``, as the machine remembers them."""
    minutes = plan.remembers // _MINUTE
    for minute in range(-minutes, 0):
        ts = start + minute * _MINUTE
        for _ in range(_drinks_in_minute(chance, timedelta(0), ts, plan)):
            list(machine.make(chance))
        if (minute + 1) % 60 == 0:
            yield {"ts": to_milliseconds(ts), "values": dict(machine.counters)}


def _drinks_in_minute(chance: random.Random, elapsed: timedelta, ts: datetime, plan: CoffeePlan) -> int:
    """Return how many drinks are made in the minute at ``ts``."""
    local = ts.astimezone(_OFFICE)
    share = _HOURLY.get(local.hour, 0.0) / sum(_HOURLY.values()) * _WEEKDAYS[local.weekday()]
    made = int(chance.random() < plan.a_day * share / 60)
    if timedelta(0) < elapsed <= plan.rush:
        minute, minutes = elapsed // _MINUTE, plan.rush // _MINUTE
        made += minute * plan.rush_drinks // minutes - (minute - 1) * plan.rush_drinks // minutes
    return made
