"""How much is used on an open day, remembered for shorter and for longer."""

from __future__ import annotations

from dataclasses import dataclass, field

RATES = (0.007, 0.02, 0.04, 0.08, 0.16)
"""The share of what was known that a day makes forgotten: memories of five months, seven weeks, … and six days."""
MAIN = 3
"""The memory by which weekdays, spread and closures are judged: of twelve days, as habits change within weeks."""
SLOW = 1
"""The memory that the main one is compared with to see growth."""
_FIRST_GUESS = 0.25
"""Uses that count as seen, so that nothing is ever thought impossible."""


@dataclass(slots=True)
class Levels:
    """Uses a day at several rates of forgetting: exponentially weighted uses over exponentially weighted exposure.

    This is the mean of the gamma distribution of a Poisson rate under discounting (Harvey and Fernandes, "Time series
    models for count or qualitative observations", J. Business & Economic Statistics 7, 1989).
    """

    uses: list[float] = field(default_factory=lambda: [0.0] * len(RATES))
    exposure: list[float] = field(default_factory=lambda: [0.0] * len(RATES))

    def learn(self, use: float, exposure: float, weight: float) -> None:
        """Take one day with ``use`` uses; ``exposure`` is its weekday's share (1: a mean day), ``weight`` 0 to 1."""
        for index, rate in enumerate(RATES):
            keep = (1 - rate) ** weight
            self.uses[index] = self.uses[index] * keep + weight * use
            self.exposure[index] = self.exposure[index] * keep + weight * exposure

    def level(self, index: int) -> float:
        """Return the uses on a mean open day (above 0) after the memory ``index``; at least one day is known."""
        return (self.uses[index] + _FIRST_GUESS) / max(self.exposure[index], 1e-6)

    def copy(self) -> Levels:
        """Return another with the same memory."""
        return Levels(self.uses[:], self.exposure[:])


def days_remembered(rate: float, days: int) -> float:
    """Return how many days' worth of knowledge (at least a half) a memory of ``rate`` has after ``days`` days."""
    return max((1 - (1 - rate) ** days) / rate, 0.5)


def mean_age(rate: float, days: int) -> float:
    """Return how many days old what a memory of ``rate`` knows is, in the mean, after ``days`` (≥ 1) days."""
    kept = (1 - rate) ** days
    return (1 - rate) / rate - days * kept / (1 - kept)
