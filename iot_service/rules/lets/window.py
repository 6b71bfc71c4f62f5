"""Aggregates over windows: ``avg(metric, 10m)`` and its like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from iot_service.rules.lets.arguments import ArgumentReader
from iot_service.rules.lets.base import Let, LetFunction, Moment, Names, Untracked
from iot_service.rules.windows import WindowKey, window_key

_OF_NOTHING = frozenset({"count", "sum", "changes"})
_TIMED = frozenset({"rate", "slope", "stddev"})


@dataclass(frozen=True, slots=True)
class WindowLet(Untracked):
    """``function`` over the window ``key``; ``parameter`` is the unit of time of rate and slope, or a share.

    Unknown while the metric is missing or outdated, or the window empty; count, sum and changes are 0 then.
    """

    function: str
    key: WindowKey
    parameter: float = 1.0

    @property
    def inputs(self) -> frozenset[str]:
        """The metric."""
        return frozenset({self.key.metric})

    @property
    def windows(self) -> tuple[WindowKey, ...]:
        """The window."""
        return (self.key,)

    def value(self, scope: Mapping[str, Any], moment: Moment) -> float | None:
        """Return the aggregate at ``moment``."""
        if self.key.metric not in scope and self.function not in _OF_NOTHING:
            return None
        window, at = moment.windows[self.key], moment.at
        if self.key.ranked:
            return window.percentile(self.parameter, at)
        if self.key.timed and self.function != "stddev":
            steep = window.slope(at) if self.function == "slope" else window.rate(at)
            return None if steep is None else steep * self.parameter
        return window.aggregate(self.function, at, moment.since_epoch)


def _compile(function: str, arguments: Sequence[str], names: Names) -> tuple[Let | None, list[str]]:
    usage = f"a metric and a duration, such as {function}(temperature, 10m)"
    most = 3 if function in ("rate", "slope") else 2
    reader = ArgumentReader(function, usage, arguments, least=2, most=most)
    metric, length = reader.metric(names.model.metrics), reader.duration()
    unit = reader.unit()
    if reader.problems:
        return None, reader.problems
    ranked, timed = function == "median", function in _TIMED
    return WindowLet(function, window_key(metric, length, ranked=ranked, timed=timed), 0.5 if ranked else unit), []


def _percentile(arguments: Sequence[str], names: Names) -> tuple[Let | None, list[str]]:
    usage = "a metric, a duration and a number from 0 to 100, such as percentile(temperature, 1h, 95)"
    reader = ArgumentReader("percentile", usage, arguments, least=3, most=3)
    metric, length = reader.metric(names.model.metrics), reader.duration()
    share = reader.number(())
    if isinstance(share, str) or not 0 <= share <= 100:
        reader.problems.append(f"a percentile is a number from 0 to 100, got {share}")
    if reader.problems or isinstance(share, str):
        return None, reader.problems
    return WindowLet("percentile", window_key(metric, length, ranked=True, timed=False), share / 100), []


def _function(name: str, gives: str, *, signature: str = "", example: str = "") -> LetFunction:
    return LetFunction(
        name, signature or f"{name}(metric, duration)", gives, example or f"{name}(temperature, 10m)",
        partial(_compile, name),
    )  # fmt: skip


FUNCTIONS: tuple[LetFunction, ...] = (
    _function("avg", "mean of the readings"),
    _function("min", "lowest reading"),
    _function("max", "highest reading"),
    _function("sum", "sum of the readings; 0 for none"),
    _function("count", "number of readings; 0 for none"),
    _function("delta", "last reading minus the first"),
    _function("increase", "growth of a counter, resets left out", example="increase(CapsuleCounter, 1d)"),
    _function(
        "rate", "growth of a counter a second, or in each unit, between the first and the last reading",
        signature="rate(metric, duration[, unit])", example="rate(CapsuleCounter, 1d, 1h)",
    ),
    _function(
        "slope", "rise a second, or in each unit, of the least-squares line through the readings",
        signature="slope(metric, duration[, unit])", example="slope(temperature, 30m, 1h)",
    ),
    _function("stddev", "standard deviation of the readings"),
    _function("median", "the reading in the middle"),
    LetFunction(
        "percentile", "percentile(metric, duration, percent)",
        "the value below which so many per cent of the readings are",
        "percentile(temperature, 1h, 95)", _percentile,
    ),
    _function("first", "first reading"),
    _function("last", "last reading"),
    _function("changes", "how often a reading differed from the one before; 0 for none", example="changes(door, 1h)"),
)  # fmt: skip
"""The functions of this module."""
