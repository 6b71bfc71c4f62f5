"""How much a device will use in the coming days, from its own history of daily use."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist, fmean, variance

_SMOOTHING = 0.3
"""Weight of the newest day. High among what is usual (0.1 to 0.3), because people's habits change within weeks."""
_PRIOR_DAYS = 4
"""What knowing that uses are counts is worth, in days of history: the fewest degrees of freedom we assume."""
_WARM_UP_DAYS = 3
"""Forecasts from fewer days than this say nothing about how good forecasts are."""


def demand_within(daily: Sequence[float], *, days: float, service_level: float) -> float | None:
    """Return the use over the coming ``days`` that is not exceeded with probability ``service_level``.

    ``daily`` is the use on each of the last complete days, oldest first; None when there is none of them. This is the
    reorder point of inventory theory: expected demand over the lead time plus safety stock, mean·days + z·sd·√days
    (Silver, Pyke, Thomas, "Inventory and Production Management in Supply Chains", 4th ed.: ch. 4 for smoothing and
    forecast errors, ch. 6 for safety stock), with care for histories that are short or whose level moves:

    - the mean is smoothed exponentially, but taken no lower than over the last span of ``days`` and over all of the
      history, because a level that moves is not yet known to stay; it is itself uncertain: of n days it is worth
      m = min(n, (2 − a)/a), which adds days²/m to the days under the root (prediction interval);
    - the variance is at least the mean, as it is for counts (Poisson), and at least what the errors of such forecasts
      were on this very history;
    - z is the quantile of Student's t with n − 1 degrees of freedom (4 at least), instead of the normal one.

    Raises ValueError when ``days`` is negative or ``service_level`` is not between 0.5 and 1 (exclusive).
    """
    if days < 0:
        raise ValueError(f"days must not be negative, got {days}")
    if not 0.5 < service_level < 1:
        raise ValueError(f"service_level must lie between 0.5 and 1, got {service_level}")
    n = len(daily)
    if n == 0:
        return None
    levels = _smoothed(daily)
    worth = min(n, (2 - _SMOOTHING) / _SMOOTHING)
    daily_variance = max(variance(daily) if n > 1 else 0.0, fmean(daily))
    total_variance = daily_variance * (days + days * days / worth)
    if (error := _squared_error(daily, levels, round(days) or 1)) is not None:
        total_variance = max(total_variance, error * days / (round(days) or 1))
    z = student_quantile(service_level, max(n - 1, _PRIOR_DAYS))
    level = max(levels[-1], fmean(daily[-(round(days) or 1) :]), fmean(daily))
    return level * days + z * sqrt(total_variance)


def _smoothed(daily: Sequence[float]) -> list[float]:
    """Return the level after each day; weights are normalised, so that early days have no more than their share."""
    levels: list[float] = []
    total = weight = 0.0
    for use in daily:
        total, weight = total * (1 - _SMOOTHING) + use, weight * (1 - _SMOOTHING) + 1
        levels.append(total / weight)
    return levels


def _squared_error(daily: Sequence[float], levels: Sequence[float], span: int) -> float | None:
    """Return the mean squared error of the forecasts for ``span`` days that this history would have been given."""
    errors = [
        sum(daily[first : first + span]) - span * levels[first - 1]
        for first in range(_WARM_UP_DAYS, len(daily) - span + 1)
    ]
    return fmean(error * error for error in errors) if errors else None


def student_quantile(probability: float, degrees: float) -> float:
    """Return the quantile of Student's t distribution, by its expansion around the normal one.

    Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.5; within 1 % for 4 degrees of freedom and
    probabilities from 0.5 to 0.99, and better for more.
    """
    x = NormalDist().inv_cdf(probability)
    first = (x**3 + x) / 4
    second = (5 * x**5 + 16 * x**3 + 3 * x) / 96
    third = (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384
    return x + first / degrees + second / degrees**2 + third / degrees**3
