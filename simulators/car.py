"""A simulated car with a combustion engine: parked most of the time, now and then a trip.

While parked it sends a sign of life under the names of VSS; while driving it uses flat names. Both are understood.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulators.message import Message, cut_to_milliseconds, telemetry
from simulators.trip import CRANKING, Drive
from simulators.trips import departures

_PARKED_REPORT = timedelta(minutes=10)
_TYRES = ("front_left", "front_right", "rear_left", "rear_right")
_WHEELS = ("Row1.Wheel.Left", "Row1.Wheel.Right", "Row2.Wheel.Left", "Row2.Wheel.Right")
_CHARGED = 12.75  # V at rest after a trip


@dataclass(frozen=True, slots=True)
class CarPlan:
    """One car at the start, and how it is used.

    Distances in km, voltages in V, temperatures in °C, tread in mm, pressure in kPa (cold, at 20 °C).
    ``cranking_voltage`` is the lowest while the starter turns. The outside temperature starts at ``outside`` and falls
    by ``cooling_per_hour`` down to ``outside_lowest``. ``busy``: it drives all day, else like a commuter's car.
    """

    odometer: float = 48_200.0
    distance_to_service: float = 6_400.0
    days_to_service: float = 190.0
    cranking_voltage: float = 10.5
    outside: float = 9.0
    cooling_per_hour: float = 0.0
    outside_lowest: float = -12.0
    tread: float = 6.5
    pressure: float = 240.0
    busy: bool = False


class _Car:
    def __init__(self, chance: random.Random, start: datetime, plan: CarPlan) -> None:
        self._chance, self._start, self._plan = chance, start, plan
        self.odometer = plan.odometer
        self._rest = chance.uniform(12.5, 12.65)
        self._coolant = plan.outside

    def outside(self, ts: datetime) -> float:
        hours = (ts - self._start) / timedelta(hours=1)
        fallen = self._plan.outside - self._plan.cooling_per_hour * hours
        return max(self._plan.outside_lowest, fallen) if self._plan.cooling_per_hour else self._plan.outside

    def parked(self, since: datetime, until: datetime) -> Iterator[Message]:
        """Yield signs of life under VSS names."""
        ts = since + _PARKED_REPORT
        while ts < until:
            rested = min(1.0, (ts - since) / timedelta(hours=2))
            self._coolant += (self.outside(ts) - self._coolant) * 0.1
            voltage = _CHARGED + (self._rest - _CHARGED) * rested
            yield telemetry(
                ts,
                {
                    "Vehicle.LowVoltageBattery.CurrentVoltage": round(voltage + self._chance.gauss(0, 0.01), 3),
                    "Vehicle.TraveledDistance": round(self.odometer, 1),
                    "Vehicle.Exterior.AirTemperature": round(self.outside(ts), 1),
                },
            )
            ts += _PARKED_REPORT

    def trip(self, departure: datetime, minutes: int) -> Iterator[Message]:
        """Yield one trip: the state of the car, the start of the engine second by second, then every 10 s."""
        yield telemetry(departure, self._inspection(departure))
        for second, (engine_speed, voltage) in enumerate(CRANKING, start=1):
            ts = departure + timedelta(seconds=second)
            sagging = voltage is None
            measured = self._plan.cranking_voltage + self._chance.uniform(0.0, 0.2) if sagging else voltage
            values = {"engine_speed": engine_speed, "battery_voltage": round(measured or 0.0, 3), "speed": 0.0}
            yield telemetry(ts, values)
        drive = Drive(self._chance, coolant=self._coolant, seconds=minutes * 60)
        first = departure + timedelta(seconds=10)
        while not drive.over:
            ts = first + timedelta(seconds=drive.elapsed)
            state = drive.step(outside=self.outside(ts))
            self.odometer += state.distance
            self._coolant = state.coolant
            yield telemetry(
                ts,
                {
                    "speed": round(state.speed, 1),
                    "engine_speed": round(state.engine_speed),
                    "coolant_temperature": round(state.coolant, 1),
                    "battery_voltage": round(state.voltage, 3),
                    "outside_temperature": round(self.outside(ts), 1),
                    "odometer": round(self.odometer, 2),
                    "distance_to_service": round(self._to_service(), 2),
                },
            )
        yield telemetry(first + timedelta(seconds=drive.elapsed), {"speed": 0.0, "engine_speed": 0})

    def _to_service(self) -> float:
        return self._plan.distance_to_service - (self.odometer - self._plan.odometer)

    def _inspection(self, ts: datetime) -> dict[str, float | str | list[str]]:
        """Return what changes slowly: tyres, service, trouble codes, the battery at rest."""
        driven = self.odometer - self._plan.odometer
        values: dict[str, float | str | list[str]] = {
            "odometer": round(self.odometer, 2),
            "distance_to_service": round(self._to_service(), 2),
            "time_to_service": round(self._plan.days_to_service - (ts - self._start) / timedelta(days=1), 2),
            "outside_temperature": round(self.outside(ts), 1),
            "battery_voltage": round(self._rest + self._chance.gauss(0, 0.01), 3),
            "engine_speed": 0,
            "trouble_codes": [],
        }
        for number, (tyre, wheel) in enumerate(zip(_TYRES, _WHEELS, strict=True)):
            worn = driven / 9_000 * (1.0 if number < 2 else 0.8)
            cold = self._plan.pressure + 1.1 * (self.outside(ts) - 20.0)
            values[f"tyre_pressure_{tyre}"] = round(cold + self._chance.gauss(0, 0.8), 1)
            values[f"Vehicle.Chassis.Axle.{wheel}.Tire.TreadDepth"] = round(self._plan.tread - worn, 2)
        return values


def car(seed: str, start: datetime, plan: CarPlan) -> Iterator[Message]:
    """Yield the messages of one car from ``start`` (UTC) on, in order of time, without end.

    The first trip begins within five minutes. The same arguments give the same messages.
    """
    chance = random.Random(seed)
    start = cut_to_milliseconds(start)
    simulated = _Car(chance, start, plan)
    parked_since = start - _PARKED_REPORT  # so that the first sign of life comes at once
    for departure, minutes in departures(chance, start, busy=plan.busy):
        yield from simulated.parked(parked_since, departure)
        yield from simulated.trip(departure, minutes)
        parked_since = departure + timedelta(minutes=minutes, seconds=10)
