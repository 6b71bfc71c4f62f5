"""How high a statistic gets by itself: the threshold that it passes once in so long a time.

The highest value of each block of time is kept, and a Gumbel distribution fitted to them by their quartiles and their
highest tenth, so that a few blocks with real anomalies do not matter (extreme value theory, block maxima: Coles, "An
Introduction to Statistical Modeling of Extreme Values", 2001). Where the tail is heavier than that, the fit of the
logarithms takes part. So the rate of false alarms is set in time, whatever the series or its unit.
"""

from __future__ import annotations

from math import exp, log
from typing import Any

_BLOCKS = 60  # that are kept
_LEAST_BLOCKS = 6  # before there is a threshold
_LEAST_READINGS = 12  # of a block
_QUARTILES = 1.5725  # between the quartiles of a standard Gumbel distribution
_UPPER = 1.8839  # between its median and its highest tenth
_MEDIAN = 0.3665  # its median
_HEAVY = 0.3  # the share of the fit of logarithms in the threshold
_SMALL = 0.3  # what is lower has no logarithm that says anything
_HEAVIEST = 4.0  # times the threshold without it, at the most
_HUGE = 9.0  # the highest logarithm of a threshold


class Peaks:
    """The block maxima of one statistic. ``threshold`` is None while there are too few."""

    __slots__ = ("_best", "_block", "_count", "_floor", "_heavy", "_maxima", "_period", "_start", "threshold")

    def __init__(self, block: float, floor: float, period: float, *, heavy: bool, kept: Any = None) -> None:
        """Use blocks of so many seconds, and no threshold below ``floor``; go on from ``kept``, if given.

        ``period`` is how many seconds pass, on average, before the threshold is passed by chance; ``heavy`` lets the
        fit of logarithms take part.
        """
        self._block, self._floor, self._period, self._heavy = block, floor, period, heavy
        self._start, self._best, self._count, self._maxima = kept if kept is not None else (None, 0.0, 0, [])
        self._maxima = list(self._maxima)
        self.threshold: float | None = None
        self._fit()

    def take(self, at: float, value: float) -> None:
        """Take the statistic at ``at`` (seconds)."""
        if self._start is None:
            self._start, self._best, self._count = at, value, 1
            return
        self._best = max(self._best, value)
        self._count += 1
        if at - self._start >= self._block and self._count > _LEAST_READINGS:
            self._maxima = [*self._maxima[1 - _BLOCKS :], float(f"{self._best:.4g}")]
            self._start, self._best, self._count = at, value, 0
            self._fit()

    def _fit(self) -> None:
        count = len(self._maxima)
        if count < _LEAST_BLOCKS:
            return
        ordered = sorted(self._maxima)
        low, middle, high, top = (_quantile(ordered, share) for share in (0.25, 0.5, 0.75, 0.9))
        few = 1 + 2 / count
        times = log(self._period / self._block)
        scale = max((high - low) / _QUARTILES, (top - middle) / _UPPER, 0.05 * abs(middle), 1e-9) * few
        light = middle + scale * (times - _MEDIAN)
        if not self._heavy:
            self.threshold = max(self._floor, light)
            return
        logs = [log(max(value, _SMALL)) for value in (low, middle, high)]
        scale = max((logs[2] - logs[0]) / _QUARTILES, 0.03) * few
        heavy = exp(min(_HUGE, logs[1] + scale * (times - _MEDIAN)))
        self.threshold = max(self._floor, (1 - _HEAVY) * light + _HEAVY * max(light, min(heavy, _HEAVIEST * light)))

    def to_json(self) -> list[Any]:
        """Return what is to be kept."""
        return [self._start, self._best, self._count, self._maxima]


def _quantile(ordered: list[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
