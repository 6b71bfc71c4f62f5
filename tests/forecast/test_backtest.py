"""Forecasts of whole recordings: a real one, and families of synthetic ones that the model was not made for."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from iot_service.forecast.backtest import Backtest, backtest, default_start
from tests.forecast.series import uses
from tests.recordings import recording


def of(times: list[datetime], stock: int) -> Backtest:
    first, last = times[0].date(), times[-1].date()
    result = backtest(times, stock=stock, first_day=default_start(first, last), last_day=last)
    assert result is not None
    return result


def better_naive(result: Backtest) -> float:
    return min(result.naive_mae_days(0), result.naive_mae_days(1))


def test_on_the_vending_machine_it_beats_both_naive_forecasts_and_its_ranges_hold() -> None:
    with recording("coffee/vending_machine_2024.csv").open(encoding="utf-8") as file:
        times = sorted(datetime.fromisoformat(row["time"]) for row in csv.DictReader(file))
    result = of(times, 120)
    assert result.judged[0].day == date(2024, 5, 1)
    assert len(result.judged) == 233
    assert result.mae_days < 0.92 * better_naive(result)
    assert 0.75 <= result.coverage <= 0.9


FAMILIES: dict[str, tuple[Callable[[int, date], float], int, float]] = {
    "office": (lambda _, day: 25 if day.weekday() < 5 else 0.3, 120, 1.1),
    "cafe closed on Sundays": (lambda _, day: 0 if day.weekday() == 6 else 60 + 10 * day.weekday(), 300, 0.95),
    "weekend heavy": (lambda _, day: 20 if day.weekday() > 4 else 5, 120, 1.05),
    "vending": (lambda *_: 9, 120, 1.0),
    "growing": (lambda number, _: 5 * 2 ** (number / 130), 120, 1.05),
    "closed for July": (lambda _, day: 0 if day.month == 7 else 15, 120, 0.9),
    "hardly used": (lambda *_: 0.3, 10, 1.0),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_on_other_kinds_of_use_it_is_as_good_as_naive_forecasts_or_better_and_its_ranges_hold(family: str) -> None:
    rate, stock, at_most = FAMILIES[family]
    results = [of(uses(rate, days=180, seed=seed), stock) for seed in range(4)]
    ours = sum(result.mae_days for result in results)
    assert ours <= at_most * sum(better_naive(result) for result in results)
    assert 0.7 <= sum(result.coverage for result in results) / 4 <= 0.97


def test_a_stock_for_a_part_of_a_day_knows_the_opening_hours() -> None:
    result = of(uses(lambda *_: 100, days=100, seed=3, shape=100), 20)
    assert result.mae_days < 0.2 * better_naive(result)


def test_a_forecast_knows_nothing_of_what_comes_after_its_midnight() -> None:
    times = uses(lambda *_: 9, days=150, seed=4)
    cut = datetime.fromisoformat("2024-06-15")
    changed = [*(time for time in times if time < cut), *(cut + timedelta(minutes=minute) for minute in range(5000))]
    before = {one.day: one.forecast for one in of(times, 60).judged if one.day <= cut.date()}
    after = {one.day: one.forecast for one in of(changed, 60).judged if one.day <= cut.date()}
    common = before.keys() & after.keys()
    assert len(common) > 20
    assert all(before[day] == after[day] for day in common)


def test_a_recording_that_never_uses_the_stock_up_decides_nothing() -> None:
    times = uses(lambda *_: 9, days=100, seed=4)
    assert backtest(times, stock=10_000, first_day=times[0].date(), last_day=times[-1].date()) is None


@pytest.mark.parametrize(
    ("first", "last", "start"),
    [
        (date(2024, 3, 1), date(2024, 12, 31), date(2024, 5, 1)),
        (date(2023, 12, 31), date(2024, 12, 31), date(2024, 2, 28)),
        (date(2024, 3, 1), date(2024, 4, 10), date(2024, 3, 12)),
    ],
)
def test_forecasts_begin_after_two_months_or_a_quarter_of_a_shorter_recording(
    first: date, last: date, start: date
) -> None:
    assert default_start(first, last) == start
