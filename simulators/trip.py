"""One trip of a simulated car: the start of the engine, and what speed, engine and coolant do on the way."""

from __future__ import annotations

import random
from dataclasses import dataclass

STEP = 10.0
"""Seconds between two states of a drive."""

CRANKING: tuple[tuple[float, float | None], ...] = (
    (180.0, None),
    (240.0, None),
    (1250.0, 12.9),
    (1100.0, 13.8),
    (980.0, 14.1),
)
"""Engine speed (rpm) and supply (V) in the seconds after the key is turned; None: what the starter leaves of it."""

_IDLE = 760.0  # rpm
_RPM_PER_KMH = (115.0, 62.0, 42.0, 32.0, 25.0)  # by gear
_GEAR_UP = (18.0, 35.0, 55.0, 75.0)  # km/h
_THERMOSTAT = 89.0  # °C


@dataclass(frozen=True, slots=True)
class DriveState:
    """``speed`` in km/h, ``engine_speed`` in rpm, ``coolant`` in °C, ``voltage`` in V, ``distance`` driven in km."""

    speed: float
    engine_speed: float
    coolant: float
    voltage: float
    distance: float


class Drive:
    """A drive of ``seconds``, with stretches of a target speed and stops between; ``coolant`` in °C at its start."""

    def __init__(self, chance: random.Random, *, coolant: float, seconds: float) -> None:
        self._chance, self._seconds = chance, seconds
        self._coolant, self._speed, self._target, self._stretch = coolant, 0.0, 30.0, 30.0
        self.elapsed = 0.0
        """Seconds driven so far."""

    @property
    def over(self) -> bool:
        """Whether the car has arrived."""
        return self.elapsed >= self._seconds

    def step(self, *, outside: float) -> DriveState:
        """Drive on for ``STEP`` seconds; ``outside`` is the temperature in °C."""
        self._choose_target()
        before = self._speed
        change = max(-45.0, min(28.0, self._target - self._speed))
        self._speed = max(0.0, self._speed + change + self._chance.gauss(0, 0.8) * (self._target > 0))
        load = 0.4 + self._speed / 100
        self._coolant += STEP / 420 * load * (_THERMOSTAT + 6 - self._coolant)
        self._coolant = min(self._coolant, _THERMOSTAT + self._chance.uniform(-1.5, 2.5))
        self._coolant = max(self._coolant, outside)
        self.elapsed += STEP
        return DriveState(
            speed=self._speed,
            engine_speed=self._engine_speed(),
            coolant=self._coolant,
            voltage=14.1 + self._chance.gauss(0, 0.06),
            distance=(before + self._speed) / 2 * STEP / 3600,
        )

    def _choose_target(self) -> None:
        self._stretch -= STEP
        if self._seconds - self.elapsed <= 2 * STEP:
            self._target = 0.0
        elif self._stretch <= 0:
            self._target = (
                0.0 if self._target > 0 and self._chance.random() < 0.3 else self._chance.choice((50, 60, 80, 90))
            )
            self._stretch = 20.0 if self._target == 0 else self._chance.uniform(60, 240)

    def _engine_speed(self) -> float:
        gear = sum(self._speed >= limit for limit in _GEAR_UP)
        return max(_IDLE + self._chance.gauss(0, 8), self._speed * _RPM_PER_KMH[gear])
