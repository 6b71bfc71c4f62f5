"""Counts that vary more than a Poisson process does, by their mean and variance.

The negative binomial distribution is a Poisson process whose rate is itself uncertain (gamma distributed). Uses need
not be whole numbers: the functions are smooth between the counts.
"""

from __future__ import annotations

from math import exp, lgamma, log, log1p

_PRECISION = 1e-9
_TINY = 1e-300
_LEAST_EXCESS = 1e-4
"""A variance is taken to exceed the mean by this share of it at least; a Poisson process would be 0."""


def chance_reached(count: float, mean: float, variance: float) -> float:
    """Return the probability (0 to 1) that at least ``count`` (> 0) uses happen."""
    if mean <= 0:
        return 0.0
    shape, success = _parameters(mean, variance)
    return 1.0 - _incomplete_beta(shape, count, success)


def log_likelihood(count: float, mean: float, variance: float) -> float:
    """Return the logarithm of the probability of ``count`` (≥ 0) uses; ``mean`` is above 0."""
    shape, success = _parameters(mean, variance)
    return (
        lgamma(count + shape) - lgamma(shape) - lgamma(count + 1) + shape * log(success) + count * log1p(-success)
    )  # fmt: skip


def log_chance_of_none(mean: float, variance: float) -> float:
    """Return the logarithm of the probability that nothing is used at all (0 where nothing is expected)."""
    if mean <= 0:
        return 0.0
    shape, success = _parameters(mean, variance)
    return shape * log(success)


def _parameters(mean: float, variance: float) -> tuple[float, float]:
    shape = mean * mean / max(variance - mean, mean * _LEAST_EXCESS)
    return shape, shape / (shape + mean)


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function (NIST Digital Library of Mathematical Functions, 8.17)."""
    if x <= 0 or x >= 1:
        return min(max(x, 0.0), 1.0)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _continued_fraction(a, b, x) / a
    return 1 - front * _continued_fraction(b, a, 1 - x) / b


def _continued_fraction(a: float, b: float, x: float) -> float:
    """Return the fraction 8.17.22 by Lentz's method; it ends after about √max(a, b) rounds."""
    c, d = 1.0, 1 / _apart(1 - (a + b) * x / (a + 1))
    result = d
    rounds = 0
    while True:
        rounds += 1
        twice = a + 2 * rounds
        for term in (
            rounds * (b - rounds) * x / ((twice - 1) * twice),
            -(a + rounds) * (a + b + rounds) * x / (twice * (twice + 1)),
        ):
            d = 1 / _apart(1 + term * d)
            c = _apart(1 + term / c)
            result *= c * d
        if abs(c * d - 1) < _PRECISION or rounds > 100_000:
            return result


def _apart(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
