"""Synthetic uses for the tests of forecasts: the same seed gives the same series."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from random import Random

FIRST_DAY = date(2024, 3, 1)
OPENING_HOURS = (0,) * 8 + (1, 3, 4, 4, 5, 4, 3, 3, 2, 1) + (0,) * 6


def poisson(random: Random, mean: float) -> int:
    """The number of uses in a day in which they come independently of each other."""
    count, passed = 0, random.expovariate(1)
    while passed < mean:
        count += 1
        passed += random.expovariate(1)
    return count


def uses(rate: Callable[[int, date], float], *, days: int, seed: int, shape: float = 10) -> list[datetime]:
    """Local times of uses in opening hours; ``rate`` is the mean of a day (by number and date)."""
    random = Random(seed)
    found = []
    for day in range(days):
        today = FIRST_DAY + timedelta(days=day)
        mean = rate(day, today) * random.gammavariate(shape, 1 / shape)
        for _ in range(poisson(random, mean)):
            hour = random.choices(range(24), OPENING_HOURS)[0] + random.random()
            found.append(datetime.combine(today, time()) + timedelta(hours=hour))
    return sorted(found)
