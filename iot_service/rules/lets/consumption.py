"""Values that look ahead by a device's own use: coming demand, and when a stock is used up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from iot_service.forecast.consumption import demand_within
from iot_service.forecast.lasting import days_until_used_up
from iot_service.rules.lets.arguments import ArgumentReader
from iot_service.rules.lets.base import Let, LetFunction, Moment, Names, Untracked
from iot_service.rules.windows import DAY, WindowKey, daily_key

CHANCES = (0.1, 0.5, 0.9)
"""The shares of cases that a forecast tells: P10, P50 and P90."""


@dataclass(frozen=True, slots=True)
class DemandLet(Untracked):
    """``demand_within(counter, history, days, service_level)``; the last two are numbers or names of numbers."""

    key: WindowKey
    days: float | str
    service_level: float | str

    @property
    def inputs(self) -> frozenset[str]:
        """The counter, and the names that were given."""
        return named(self.key.metric, self.days, self.service_level)

    @property
    def windows(self) -> tuple[WindowKey, ...]:
        """The history."""
        return (self.key,)

    def value(self, scope: Mapping[str, Any], moment: Moment) -> float | None:
        """Return the demand from ``moment`` on, by the complete days before it."""
        days, level = known(scope, self.days), known(scope, self.service_level)
        if days is None or level is None:
            return None
        try:
            return demand_within(moment.windows[self.key].daily(moment.at), days=days, service_level=level)
        except ValueError as error:
            moment.errors.append(str(error))
            return None


@dataclass(frozen=True, slots=True)
class UsedUpLet(Untracked):
    """``used_up_in(counter, history, stock, chance)``: days until a stock is used up; all but the counter as above.

    ``chance`` 0.1, 0.5 or 0.9 asks for P10, P50 or P90. Days and weekdays are those of UTC.
    """

    key: WindowKey
    stock: float | str
    chance: float | str

    @property
    def inputs(self) -> frozenset[str]:
        """The counter, and the names that were given."""
        return named(self.key.metric, self.stock, self.chance)

    @property
    def windows(self) -> tuple[WindowKey, ...]:
        """The history."""
        return (self.key,)

    def value(self, scope: Mapping[str, Any], moment: Moment) -> float | None:
        """Return the days from ``moment``, by the complete days before it; None when that is more than five years."""
        stock, chance = known(scope, self.stock), known(scope, self.chance)
        if stock is None or chance is None:
            return None
        if chance not in CHANCES:
            moment.errors.append(f"the chance of used_up_in is 0.1, 0.5 or 0.9, got {chance}")
            return None
        days = days_until_used_up(moment.windows[self.key].daily(moment.at), stock=stock, at=moment.at)
        if days is None:
            return None
        value = {0.1: days.p10, 0.5: days.p50, 0.9: days.p90}[chance]
        return value if isfinite(value) else None


def named(*parts: float | str) -> frozenset[str]:
    """Return those of ``parts`` that are names."""
    return frozenset(part for part in parts if isinstance(part, str))


def known(scope: Mapping[str, Any], part: float | str) -> float | None:
    """Return the number that ``part`` is or names; None when it has no value."""
    return scope.get(part) if isinstance(part, str) else part


def _history(reader: ArgumentReader) -> int:
    if reader.is_empty:
        return 0
    length = reader.duration("a history")
    if length and length < DAY:
        reader.problems.append("the history must be at least 1d")
    return length // DAY


def _demand(arguments: Sequence[str], names: Names) -> tuple[Let | None, list[str]]:
    usage = (
        "a counter, a history, days and a service level, such as demand_within(CapsuleCounter, 28d, lead_days, 0.98)"
    )
    reader = ArgumentReader("demand_within", usage, arguments, least=4, most=4)
    metric, history = reader.metric(names.model.metrics), _history(reader)
    days, level = reader.number(names.numbers), reader.number(names.numbers)
    return (None, reader.problems) if reader.problems else (DemandLet(daily_key(metric, history), days, level), [])


def _used_up(arguments: Sequence[str], names: Names) -> tuple[Let | None, list[str]]:
    usage = "a counter, a history, a stock and a chance, such as used_up_in(CapsuleCounter, 56d, stock, 0.1)"
    reader = ArgumentReader("used_up_in", usage, arguments, least=4, most=4)
    metric, history = reader.metric(names.model.metrics), _history(reader)
    stock, chance = reader.number(names.numbers), reader.number(names.numbers)
    if isinstance(chance, float) and not reader.problems and chance not in CHANCES:
        reader.problems.append(f"the chance of used_up_in is 0.1, 0.5 or 0.9, got {chance}")
    return (None, reader.problems) if reader.problems else (UsedUpLet(daily_key(metric, history), stock, chance), [])


FUNCTIONS: tuple[LetFunction, ...] = (
    LetFunction(
        "demand_within", "demand_within(counter, history, days, service_level)",
        "what will be used within so many days, not exceeded in this share of cases",
        "demand_within(CapsuleCounter, 28d, lead_days, 0.98)", _demand,
    ),
    LetFunction(
        "used_up_in", "used_up_in(counter, history, stock, chance)",
        "days until a stock is used up: earlier than this in 0.1, 0.5 or 0.9 of cases",
        "used_up_in(CapsuleCounter, 56d, 120, 0.1)", _used_up,
    ),
)  # fmt: skip
"""The functions of this module."""
