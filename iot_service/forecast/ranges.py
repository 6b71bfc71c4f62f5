"""What a forecast says: a time in the middle, and two that it will most likely fall between."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """A time from now in days: earlier than ``p10`` in one case of ten, than ``p50`` in five, than ``p90`` in nine.

    0 ≤ p10 ≤ p50 ≤ p90. Infinite where it lies beyond what is looked at (five years).
    """

    p10: float
    p50: float
    p90: float

    def holds(self, days: float) -> bool:
        """Return whether ``days``, what it came to be, lies between p10 and p90."""
        return self.p10 <= days <= self.p90
