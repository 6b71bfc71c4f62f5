"""The values that a rule names in ``let``: windows, coming demand, or plain expressions."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, Protocol

from iot_service.durations import parse_duration
from iot_service.forecast.consumption import demand_within
from iot_service.forecast.lasting import days_until_used_up
from iot_service.products.documents import suggestion
from iot_service.rules.expressions import Expression, compile_expression
from iot_service.rules.windows import DAY, WINDOW_FUNCTIONS, WindowKey, Windows, daily_key, window_key

_CALL = re.compile(r"\s*(\w+)\s*\(([^()]*)\)\s*", re.DOTALL)


class Let(Protocol):
    """A named value of a rule."""

    @property
    def inputs(self) -> frozenset[str]:
        """Every variable on which the value depends."""

    @property
    def windows(self) -> tuple[WindowKey, ...]:
        """The windows it reads."""

    def value(self, values: Mapping[str, Any], windows: Windows, at: datetime, errors: list[str]) -> float | None:
        """Return the value at ``at``, None when unknown."""


@dataclass(frozen=True, slots=True)
class WindowLet:
    """``avg(metric, 10m)``: unknown while the metric is missing or outdated, or the window empty (count: 0)."""

    function: str
    key: WindowKey

    @property
    def inputs(self) -> frozenset[str]:
        """The metric."""
        return frozenset({self.key.metric})

    @property
    def windows(self) -> tuple[WindowKey, ...]:
        """The window."""
        return (self.key,)

    def value(self, values: Mapping[str, Any], windows: Windows, at: datetime, errors: list[str]) -> float | None:  # noqa: ARG002  # a Let
        """Return the aggregate at ``at``."""
        if self.function != "count" and self.key.metric not in values:
            return None
        return windows[self.key].aggregate(self.function, at)


@dataclass(frozen=True, slots=True)
class DemandLet:
    """``demand_within(counter, history, days, service_level)``; the last two are numbers or names of numbers."""

    key: WindowKey
    days: float | str
    service_level: float | str

    @property
    def inputs(self) -> frozenset[str]:
        """The counter, and the names that were given."""
        return frozenset(
            {self.key.metric} | {name for name in (self.days, self.service_level) if isinstance(name, str)}
        )

    @property
    def windows(self) -> tuple[WindowKey, ...]:
        """The history."""
        return (self.key,)

    def value(self, values: Mapping[str, Any], windows: Windows, at: datetime, errors: list[str]) -> float | None:
        """Return the demand at ``at``, from the complete days before it."""
        days, level = (values.get(part) if isinstance(part, str) else part for part in (self.days, self.service_level))
        if days is None or level is None:
            return None
        try:
            return demand_within(windows[self.key].daily(at), days=days, service_level=level)
        except ValueError as error:
            errors.append(str(error))
            return None


@dataclass(frozen=True, slots=True)
class UsedUpLet:
    """``used_up_in(counter, history, stock, chance)``: days until a stock is used up; all but the counter as above.

    ``chance`` 0.1, 0.5 or 0.9 asks for P10, P50 or P90. Days and weekdays are those of UTC.
    """

    key: WindowKey
    stock: float | str
    chance: float | str

    @property
    def inputs(self) -> frozenset[str]:
        """The counter, and the names that were given."""
        return frozenset({self.key.metric} | {name for name in (self.stock, self.chance) if isinstance(name, str)})

    @property
    def windows(self) -> tuple[WindowKey, ...]:
        """The history."""
        return (self.key,)

    def value(self, values: Mapping[str, Any], windows: Windows, at: datetime, errors: list[str]) -> float | None:
        """Return the days from ``at``, by the complete days before it; None when that is more than five years."""
        stock, chance = (values.get(part) if isinstance(part, str) else part for part in (self.stock, self.chance))
        if stock is None or chance is None:
            return None
        if chance not in (0.1, 0.5, 0.9):
            errors.append(f"the chance of used_up_in is 0.1, 0.5 or 0.9, got {chance}")
            return None
        days = days_until_used_up(windows[self.key].daily(at), stock=stock, at=at)
        if days is None:
            return None
        value = {0.1: days.p10, 0.5: days.p50, 0.9: days.p90}[chance]
        return value if isfinite(value) else None


@dataclass(frozen=True, slots=True)
class ExpressionLet:
    """Any expression that gives a number."""

    expression: Expression

    @property
    def inputs(self) -> frozenset[str]:
        """What the expression reads; names of earlier lets among them."""
        return self.expression.inputs

    @property
    def windows(self) -> tuple[WindowKey, ...]:
        """None."""
        return ()

    def value(self, values: Mapping[str, Any], windows: Windows, at: datetime, errors: list[str]) -> float | None:  # noqa: ARG002  # a Let
        """Return the number."""
        result = self.expression.evaluate(values, errors)
        return float(result) if isinstance(result, int | float) else None


def compile_let(
    source: str, *, metrics: Collection[str], numbers: Collection[str], others: Collection[str]
) -> tuple[Let | None, list[str]]:
    """Return the value that ``source`` means, or None, with all that is wrong in it.

    ``metrics`` are the names that windows can be over, ``numbers`` all names of numbers, ``others`` those of the rest.
    """
    call = _CALL.fullmatch(source)
    if call and call[1] in WINDOW_FUNCTIONS:
        return _window(call[1], _arguments(call[2]), metrics)
    if call and call[1] == "demand_within":
        return _demand(_arguments(call[2]), metrics, numbers)
    if call and call[1] == "used_up_in":
        return _used_up(_arguments(call[2]), metrics, numbers)
    expression, problems = compile_expression(source, numbers=numbers, others=others)
    if expression is None:
        if any(f"{function}(" in source for function in WINDOW_FUNCTIONS):
            problems.append("a window function stands alone in a let, such as avg(temperature, 10m)")
        return None, problems
    problem = expression.result_problem(float, others)
    return (None, [problem]) if problem else (ExpressionLet(expression), [])


def _arguments(text: str) -> list[str]:
    return [argument.strip() for argument in text.split(",")]


def _window(function: str, arguments: list[str], metrics: Collection[str]) -> tuple[Let | None, list[str]]:
    if len(arguments) != 2:
        return None, [f"{function} takes a metric and a duration, such as {function}(temperature, 10m)"]
    problems = _metric_problems(arguments[0], metrics)
    try:
        length = parse_duration(arguments[1])
    except ValueError as error:
        return None, [*problems, str(error)]
    if not length:
        problems.append("a window needs a length above 0")
    return (None, problems) if problems else (WindowLet(function, window_key(arguments[0], length)), [])


def _demand(arguments: list[str], metrics: Collection[str], numbers: Collection[str]) -> tuple[Let | None, list[str]]:
    if len(arguments) != 4:
        example = "demand_within(CapsuleCounter, 28d, lead_days, 0.98)"
        return None, [f"demand_within takes a counter, a history, days and a service level, such as {example}"]
    history, days, level, problems = _history_and_two(arguments, metrics, numbers)
    return (None, problems) if problems else (DemandLet(daily_key(arguments[0], history), days, level), [])


def _used_up(arguments: list[str], metrics: Collection[str], numbers: Collection[str]) -> tuple[Let | None, list[str]]:
    if len(arguments) != 4:
        example = "used_up_in(CapsuleCounter, 56d, stock, 0.1)"
        return None, [f"used_up_in takes a counter, a history, a stock and a chance, such as {example}"]
    history, stock, chance, problems = _history_and_two(arguments, metrics, numbers)
    if isinstance(chance, float) and chance not in (0.1, 0.5, 0.9):
        problems.append(f"the chance of used_up_in is 0.1, 0.5 or 0.9, got {chance}")
    return (None, problems) if problems else (UsedUpLet(daily_key(arguments[0], history), stock, chance), [])


def _history_and_two(
    arguments: list[str], metrics: Collection[str], numbers: Collection[str]
) -> tuple[int, float | str, float | str, list[str]]:
    """Return the days of history, the last two of four arguments (numbers, or names of numbers), and what is wrong."""
    problems = _metric_problems(arguments[0], metrics)
    history = 0
    try:
        history = parse_duration(arguments[1]) // DAY
    except ValueError as error:
        problems.append(str(error))
    else:
        if history < 1:
            problems.append("the history must be at least 1d")
    parts: list[float | str] = []
    for argument in arguments[2:]:
        if argument in numbers:
            parts.append(argument)
            continue
        try:
            parts.append(float(argument))
        except ValueError:
            problems.append(f"there is no '{argument}'{suggestion(argument, sorted(numbers))}")
    first, second = parts if len(parts) == 2 else (0.0, 0.0)
    return history, first, second, problems


def _metric_problems(name: str, metrics: Collection[str]) -> list[str]:
    return [] if name in metrics else [f"there is no metric '{name}'{suggestion(name, sorted(metrics))}"]
