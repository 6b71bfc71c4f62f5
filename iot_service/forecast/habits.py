"""What is known of how a device is used: level, week and spread together, and days on which it stood still."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp

from iot_service.forecast.levels import MAIN, Levels
from iot_service.forecast.negative_binomial import log_chance_of_none
from iot_service.forecast.weekdays import Weekdays

_CLOSED_FIRST = 0.01
"""How probable it is that any day begins a closure (holiday, vacation, fault), before a day without uses is seen."""
_KEEP_SPREAD = 0.99
_SPREAD_AT_FIRST = 0.15
_SPREAD_DAYS = 7
"""The spread that is thought before anything is known, and what that is worth in days."""
_FURTHEST = 9
"""A surprise counts to the spread as if it were three standard deviations (squared), however large it was."""
_TAUGHT_DAYS = 2
"""A closure of one or two days may be a weekly habit, so the weekdays learn it; what lasts longer teaches nothing."""
_REMEMBERED_RUN = 60


@dataclass(slots=True)
class Habits:
    """Level, weekday factors and spread of one device, learnt from complete days."""

    levels: Levels = field(default_factory=Levels)
    weekdays: Weekdays = field(default_factory=Weekdays)
    excess: float = 0.0
    squares: float = 0.0
    days: int = 0

    @property
    def spread(self) -> float:
        """The variance of a day's uses beyond Poisson, relative to the squared mean (0 or more)."""
        first = _SPREAD_DAYS * _KEEP_SPREAD**self.days * self.levels.level(MAIN) ** 2
        return max(0.0, (_SPREAD_AT_FIRST * first + self.excess) / (first + self.squares))

    def expected(self, weekday: int) -> tuple[float, float]:
        """Return mean and variance of the uses on an open ``weekday`` (0 is Monday)."""
        mean = self.levels.level(MAIN) * self.weekdays.factors[weekday]
        return mean, mean + self.spread * mean * mean

    def learn(self, weekday: int, use: float, weight: float, weekly_weight: float) -> None:
        """Take one day; weights (0 to 1) say how surely the device was open on it."""
        if self.days:
            mean, variance = self.expected(weekday)
            surprise = min((use - mean) ** 2 - mean, _FURTHEST * variance)
            keep = _KEEP_SPREAD**weight
            self.excess = self.excess * keep + weight * surprise
            self.squares = self.squares * keep + weight * mean * mean
        level = self.levels.level(MAIN) if self.days else use
        self.weekdays.learn(weekday, use, level, weekly_weight)
        self.levels.learn(use, self.weekdays.factors[weekday], weight)
        self.days += 1

    def copy(self) -> Habits:
        """Return another with the same knowledge."""
        return Habits(self.levels.copy(), self.weekdays.copy(), self.excess, self.squares, self.days)


@dataclass(slots=True)
class Closure:
    """A run of days without uses: perhaps chance, perhaps the device stands still. It goes on or ends tomorrow."""

    before: Habits
    weekdays: list[int] = field(default_factory=list)
    log_chance: float = 0.0

    def add(self, weekday: int, mean: float, variance: float) -> None:
        """Take one more day without uses, on which an open device would have had ``mean`` and ``variance``."""
        self.weekdays.append(weekday)
        self.log_chance += log_chance_of_none(mean, variance)

    @property
    def open_chance(self) -> float:
        """How probable it is (0 to 1) that the device was open and only by chance not used (Bayes)."""
        chance = exp(max(self.log_chance, -700.0))
        return chance / (chance + _CLOSED_FIRST)

    def habits(self) -> Habits:
        """Return what is known if each of the days counts as much as the device was probably open on it."""
        habits = self.before.copy()
        chance = self.open_chance
        for index, weekday in enumerate(self.weekdays[-_REMEMBERED_RUN:]):
            may_be_weekly = index < _TAUGHT_DAYS and len(self.weekdays) <= _REMEMBERED_RUN
            habits.learn(weekday, 0.0, chance, 1.0 if may_be_weekly else chance)
        return habits

    def lost(self) -> float:
        """Return the share of mean days that were lost, long closures counted as two days."""
        factors = self.before.weekdays.factors
        return (1 - self.open_chance) * sum(factors[weekday] for weekday in self.weekdays[:_TAUGHT_DAYS])
