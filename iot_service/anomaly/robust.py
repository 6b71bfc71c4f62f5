"""Estimates of level and spread that outliers do not carry away."""

from __future__ import annotations

from typing import Any

_FEW = 10  # values after which an outlier can be told from a value


class RobustLevel:
    """Level and mean distance from it, forgetting exponentially; a value counts as at most three distances away.

    This is an exponentially weighted mean with the influence function of Huber (1964).
    """

    __slots__ = ("count", "level", "spread")

    def __init__(self, kept: Any = None) -> None:
        """Begin anew, or where :meth:`to_json` left off."""
        self.count: int = kept[0] if kept is not None else 0
        self.level: float = kept[1] if kept is not None else 0.0
        self.spread: float = kept[2] if kept is not None else 0.0

    def take(self, value: float, weight: float) -> None:
        """Take one value; ``weight`` (0 to 1) is how much of what was known it replaces, more for the first ones."""
        self.count += 1
        if self.count == 1:
            self.level = value
            return
        weight = max(weight, 1 / (self.count + 1))
        distance = value - self.level
        if self.count <= _FEW:
            self.level += weight * distance
            self.spread += weight * (abs(distance) - self.spread)
        elif self.spread > 0:
            most = 3 * self.spread
            self.level += weight * (most if distance > most else -most if distance < -most else distance)
            self.spread += weight * (min(abs(distance), 5 * self.spread) - self.spread)
        else:  # it never moved before
            self.level += weight * distance * 0.1
            self.spread += weight * abs(distance)

    def shorten(self) -> None:
        """Keep six digits, so that what is kept of many is small; the rest is no knowledge anyway."""
        self.level, self.spread = float(f"{self.level:.6g}"), float(f"{self.spread:.6g}")

    def to_json(self) -> list[float]:
        """Return what is to be kept."""
        return [self.count, self.level, self.spread]
