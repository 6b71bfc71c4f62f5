"""When a metric will reach a level: ``time_until(pad_wear, 180d, 100)``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

from iot_service.forecast.crossing import time_until_level
from iot_service.forecast.ranges import Range
from iot_service.rules.lets.arguments import ArgumentReader
from iot_service.rules.lets.base import Let, LetFunction, Moment, Names
from iot_service.rules.lets.consumption import CHANCES, known, named
from iot_service.rules.windows import DAY, EPOCH, WindowKey, window_key


class ForecastTrack:
    """The last forecast of a device, so that it is made once for each stretch of its history. It is never kept."""

    __slots__ = ("_made_at", "_made_for", "_range")

    def __init__(self) -> None:
        self._made_at: datetime | None = None
        self._made_for = 0.0
        self._range: Range | None = None

    def take(self, scope: Mapping[str, Any], moment: Moment) -> None:
        """Nothing: all that it needs is in the window."""

    def due(self) -> datetime | None:
        """Return None: a trend is looked at when a reading comes."""
        return None

    def to_json(self) -> Any:
        """Return None: it can be made again."""
        return None

    def forecast(self, key: WindowKey, level: float, moment: Moment) -> tuple[Range | None, datetime]:
        """Return the days until ``level``, as of the end of the last complete stretch of the window, and that time.

        So it is the same for all readings of one stretch, whichever of them was the first to ask.
        """
        as_of = EPOCH + (moment.at - EPOCH) // key.width * key.width
        if self._made_at != as_of or self._made_for != level:
            history = [(at, value) for at, value in moment.windows[key].points(moment.at) if at < as_of]
            self._range = _forecast(history, level, as_of)
            self._made_at, self._made_for = as_of, level
        return self._range, as_of


def _forecast(history: Sequence[tuple[datetime, float]], level: float, at: datetime) -> Range | None:
    """Return the days until ``level``; None where the trend leads away from a level that it never crossed."""
    days = time_until_level(history, level, at=at)
    if days is not None and days.p90 == 0 and len({value >= level for _, value in history}) == 1:
        return None
    return days


@dataclass(frozen=True, slots=True)
class TimeUntilLet:
    """``time_until(metric, history, level, chance)``; the last two are numbers or names of numbers.

    Unknown while the metric is missing or outdated, where there is too little history (five of the sixty stretches of
    the window), where the later end of the range is beyond five years (then there may be no trend at all), and where
    the trend leads away from the level.
    """

    name: str
    key: WindowKey
    level: float | str
    chance: float

    @property
    def inputs(self) -> frozenset[str]:
        """The metric, and the name that was given."""
        return named(self.key.metric, self.level)

    @property
    def windows(self) -> tuple[WindowKey, ...]:
        """The history."""
        return (self.key,)

    @property
    def track(self) -> str | None:
        """The name under which the last forecast is remembered."""
        return self.name

    def new_track(self, data: Any) -> ForecastTrack:  # noqa: ARG002  # a Let
        """Return a track without a forecast."""
        return ForecastTrack()

    def value(self, scope: Mapping[str, Any], moment: Moment) -> float | None:
        """Return the days from ``moment``, 0 where the level is reached."""
        days = self._days(scope, moment)
        return {0.1: days.p10, 0.5: days.p50, 0.9: days.p90}[self.chance] if days is not None else None

    def explain(self, scope: Mapping[str, Any], moment: Moment) -> str | None:
        """Return when the level will be reached, with the range."""
        days, level = self._days(scope, moment), known(scope, self.level)
        if days is None or level is None:
            return None
        said = f"in {days.p50:,.1f} days ({days.p10:,.1f} to {days.p90:,.1f})"
        return f"{self.key.metric} will reach {level:g} {said}, by its trend"

    def _days(self, scope: Mapping[str, Any], moment: Moment) -> Range | None:
        level, track = known(scope, self.level), moment.tracks.get(self.name)
        if level is None or self.key.metric not in scope or not isinstance(track, ForecastTrack):
            return None
        days, as_of = track.forecast(self.key, level, moment)
        if days is None or not isfinite(days.p90):
            return None
        passed = (moment.at - as_of) / DAY
        return Range(*(max(0.0, each - passed) for each in (days.p10, days.p50, days.p90)))


def _time_until(arguments: Sequence[str], names: Names) -> tuple[Let | None, list[str]]:
    usage = "a metric, a history, a level and, if you like, a chance, such as time_until(temperature, 30d, 8, 0.1)"
    reader = ArgumentReader("time_until", usage, arguments, least=3, most=4)
    metric, length = reader.metric(names.model.metrics), reader.duration("a history")
    level = reader.number(names.numbers)
    chance = reader.number(()) if not reader.is_empty else 0.5
    if not reader.problems and chance not in CHANCES:
        reader.problems.append(f"the chance of time_until is 0.1, 0.5 or 0.9, got {chance}")
    if reader.problems or isinstance(chance, str):
        return None, reader.problems
    return TimeUntilLet(names.key, window_key(metric, length), level, chance), []


FUNCTIONS: tuple[LetFunction, ...] = (
    LetFunction(
        "time_until", "time_until(metric, history, level[, chance])",
        "days until the trend of a metric reaches a level: earlier than this in 0.1, 0.5 (the default) or 0.9 of cases",
        "time_until(temperature, 30d, 8, 0.1)", _time_until,
    ),
)  # fmt: skip
"""The functions of this module."""
