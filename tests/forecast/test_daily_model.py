"""How long a stock lasts, by complete days."""

from __future__ import annotations

from itertools import pairwise
from math import inf
from random import Random
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iot_service.forecast.daily_model import DailyModel
from iot_service.forecast.ranges import Range
from tests.forecast.series import poisson

HISTORIES = st.lists(st.integers(0, 40).map(float), min_size=1, max_size=50)


def after(days: list[float], stock: float, begun: float = 0.0) -> Range:
    model = DailyModel(0)
    model.update(days)
    found = model.days_until_used_up(stock, begun=begun)
    assert found is not None
    return found


@settings(max_examples=30, deadline=None)
@given(HISTORIES, st.lists(st.floats(0.5, 3000), min_size=2, max_size=5), st.floats(0, 0.99))
def test_more_stock_lasts_longer_and_p10_comes_before_p50_before_p90(
    days: list[float], stocks: list[float], begun: float
) -> None:
    model = DailyModel(2)
    model.update(days)
    found = [model.days_until_used_up(stock, begun=begun) for stock in sorted(stocks)]
    ranges = [one for one in found if one is not None]
    assert len(ranges) == len(stocks)
    assert all(0 <= one.p10 <= one.p50 <= one.p90 for one in ranges)
    for less, more in pairwise(ranges):
        assert less.p10 <= more.p10 + 1e-3
        assert less.p50 <= more.p50 + 1e-3
        assert less.p90 <= more.p90 + 1e-3


@settings(max_examples=15, deadline=None)
@given(HISTORIES, st.data())
def test_batches_of_days_make_no_difference(days: list[float], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(days)))
    model = DailyModel(0)
    model.update(days[:cut])
    model.update(days[cut:])
    assert model.days_until_used_up(50) == after(days, 50)


def test_early_ranges_are_wide_and_more_days_make_them_narrower() -> None:
    random = Random(3)
    days = [float(poisson(random, 10)) for _ in range(120)]
    two, month, all_days = (after(days[:known], 100) for known in (2, 28, 120))
    assert two.p90 - two.p10 > 1.5 * (month.p90 - month.p10)
    assert month.p90 - month.p10 > all_days.p90 - all_days.p10
    assert 9 < all_days.p50 < 11


def test_a_weekend_without_uses_is_waited_for() -> None:
    week = [24.0, 26.0, 25.0, 24.0, 26.0, 0.0, 0.0]
    friday = after([*(week * 8), *week[:4]], 40)
    monday = after(week * 8, 40)
    assert 1 < monday.p50 < 2
    assert 3 < friday.p50 < 4


def test_what_is_over_of_today_is_not_waited_for() -> None:
    days = [24.0] * 60
    assert after(days, 12, begun=0.5).p50 == pytest.approx(0.5, abs=0.1)
    assert after(days, 24, begun=0.5).p50 == pytest.approx(1.0, abs=0.1)


def test_a_vacation_is_waited_for_and_forgotten_when_it_is_over() -> None:
    random = Random(5)
    days = [float(poisson(random, 15)) for _ in range(90)]
    before = after(days, 120)
    closed = after([*days, *[0.0] * 10], 120)
    reopened = after([*days, *[0.0] * 10, 14.0, 16.0], 120)
    assert closed.p50 > before.p50 + 3
    assert closed.p90 > closed.p50 + 10
    assert reopened.p50 == pytest.approx(before.p50, rel=0.15)


def test_a_machine_that_is_rarely_used_is_not_thought_closed_after_some_days_without_uses() -> None:
    random = Random(8)
    days = [float(random.random() < 0.3) for _ in range(100)]
    assert after([*days, *[0.0] * 4], 9).p50 < 1.3 * after(days, 9).p50


def test_a_season_that_comes_every_year_is_expected_once_it_has_been_seen_to_come_again() -> None:
    year = [20.0 if 150 <= day < 210 else 10.0 for day in range(364)]
    first, third = after(year[:140], 600), after([*year, *year, *year[:140]], 600)
    assert first.p50 > 55
    assert third.p50 < 50


def test_a_range_that_did_not_hold_is_widened() -> None:
    steady = [12.0 if day % 2 else 8.0 for day in range(120)]
    in_blocks = [18.0 if (day // 10) % 2 else 2.0 for day in range(120)]
    narrow, wide = after(steady, 100), after(in_blocks, 100)
    assert wide.p90 - wide.p10 > 2 * (narrow.p90 - narrow.p10)


def test_what_is_never_used_lasts_beyond_what_is_looked_at() -> None:
    assert after([0.0] * 60, 1000).p90 == inf


def test_nothing_is_known_before_the_first_day_and_no_stock_lasts_no_time() -> None:
    model = DailyModel(0)
    assert model.days_until_used_up(10) is None
    assert after([1.0], 0) == Range(0.0, 0.0, 0.0)


@pytest.mark.parametrize("use", [-1.0, inf, float("nan")])
def test_impossible_uses_are_refused(use: float) -> None:
    with pytest.raises(ValueError, match="0 or more"):
        DailyModel(0).update([use])


def test_a_forecast_takes_less_than_five_milliseconds() -> None:
    random = Random(1)
    model = DailyModel(0)
    model.update(float(poisson(random, 8)) for _ in range(300))
    best = inf
    for stock in (119, 120, 121):
        begun = process_time()
        model.days_until_used_up(stock)
        best = min(best, process_time() - begun)
    assert best < 0.005
