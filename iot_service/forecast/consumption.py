"""How much a device will use in the coming days, from its own history of daily use."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist, fmean, variance

_PRIOR_DAYS = 4
"""What knowing that uses are counts is worth, in days of history: the fewest degrees of freedom we assume."""


def demand_within(daily: Sequence[float], *, days: float, service_level: float) -> float | None:
    """Return the use over the coming ``days`` that is not exceeded with probability ``service_level``.

    ``daily`` is the use on each of the last complete days, in any order; None when there is none of them. This is the
    reorder point of inventory theory, expected demand over the lead time plus safety stock, mean·days + z·sd·√days
    (Silver, Pyke, Thomas, "Inventory and Production Management in Supply Chains", 4th ed., ch. 6), made safe for short
    histories of n days:

    - the mean itself is uncertain by sd/√n, which adds days²/n to the days under the root (prediction interval);
    - z is the quantile of Student's t with n − 1 degrees of freedom, instead of the normal one;
    - uses are counts, so the variance is at least the mean, as it is for a Poisson process.

    Raises ValueError when ``days`` is negative or ``service_level`` is not between 0.5 and 1 (exclusive).
    """
    if days < 0:
        raise ValueError(f"days must not be negative, got {days}")
    if not 0.5 < service_level < 1:
        raise ValueError(f"service_level must lie between 0.5 and 1, got {service_level}")
    n = len(daily)
    if n == 0:
        return None
    mean = fmean(daily)
    spread = sqrt(max(variance(daily) if n > 1 else 0.0, mean))
    z = student_quantile(service_level, max(n - 1, _PRIOR_DAYS))
    return mean * days + z * spread * sqrt(days + days * days / n)


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
