"""A curve thinned for a screen: no peak is lost, and a gap stays a gap. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from statistics import median

Point = tuple[float, float]
"""Seconds since 1970 (UTC), and the value in the metric's unit."""


@dataclass(frozen=True, slots=True)
class Step:
    """A short stretch of readings: how many, and the first, last, lowest and highest of them."""

    readings: int
    first: Point
    last: Point
    low: Point
    high: Point


def thin(points: Iterable[Point], *, since: float, seconds: float) -> list[Step]:
    """Cut ``points`` (in order of time, from ``since`` on) into steps of ``seconds`` each; empty ones are left out."""
    groups: dict[int, list[Point]] = {}
    for point in points:
        groups.setdefault(int((point[0] - since) // seconds), []).append(point)
    return [
        Step(
            readings=len(group),
            first=group[0],
            last=group[-1],
            low=min(group, key=lambda point: (point[1], point[0])),
            high=max(group, key=lambda point: (point[1], point[0])),
        )
        for group in groups.values()
    ]


def line(steps: Sequence[Step], *, longest_gap: timedelta | None = None) -> list[tuple[float, float | None]]:
    """Return the points to draw, in order of time, with a None in the middle of each gap.

    Of each step its first, lowest, highest and last reading are drawn, so the line has every peak. Where neighbours are
    further apart than ``longest_gap`` (default: five times the usual distance) the line is broken.
    """
    limit = longest_gap.total_seconds() if longest_gap is not None else _usual_distance(steps) * 5
    drawn: list[tuple[float, float | None]] = []
    for step in steps:
        if drawn and step.first[0] - drawn[-1][0] > limit:
            drawn.append(((step.first[0] + drawn[-1][0]) / 2, None))
        drawn.extend(sorted({step.first, step.low, step.high, step.last}))
    return drawn


def _usual_distance(steps: Sequence[Step]) -> float:
    """Return how far apart readings usually are, in seconds; infinite where there are too few to say."""
    within = [(step.last[0] - step.first[0]) / (step.readings - 1) for step in steps if step.readings > 1]
    between = [after.first[0] - before.last[0] for before, after in pairwise(steps)]
    distances = within + between
    return median(distances) if distances else float("inf")
