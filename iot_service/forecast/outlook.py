"""When a stock is used up, from what is expected of the coming days."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from iot_service.forecast.ahead import FURTHEST, Ahead, mixed
from iot_service.forecast.hours import share_before
from iot_service.forecast.negative_binomial import chance_reached
from iot_service.forecast.track_record import Trust, widened

Week = Sequence[Sequence[float]]
"""The share of a day's uses before each hour (25 values), for each of seven days."""
_CLOSER = 14
"""How often the time within a day or week is halved: to 5 seconds of a day."""


class Outlook:
    """The uses up to each coming day, all models and widths put together; it is laid out only as far as asked."""

    __slots__ = ("_ahead", "_means", "_trust", "_variances")

    def __init__(self, ahead: Ahead, trust: Trust) -> None:
        """Join what the models expect (``ahead``) with how much they, and their ranges, are to be trusted."""
        self._ahead = ahead
        self._trust = trust
        self._means = [0.0]
        self._variances = [0.0]

    def used_up(self, stock: float, chance: float, begun: float, week: Week) -> float:
        """Return the days until ``stock`` (> 0) is used up with probability ``chance``; infinite beyond five years.

        ``begun`` is the part of the first day that is over (0 to 1), ``week`` the profiles of hours from that day on.
        Grows with ``stock`` and with ``chance``.
        """
        point = self._point(stock, chance, share_before(week[0], begun))
        if point is None:
            return inf
        low, high = (max(float(time), begun) for time in self._ahead.times[point - 1 : point + 1])
        for _ in range(_CLOSER):
            middle = (low + high) / 2
            if chance_reached(stock, *self._between(point, middle, week, begun)) >= chance:
                high = middle
            else:
                low = middle
        return high - begun

    def _point(self, stock: float, chance: float, gone: float) -> int | None:
        """Return the first point at which the chance is reached; more points are laid out as needed."""
        low, high = 0, 8
        while chance_reached(stock, *self._at(high, gone)) < chance:
            if self._ahead.times[high] >= FURTHEST:
                return None
            low, high = high, high + 8
        while high - low > 1:
            middle = (low + high) // 2
            if chance_reached(stock, *self._at(middle, gone)) >= chance:
                high = middle
            else:
                low = middle
        return high

    def _at(self, point: int, gone: float) -> tuple[float, float]:
        self._lay_out(point)
        return self._less_today(self._means[point], self._variances[point], gone)

    def _between(self, point: int, time: float, week: Week, begun: float) -> tuple[float, float]:
        """Return mean and variance of the uses from now to ``time``, before the ``point``."""
        first, last = self._ahead.times[point - 1 : point + 1]
        share = (time - first) / (last - first)
        if last - first == 1:
            share = share_before(week[first % len(week)], min(share, 1.0))
        mean = self._means[point - 1] + share * (self._means[point] - self._means[point - 1])
        variance = self._variances[point - 1] + share * (self._variances[point] - self._variances[point - 1])
        return self._less_today(mean, variance, share_before(week[0], begun))

    def _less_today(self, mean: float, variance: float, gone: float) -> tuple[float, float]:
        """Leave out what is over of the first day: the share ``gone`` of its uses."""
        left = mean - gone * self._means[1]
        return (left, variance * left / mean) if left > 0 else (0.0, 0.0)

    def _lay_out(self, point: int) -> None:
        while len(self._means) <= point:
            here = len(self._means)
            if here >= len(self._ahead.times):
                self._ahead.extend()
            weights, width = self._trust.at(self._ahead.times[here])
            mean, variance = mixed(self._ahead.moments(here), weights)
            self._means.append(max(mean, self._means[-1]))
            self._variances.append(max(widened(mean, variance, width), self._variances[-1]))
