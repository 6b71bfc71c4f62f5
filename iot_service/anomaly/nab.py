"""The score of the Numenta Anomaly Benchmark, standard profile.

A. Lavin, S. Ahmad: "Evaluating Real-time Anomaly Detection Algorithms - the Numenta Anomaly Benchmark" (2015),
arXiv:1510.03336. The first detection in a window earns up to 1, the more the earlier; each one outside costs up to
0.11, less just after a window; each window without one costs 1. The sum is scaled so that a detector that says nothing
has 0, and one that marks the beginning of every window and nothing else has 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

TRUE_POSITIVE, FALSE_POSITIVE, FALSE_NEGATIVE = 1.0, 0.11, 1.0
"""The weights of the standard profile."""

PROBATION, MOST_PROBATION = 0.15, 750
"""The share of a file, and the most readings of it, in which detectors may learn and nothing counts."""


def probation(readings: int) -> int:
    """Return how many of so many readings do not count."""
    return min(int(PROBATION * readings), MOST_PROBATION)


def nab_score(readings: int, windows: Sequence[tuple[int, int]], detections: Sequence[int]) -> float | None:
    """Return the score, at most 100 and maybe below 0; None where there is no window.

    ``windows`` are first and last place (from 0, both in it) of each, in order and apart from each other;
    ``detections`` are places. What stands in the probation counts neither way.
    """
    start = probation(readings)
    counted = [(first, last) for first, last in windows if last >= start]
    if not counted:
        return None
    total = 0.0
    for first, last in counted:
        inside = [place for place in detections if max(first, start) <= place <= last]
        total += _earned(min(inside), first, last) if inside else -FALSE_NEGATIVE
    for place in detections:
        if place >= start and not any(first <= place <= last for first, last in windows):
            total -= _cost(place, windows)
    nothing, everything = -FALSE_NEGATIVE * len(counted), TRUE_POSITIVE * len(counted)
    return 100 * (total - nothing) / (everything - nothing)


def _earned(place: int, first: int, last: int) -> float:
    position = -(last - place + 1) / (last - first + 1)
    return TRUE_POSITIVE * _sigmoid(position) / _sigmoid(-1.0)


def _cost(place: int, windows: Sequence[tuple[int, int]]) -> float:
    before = [window for window in windows if window[1] < place]
    if not before:
        return FALSE_POSITIVE
    first, last = max(before, key=lambda window: window[1])
    return -FALSE_POSITIVE * _sigmoid((place - last) / max(last - first, 1))


def _sigmoid(position: float) -> float:
    """Return the scaled sigmoid of the paper: 1 far before the end of a window, 0 at it, -1 far behind it."""
    return -1.0 if position > 3 else 2 / (1 + exp(5 * position)) - 1
