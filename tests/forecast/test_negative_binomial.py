"""Counts that vary more than Poisson's."""

from __future__ import annotations

from math import comb, exp, factorial, log

import pytest

from iot_service.forecast.negative_binomial import chance_reached, log_chance_of_none, log_likelihood


def probability(count: int, shape: int, success: float) -> float:
    return comb(count + shape - 1, count) * success**shape * (1 - success) ** count


@pytest.mark.parametrize("count", [1, 3, 10, 40])
def test_the_chance_is_the_sum_of_the_probabilities_of_so_many_and_more(count: int) -> None:
    shape, success = 4, 0.25
    mean = shape * (1 - success) / success
    expected = 1 - sum(probability(number, shape, success) for number in range(count))
    assert chance_reached(count, mean, mean / success) == pytest.approx(expected, abs=1e-9)
    assert exp(log_likelihood(count, mean, mean / success)) == pytest.approx(probability(count, shape, success))


def test_with_the_mean_as_variance_it_is_nearly_poissons() -> None:
    expected = 1 - sum(exp(-5) * 5**number / factorial(number) for number in range(8))
    assert chance_reached(8, 5, 5) == pytest.approx(expected, rel=1e-3)


def test_large_counts_are_as_exact() -> None:
    assert chance_reached(1_000_000, 1_000_000, 1_001_000) == pytest.approx(0.5, abs=0.01)
    assert chance_reached(1_010_000, 1_000_000, 1_001_000) == pytest.approx(0, abs=1e-6)


def test_where_nothing_is_expected_nothing_is_surely_used() -> None:
    assert chance_reached(1, 0, 0) == 0
    assert log_chance_of_none(0, 0) == 0
    assert log_chance_of_none(3, 3) == pytest.approx(log(exp(-3)), rel=1e-3)
