"""Made-up series of different kinds of things, each with one anomaly of a kind of its own."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from iot_service.anomaly.recording import Reading, Window

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)
Value = Callable[[random.Random, datetime, float, bool], float]


def made(
    value: Value, *, step: timedelta, days: int, begins: float, lasts: float
) -> tuple[list[Reading], list[Window]]:
    """A series of ``days``; ``value`` gets the time, the day and whether the anomaly is on, from ``begins`` (days)."""
    chance = random.Random(1)
    readings = []
    for place in range(days * DAY // step):
        at = START + place * step
        day = place * step / DAY
        readings.append(Reading(at, value(chance, at, day, begins <= day < begins + lasts), at.isoformat()))
    window = START + (begins - lasts / 2) * DAY, START + (begins + lasts * 1.5) * DAY
    return readings, [window]


def rides(chance: random.Random, at: datetime, _: float, odd: bool) -> float:
    """Rides of a city in half an hour: habits of hours and weekends, and a day of snow."""
    shift = 13 if at.weekday() >= 5 else 10
    usual = 15_000 + 9_000 * math.sin((at.hour + at.minute / 60 - shift) / 24 * math.tau)
    return usual * (0.5 if odd else 1) * (1 + chance.gauss(0, 0.03))


def load(chance: random.Random, at: datetime, _: float, odd: bool) -> float:
    """Load of a computer: noise with spikes, and a process that does not end."""
    spike = chance.uniform(20, 50) if chance.random() < 0.004 else 0
    usual = 38 + 6 * math.sin((at.hour - 8) / 24 * math.tau) + chance.gauss(0, 5) + spike
    return min(100.0, 90 + chance.gauss(0, 4) if odd else usual)


def sensor(chance: random.Random, at: datetime, _: float, odd: bool) -> float:
    """A temperature that is stuck."""
    return 21.5 if odd else round(20 + 5 * math.sin((at.hour - 9) / 24 * math.tau) + chance.gauss(0, 0.4), 2)


def shaking(chance: random.Random, _: datetime, __: float, odd: bool) -> float:
    """A vibration whose mean stays, but that becomes stronger."""
    return 20 + chance.gauss(0, 4 if odd else 1)


def switching(_: random.Random, at: datetime, __: float, odd: bool) -> float:
    """A compressor that is on for a third of the time, and then for ever."""
    return 1.0 if odd or (at.hour * 60 + at.minute) // 10 % 3 == 0 else 0.0


MINUTES = timedelta(minutes=1)
KINDS = {
    "rides": made(rides, step=30 * MINUTES, days=60, begins=51, lasts=1),
    "load": made(load, step=5 * MINUTES, days=30, begins=22, lasts=1),
    "sensor": made(sensor, step=10 * MINUTES, days=30, begins=23.3, lasts=1),
    "shaking": made(shaking, step=5 * MINUTES, days=25, begins=19.2, lasts=1),
    "switching": made(switching, step=10 * MINUTES, days=25, begins=20.1, lasts=1),
}
