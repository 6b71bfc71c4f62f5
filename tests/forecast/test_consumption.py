"""How much will be used in the coming days."""

from __future__ import annotations

from random import Random
from statistics import fmean

import pytest

from iot_service.forecast.consumption import demand_within, student_quantile


def test_on_a_steady_history_it_is_little_more_than_the_mean_and_the_safety_stock_of_a_smoothed_forecast() -> None:
    random = Random(1)
    demands = [
        demand_within([random.gauss(50, 10) for _ in range(60)], days=4, service_level=0.98) or 0 for _ in range(200)
    ]
    expected = 50 * 4 + student_quantile(0.98, 59) * 10 * (4 + 4**2 / ((2 - 0.3) / 0.3)) ** 0.5
    assert expected < fmean(demands) < expected * 1.06


def test_it_follows_a_level_that_moves() -> None:
    steady = demand_within([8.0] * 28, days=4, service_level=0.98) or 0
    risen = demand_within([8.0] * 24 + [16.0] * 4, days=4, service_level=0.98) or 0
    assert risen > steady + 4 * 5


def test_past_errors_count_where_they_were_worse_than_the_spread_of_single_days_says() -> None:
    alternating = demand_within([4.0, 12.0] * 14, days=4, service_level=0.98) or 0
    in_blocks = demand_within(([4.0] * 4 + [12.0] * 4) * 3 + [4.0, 12.0] * 2, days=4, service_level=0.98) or 0
    assert in_blocks > alternating * 1.1


def test_it_holds_as_often_as_its_service_level_says_on_short_histories_too() -> None:
    random = Random(7)
    for days_known in (3, 7, 28):
        held = 0
        for _ in range(2000):
            history = [sum(random.random() < 0.1 for _ in range(100)) for _ in range(days_known)]
            coming = sum(sum(random.random() < 0.1 for _ in range(100)) for _ in range(4))
            demand = demand_within(history, days=4, service_level=0.98)
            assert demand is not None
            held += coming <= demand
        assert 0.965 <= held / 2000 <= 0.999, days_known


def test_nothing_is_known_without_a_complete_day() -> None:
    assert demand_within([], days=4, service_level=0.98) is None


def test_one_day_gives_a_careful_answer_and_more_days_a_closer_one() -> None:
    one, week, month = (demand_within([10.0] * n, days=4, service_level=0.98) or 0 for n in (1, 7, 28))
    assert 40 < month <= week < one < 120


def test_counts_vary_at_least_as_a_poisson_process_does() -> None:
    assert (demand_within([9.0] * 1000, days=1, service_level=0.98) or 0) == pytest.approx(
        9 + 2.054 * 3 * (1 + 0.3 / 1.7) ** 0.5, rel=0.01
    )


def test_what_is_never_used_has_no_demand() -> None:
    assert demand_within([0.0] * 10, days=4, service_level=0.98) == 0


@pytest.mark.parametrize(("days", "level"), [(-1, 0.98), (4, 0.5), (4, 1.0)])
def test_impossible_questions_are_refused(days: float, level: float) -> None:
    with pytest.raises(ValueError, match="must"):
        demand_within([1.0], days=days, service_level=level)


@pytest.mark.parametrize(
    ("probability", "degrees", "quantile"),
    [(0.95, 4, 2.132), (0.975, 4, 2.776), (0.99, 4, 3.747), (0.98, 10, 2.359), (0.975, 30, 2.042), (0.5, 4, 0.0)],
)
def test_students_quantiles_are_those_of_the_tables(probability: float, degrees: int, quantile: float) -> None:
    assert student_quantile(probability, degrees) == pytest.approx(quantile, rel=0.01, abs=1e-9)
