"""How soon a counter has grown by so much."""

from __future__ import annotations

import random

import pytest

from iot_service.forecast.pace import pace


def test_an_even_pace_comes_there_when_it_says() -> None:
    found = pace([100.0] * 56)
    assert found is not None
    days = found.days_until(3000)
    assert days is not None
    assert days.p50 == pytest.approx(30)
    assert 25 < days.p10 < 30 < days.p90 < 36


def test_weeks_count_as_a_whole_so_that_weekends_do_not_sway_it() -> None:
    week = [100.0] * 5 + [0.0, 0.0]
    one, other = pace(week * 8), pace((week * 9)[3:59])
    assert one is not None
    assert other is not None
    assert one.mean == pytest.approx(500 / 7)
    assert other.mean == pytest.approx(500 / 7)
    assert one.spread == pytest.approx(0)


def test_nothing_known_and_no_use_give_no_answer() -> None:
    assert pace([]) is None
    still = pace([0.0] * 20)
    assert still is not None
    assert still.days_until(10) is None


def test_what_is_over_five_years_off_has_no_answer() -> None:
    slow = pace([1.0] * 56)
    assert slow is not None
    assert slow.days_until(2000) is None


def test_what_is_used_already_is_now() -> None:
    found = pace([5.0])
    assert found is not None
    days = found.days_until(0)
    assert days is not None
    assert (days.p10, days.p50, days.p90) == (0, 0, 0)


@pytest.mark.parametrize("amount", [500, 3000, 12000])
def test_about_four_of_five_ranges_hold_for_cars_that_are_driven_as_people_do(amount: float) -> None:
    held = asked = 0
    for seed in range(60):
        driven = kilometres(seed)
        for start in (56, 150, 250):
            found = pace(driven[start - 56 : start])
            assert found is not None
            days = found.days_until(amount)
            came = day_of(driven, start, amount)
            if days is not None and came is not None:
                asked += 1
                held += days.holds(came)
    assert 0.7 <= held / asked <= 0.97, f"{held} of {asked}"


def kilometres(seed: int) -> list[float]:
    """Daily distances of one car: working days, free weekends with a trip now and then, a level that wanders."""
    chance, found = random.Random(seed), []
    level = chance.uniform(10, 80)
    for day in range(900):
        level *= 1 + chance.gauss(0, 0.03) / 7**0.5
        usual = level * (1.2 if day % 7 < 5 else 0.5)
        distance = 0.0 if chance.random() < 0.1 else max(0.0, chance.gauss(usual, usual * 0.4))
        found.append(distance + (chance.uniform(100, 300) if day % 7 == 5 and chance.random() < 0.2 else 0.0))
    return found


def day_of(driven: list[float], start: int, amount: float) -> float | None:
    total = 0.0
    for day in range(start, len(driven)):
        if total + driven[day] >= amount:
            return day - start + (amount - total) / driven[day]
        total += driven[day]
    return None
