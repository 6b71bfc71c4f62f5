"""How soon a counter will have grown by so much, from the pace at which this device has used it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from statistics import fmean, variance

from iot_service.forecast.ahead import FURTHEST
from iot_service.forecast.consumption import student_quantile
from iot_service.forecast.ranges import Range

_WEEK = 7
_WANDERING = 0.05
"""By how much of itself a pace changes from one week to the next, in the mean (a random walk): habits do not stand."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is used a day (``mean``), from ``blocks`` equal stretches of ``length`` days that vary by ``spread``."""

    mean: float
    spread: float
    blocks: int
    length: int

    def days_until(self, amount: float) -> Range | None:
        """Return the days until ``amount`` more is used, 0 where that is 0 or less; None where P50 is over five years.

        The range comes from how much such stretches differ, in the past of which we know the mean and in the time to
        come (a prediction interval with Student's t), and from how far a pace wanders.
        """
        if amount <= 0:
            return Range(0.0, 0.0, 0.0)
        if self.mean <= 0 or amount / self.mean > FURTHEST:
            return None
        middle = amount / self.mean
        share = sqrt(1 / self.blocks + self.length / max(middle, self.length))
        wandering = _WANDERING * sqrt(middle / _WEEK / 3) * self.mean
        error = student_quantile(0.9, max(self.blocks - 1, 1)) * sqrt((self.spread * share) ** 2 + wandering**2)
        last = amount / (self.mean - error) if error < self.mean else inf
        return Range(amount / (self.mean + error), middle, last if last <= FURTHEST else inf)


def pace(daily: Sequence[float]) -> Pace | None:
    """Return the pace of ``daily`` (the growth on each complete day, oldest first); None where there is none.

    Weeks are taken as a whole, since days of a week differ, once there are two of them; days before the first whole
    week are left out then.
    """
    if not daily:
        return None
    length = _WEEK if len(daily) >= 2 * _WEEK else 1
    whole = daily[len(daily) % length :]
    blocks = [fmean(whole[first : first + length]) for first in range(0, len(whole), length)]
    mean = fmean(blocks)
    return Pace(mean, sqrt(variance(blocks)) if len(blocks) > 1 else mean, len(blocks), length)
