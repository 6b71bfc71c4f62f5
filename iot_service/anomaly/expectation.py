"""What a series is expected to be: its level, with the habits of the hour of day and of weekends where it has some."""

from __future__ import annotations

from datetime import datetime
from math import exp
from typing import Any

from iot_service.anomaly.robust import RobustLevel

LEVEL_LASTS = 10 * 86_400.0
"""Seconds in which about two thirds of what is known of the level are replaced."""
_ERROR_LASTS = 7 * 86_400.0
_DAILY_LASTS, _WEEKLY_LASTS = 7.0, 14.0  # days that a habit of an hour lasts
_DAILY_SEEN, _WEEKLY_SEEN = 3.0, 1.5  # times that an hour must have come before its habit counts
_BETTER = 0.85  # a habit counts when it errs by so much less
_HOUR, _DAY = 3600.0, 86_400.0


class Expectation:
    """Three ways to expect the next value, of which the one that erred least is taken."""

    __slots__ = ("_counts", "_daily", "_errors", "_level", "_weekly")

    def __init__(self, kept: Any = None) -> None:
        """Begin anew, or where :meth:`to_json` left off."""
        level, daily, weekly, errors, counts = kept if kept is not None else (None, {}, {}, [0.0] * 3, [0] * 3)
        self._level = RobustLevel(level)
        self._daily = {int(hour): RobustLevel(each) for hour, each in daily.items()}
        self._weekly = {int(hour): RobustLevel(each) for hour, each in weekly.items()}
        self._errors, self._counts = list(errors), list(counts)

    def of(self, at: datetime, value: float, step: float, usual_step: float) -> float:
        """Return what was expected at ``at``, and learn ``value``; both steps are seconds between readings."""
        level = self._level.level if self._level.count else value
        hour = at.hour
        place = hour if at.weekday() < 5 else hour + 24
        daily, weekly = self._daily.get(hour), self._weekly.get(place)
        an_hour = max(1.0, _HOUR / (usual_step or _HOUR))
        ways = (
            level,
            level + daily.level if daily is not None and daily.count > _DAILY_SEEN * an_hour else None,
            level + weekly.level if weekly is not None and weekly.count > _WEEKLY_SEEN * an_hour else None,
        )
        best = self._judge(ways, value, step)
        self._level.take(value, 1 - exp(-step / LEVEL_LASTS))
        rest = value - self._level.level
        for habits, key, lasts, share in (
            (self._daily, hour, _DAILY_LASTS, 24),
            (self._weekly, place, _WEEKLY_LASTS, 34),
        ):
            habit = habits.setdefault(key, RobustLevel())
            habit.take(rest, min(0.3, 1 - exp(-step * share / (lasts * _DAY))))
            habit.shorten()
        return best

    def _judge(self, ways: tuple[float | None, ...], value: float, step: float) -> float:
        """Note how each way erred, and return what the best one said."""
        errors, counts = self._errors, self._counts
        forgets = 1 - exp(-step / _ERROR_LASTS)
        most = 6 * errors[0] if counts[0] > 50 and errors[0] else None
        best = 0
        for place, way in enumerate(ways):
            if way is None:
                continue
            counts[place] += 1
            error = abs(value - way)
            if most is not None and error > most:
                error = most
            errors[place] += max(forgets, 1 / (counts[place] + 1)) * (error - errors[place])
            if place and counts[place] * max(step, 1.0) > 3 * _DAY and errors[place] < _BETTER * errors[best]:
                best = place
        return ways[best] or 0.0

    @property
    def error(self) -> float:
        """Return how far values usually are from their level."""
        return float(self._errors[0])

    def to_json(self) -> list[Any]:
        """Return what is to be kept."""
        habits = [{str(key): each.to_json() for key, each in kept.items()} for kept in (self._daily, self._weekly)]
        return [self._level.to_json(), *habits, self._errors, self._counts]
