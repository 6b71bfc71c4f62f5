"""What several simple models expect of the coming days: mean and variance of all uses up to each of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

from iot_service.forecast.habits import Habits
from iot_service.forecast.levels import MAIN, RATES, SLOW, days_remembered, mean_age
from iot_service.forecast.seasons import LastYear

DAILY = 64
"""Days that are looked at one by one; further off, weeks are, and beyond a year four weeks."""
FURTHEST = 5 * 365
"""Nothing is forecast beyond five years."""
_WEEK = 7
_YEAR = 365
_DAMPING = 0.99
"""Growth goes on, but less each day (Gardner and McKenzie, "Forecasting trends in time series", 1985)."""
_FASTEST_GROWTH = 0.02
_MOST_GROWTH = 2.0
_DAYS_TO_BELIEVE_GROWTH = 60
_LEVEL_VARIANCE = 0.35
"""A level is never thought more uncertain than this (relative variance): people do not drink ten times as much."""


class Ahead:
    """The days after the last complete one, as the models see them.

    The models are one for each memory of :data:`RATES`, one whose level grows or shrinks further (damped), and, after
    a year, one whose level goes on as it did last year. Points are days 1 to 64, then every seventh, beyond a year
    every 28th.
    """

    __slots__ = (
        "_factors",
        "_growing",
        "_grown",
        "_levels",
        "_noise",
        "_plain",
        "_seasonal",
        "_spread",
        "_year",
        "times",
    )

    def __init__(self, habits: Habits, *, weekday: int, open_share: float, last_year: LastYear | None) -> None:
        """``weekday`` is that of the first day to come, ``open_share`` the part of days that are no holidays."""
        factors = habits.weekdays.factors
        self._factors = [factors[(weekday + day) % _WEEK] * open_share for day in range(_WEEK)]
        main = habits.levels.level(MAIN)
        self._spread = habits.spread
        rates = [*RATES, RATES[MAIN], *([RATES[MAIN]] if last_year else [])]
        self._levels = [habits.levels.level(index) for index in range(len(RATES))] + [main] * (len(rates) - len(RATES))
        self._noise = [
            (rate, days_remembered(rate, habits.days), 1 / max(level, 0.02) + self._spread)
            for rate, level in zip(rates, self._levels, strict=True)
        ]
        self._year = last_year
        self.times = [0]
        self._plain = [(0.0, 0.0)]
        self._growing = [(0.0, 0.0)]
        self._seasonal = [(0.0, 0.0)]
        self._grow(habits, main)

    def _grow(self, habits: Habits, main: float) -> None:
        """Lay out the first 64 days."""
        age, slow_age = (mean_age(RATES[index], habits.days) for index in (MAIN, SLOW))
        step = log(main / habits.levels.level(SLOW)) / max(slow_age - age, 1.0)
        step *= min(1.0, habits.days / _DAYS_TO_BELIEVE_GROWTH)
        step = max(-_FASTEST_GROWTH, min(_FASTEST_GROWTH, step))
        grown = age * step
        for day in range(DAILY):
            share = self._factors[day % _WEEK]
            grown = max(-_MOST_GROWTH, min(_MOST_GROWTH, grown + step))
            step *= _DAMPING
            self.times.append(day + 1)
            _add(self._plain, share)
            _add(self._growing, share * exp(grown))
            if self._year:
                _add(self._seasonal, share * self._year.factor(day))
        self._grown = exp(grown)

    def extend(self) -> None:
        """Add one more week, beyond a year four, after the days that are laid out."""
        day = self.times[-1]
        weeks = 1 if day < _YEAR else 4
        self.times.append(day + weeks * _WEEK)
        year = self._year.factor(day + weeks * _WEEK // 2) if self._year else 0.0
        for points, factor in ((self._plain, 1.0), (self._growing, self._grown), (self._seasonal, year)):
            total, squares = points[-1]
            shares = [share * factor for share in self._factors]
            points.append((total + weeks * sum(shares), squares + weeks * sum(share * share for share in shares)))

    def moments(self, point: int) -> list[tuple[float, float]]:
        """Return for each model mean and variance of all uses from the first day to the end of ``times[point]``.

        The variance is Poisson's, that of the days, and that of the level: known from a few days, and wandering as
        far as its rate of forgetting is right for (Muth, "Optimal properties of exponentially weighted forecasts",
        J. American Statistical Association 55, 1960: rate a is best where the level's variance grows by a²/(1 − a) of
        a day's variance each day).
        """
        time = self.times[point]
        found = []
        for index, (level, (rate, known, noise)) in enumerate(zip(self._levels, self._noise, strict=True)):
            exposure, squares = self._exposures(index)[point]
            mean = level * exposure
            wandering = noise / known + noise * rate * rate / (1 - rate) * time / 3
            variance = mean + self._spread * level * level * squares + mean * mean * min(wandering, _LEVEL_VARIANCE)
            found.append((mean, variance))
        return found

    def _exposures(self, model: int) -> Sequence[tuple[float, float]]:
        if model < len(RATES):
            return self._plain
        return self._growing if model == len(RATES) else self._seasonal


def _add(points: list[tuple[float, float]], share: float) -> None:
    total, squares = points[-1]
    points.append((total + share, squares + share * share))


def mixed(moments: Sequence[tuple[float, float]], weights: Sequence[float]) -> tuple[float, float]:
    """Return mean and variance of the mixture of models with ``moments``, believed by ``weights`` (sum 1)."""
    mean = sum(weight * one for weight, (one, _) in zip(weights, moments, strict=True))
    variance = sum(
        weight * (spread + (one - mean) ** 2) for weight, (one, spread) in zip(weights, moments, strict=True)
    )
    return mean, variance
