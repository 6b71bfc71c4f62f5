"""How last year went on from this time of the year."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate

_YEAR = 364
"""52 weeks, so that weekdays meet weekdays."""
_AROUND = 14
"""Days to each side that last year's day is averaged with."""
_KEPT = 2 * _YEAR
_SHRINKAGE = 0.05
_FURTHEST = 20.0


@dataclass(slots=True)
class Season:
    """Uses of each day and the level that was believed on it, for up to two years."""

    uses: list[float] = field(default_factory=list)
    levels: list[float] = field(default_factory=list)

    def learn(self, use: float, level: float) -> None:
        """Take the uses of one more day, and what was believed of a mean day at its end (above 0)."""
        self.uses.append(use)
        self.levels.append(level)
        if len(self.uses) > _KEPT + _AROUND:
            del self.uses[: -_KEPT - _AROUND], self.levels[: -_KEPT - _AROUND]

    def year_ago(self) -> LastYear | None:
        """Return how last year went on, None before a year and two weeks are known."""
        now = len(self.uses) - _YEAR
        if now < 2 * _AROUND:
            return None
        return LastYear(now, self.levels[now - 1], [0.0, *accumulate(self.uses)])


@dataclass(frozen=True, slots=True)
class LastYear:
    """The days of last year: ``now`` is the index of the day a year before tomorrow."""

    now: int
    level: float
    cumulative: list[float]

    def factor(self, day: int) -> float:
        """Return the mean use around the ``day`` (0: tomorrow) a year before, relative to what was believed then."""
        centre = self.now + day % _YEAR
        first, last = max(0, centre - _AROUND), min(len(self.cumulative) - 1, centre + _AROUND + 1)
        mean = (self.cumulative[last] - self.cumulative[first]) / (last - first)
        return min((mean / self.level + _SHRINKAGE) / (1 + _SHRINKAGE), _FURTHEST)
