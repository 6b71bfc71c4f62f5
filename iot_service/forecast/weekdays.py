"""What share of a mean day each weekday has."""

from __future__ import annotations

from dataclasses import dataclass, field

_WEEK = 7
_KEEP = 0.992
"""Habits of the week last: a quarter of a year halves what was seen."""
_DAYS_NEEDED = 10
_LEAST = 0.002
"""No weekday is ever thought impossible."""


@dataclass(slots=True)
class Weekdays:
    """Factors (mean 1) by weekday, Monday first, shrunk towards 1 by how much weekdays differ at all.

    Empirical Bayes (Efron and Morris, "Data analysis using Stein's estimator and its generalizations", J. American
    Statistical Association 70, 1975): where the seven differ no more than chance has it, none is believed.
    """

    used: list[float] = field(default_factory=lambda: [0.0] * _WEEK)
    expected: list[float] = field(default_factory=lambda: [0.0] * _WEEK)
    days: list[float] = field(default_factory=lambda: [0.0] * _WEEK)
    factors: list[float] = field(default_factory=lambda: [1.0] * _WEEK)

    def learn(self, weekday: int, use: float, level: float, weight: float) -> None:
        """Take one day: ``use`` uses where a mean day has ``level``; it counts ``weight`` (0 to 1)."""
        keep = _KEEP**weight
        for sums in (self.used, self.expected, self.days):
            sums[:] = [value * keep for value in sums]
        self.used[weekday] += weight * use
        self.expected[weekday] += weight * level
        self.days[weekday] += weight

    def fit(self, level: float, spread: float) -> None:
        """Work the factors out anew; a day of ``level`` uses has the relative variance 1/level + ``spread``."""
        if sum(self.days) < _DAYS_NEEDED or min(self.days) < 0.2 or not sum(self.used):
            return
        common = sum(self.used) / sum(self.expected)
        raw = [used / expected / common for used, expected in zip(self.used, self.expected, strict=True)]
        chance = [(1 / level + spread) / days for days in self.days]
        mean = sum(raw) / _WEEK
        between = max(0.0, sum((one - mean) ** 2 for one in raw) / (_WEEK - 1) - sum(chance) / _WEEK)
        believed = [
            mean + (one - mean) * between / (between + error * min(max(one, 0.1), 1.0)) if between else mean
            for one, error in zip(raw, chance, strict=True)
        ]
        floored = [max(one, _LEAST) for one in believed]
        self.factors = [one * _WEEK / sum(floored) for one in floored]

    def copy(self) -> Weekdays:
        """Return another with the same memory."""
        return Weekdays(self.used[:], self.expected[:], self.days[:], self.factors[:])
