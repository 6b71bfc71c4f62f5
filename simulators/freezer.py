"""A simulated ultra-low freezer.

Two temperatures make the model: that of the load, which the compressor cools and the ambient warms through the
insulation, and how much the air is warmer than the load after the door was open. The figures give what field
data show: a door open for 30 s warms the air 8 to 10 °C, which takes 30 to 60 minutes to recover; without its
compressor the freezer gains 10 °C in about 40 minutes; a first pull-down from ambient takes hours.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulators.message import Message, cut_to_milliseconds, telemetry

_STEP = 5.0  # seconds between two states of the model
_REPORT = 60.0  # seconds between two messages
_LEAK = 348 * 60.0  # seconds; time constant of the insulation
_DOOR = 307.0  # seconds; time constant of the air while the door is open
_AIR = 20 * 60.0  # seconds; time constant with which the air comes back to the load
_COOLING = 0.5 / 60.0  # °C per second that the running compressor takes from the load
_BAND = 1.0  # °C around the set point within which the thermostat keeps the load
_WALL = 0.15  # share of the air's excess that the thermostat's probe, in the wall, feels


@dataclass(frozen=True, slots=True)
class DoorOpening:
    """The door opens ``after`` the start of the simulation and stays open for ``lasts``."""

    after: timedelta
    lasts: timedelta


@dataclass(frozen=True, slots=True)
class FreezerPlan:
    """What happens to one freezer. ``setpoint`` is in °C.

    ``starts_warm``: it is switched on for the first time, at ambient temperature. ``compressor_fails_after``: from
    then on the compressor does not run, whatever the thermostat wants. ``daily_use``: now and then the door is opened.
    """

    setpoint: float = -70.0
    starts_warm: bool = False
    compressor_fails_after: timedelta | None = None
    openings: tuple[DoorOpening, ...] = ()
    daily_use: bool = False


@dataclass(slots=True)
class _State:
    load: float
    air: float = 0.0  # °C above the load
    running: bool = False

    def step(self, *, ambient: float, door: bool, setpoint: float, failed: bool) -> None:
        """Let ``_STEP`` seconds pass."""
        felt = self.load + _WALL * self.air
        if failed:
            self.running = False
        elif felt > setpoint + _BAND:
            self.running = True
        elif felt < setpoint - _BAND:
            self.running = False
        if door:
            self.air += (ambient - self.load - self.air) * (1 - math.exp(-_STEP / _DOOR))
        else:
            self.air *= math.exp(-_STEP / _AIR)
        self.load += (ambient - self.load) * _STEP / _LEAK - (_COOLING * _STEP if self.running else 0.0)


def freezer(seed: str, start: datetime, plan: FreezerPlan) -> Iterator[Message]:
    """Yield the messages of one freezer from ``start`` (UTC) on, in order of time, without end.

    One a minute, and one at once when the door opens or closes. The same arguments give the same messages.
    """
    chance = random.Random(seed)
    start = cut_to_milliseconds(start)
    room = chance.uniform(20.0, 24.0)
    state = _State(load=room if plan.starts_warm else plan.setpoint + chance.uniform(-0.8, 0.8))
    openings = [(o.after.total_seconds(), (o.after + o.lasts).total_seconds()) for o in plan.openings]
    next_use = _next_use(chance, 0.0) if plan.daily_use else math.inf
    fails_after = plan.compressor_fails_after.total_seconds() if plan.compressor_fails_after else math.inf
    elapsed, next_report, was_open = 0.0, chance.randrange(12) * _STEP, False
    while True:
        if elapsed >= next_use:
            openings.append((elapsed, elapsed + chance.choice((10.0, 15.0, 20.0, 30.0))))
            next_use = _next_use(chance, elapsed)
        openings = [opening for opening in openings if elapsed < opening[1]]
        door = any(opens <= elapsed for opens, _ in openings)
        ambient = room + 1.2 * math.sin(2 * math.pi * elapsed / 86_400)
        if elapsed >= next_report or door != was_open:
            yield telemetry(start + timedelta(seconds=elapsed), _values(state, plan, ambient, door, chance))
            was_open = door
        if elapsed >= next_report:
            next_report += _REPORT
        state.step(ambient=ambient, door=door, setpoint=plan.setpoint, failed=elapsed >= fails_after)
        elapsed += _STEP


def _next_use(chance: random.Random, elapsed: float) -> float:
    """Return when the door is next opened: long enough after the last time for the air to recover."""
    return elapsed + chance.uniform(75 * 60.0, 300 * 60.0) // _STEP * _STEP


def _values(
    state: _State, plan: FreezerPlan, ambient: float, door: bool, chance: random.Random
) -> dict[str, float | bool]:
    return {
        "temperature": round(state.load + state.air + chance.gauss(0.0, 0.05), 2),
        "setpoint": plan.setpoint,
        "ambient": round(ambient + chance.gauss(0.0, 0.05), 1),
        "door": int(door),
        "power": 1,
        "compressor": int(state.running),
        "battery": round(13.6 + chance.gauss(0.0, 0.02), 2),
    }
