"""How the uses of a day are spread over its hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

_HOURS = 24
_KEEP = 0.992
_WORTH = 24.0
"""What the profile of all days is worth to that of one weekday, in uses: one an hour."""

EVEN = tuple(hour / _HOURS for hour in range(_HOURS + 1))
"""The profile of a day that is used evenly."""


@dataclass(slots=True)
class HourProfile:
    """Uses by hour of the local day, by weekday; a weekday of which little is known is like all days.

    What is older counts less, half after a quarter of a year; one use is spread evenly from the start.
    """

    uses: list[float] = field(default_factory=lambda: [1 / _HOURS] * _HOURS)
    by_weekday: list[list[float]] = field(default_factory=lambda: [[0.0] * _HOURS for _ in range(7)])

    def learn(self, weekday: int, hours: Sequence[float]) -> None:
        """Take one day by its 24 hours; ``weekday`` 0 is Monday."""
        if any(hours):
            self.uses = [old * _KEEP + new for old, new in zip(self.uses, hours, strict=True)]
            known = self.by_weekday[weekday]
            known[:] = [old * _KEEP**7 + new for old, new in zip(known, hours, strict=True)]

    def shares(self, weekday: int) -> tuple[float, ...]:
        """Return the share of a day's uses that came before each hour, 25 values from 0 to 1."""
        common = _WORTH / sum(self.uses)
        uses = [use + common * other for use, other in zip(self.by_weekday[weekday], self.uses, strict=True)]
        total = sum(uses)
        shares = [0.0]
        for use in uses:
            shares.append(shares[-1] + use / total)
        return (*shares[:_HOURS], 1.0)


def share_before(shares: Sequence[float], time: float) -> float:
    """Return the share of a day's uses before ``time`` (0 to 1, a part of the day)."""
    hour = min(int(time * _HOURS), _HOURS - 1)
    return shares[hour] + (time * _HOURS - hour) * (shares[hour + 1] - shares[hour])
