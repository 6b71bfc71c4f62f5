"""How much more or less a device does than its peers under the same conditions. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_HOURS_OF_A_CELL = 3
"""So many hours of a device must have been under one condition, or its mean of them says too little."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The ``hours`` of one device under one ``condition``, and the ``mean`` of what is compared in them."""

    device_id: str
    condition: tuple[int, ...]
    mean: float
    hours: int


@dataclass(frozen=True, slots=True)
class Compared:
    """How one device compares: ``ratio`` to its peers (1 is like them), ``usual`` what they had, ``own`` what it had.

    Both are means over the ``hours`` that could be compared; ``peers`` is with how many others, at the least.
    """

    ratio: float
    own: float
    usual: float
    peers: int
    hours: int


def compare(cells: Iterable[Cell], *, peers: int, hours: int) -> dict[str, Compared]:
    """Return how each device compares with the others, by device id.

    Under each condition its mean is held against the median of the others' means, so that up to half of them may be
    broken; a condition counts where at least ``peers`` others were in it, as much as the device had hours in it.
    Devices with fewer than ``hours`` such hours are left out.
    """
    by_condition: dict[tuple[int, ...], list[Cell]] = {}
    for cell in cells:
        if cell.hours >= _HOURS_OF_A_CELL:
            by_condition.setdefault(cell.condition, []).append(cell)
    found: dict[str, list[tuple[Cell, float, int]]] = {}
    for alike in by_condition.values():
        means = sorted(cell.mean for cell in alike)
        if len(means) <= peers:
            continue
        for cell in alike:
            usual = _median_without(means, cell.mean)
            if usual > 0:
                found.setdefault(cell.device_id, []).append((cell, usual, len(means) - 1))
    compared = {device_id: _together(parts) for device_id, parts in found.items()}
    return {device_id: each for device_id, each in compared.items() if each.hours >= hours}


def _median_without(means: Sequence[float], own: float) -> float:
    """Return the median of ``means`` (sorted) without one that is ``own``."""
    gone = bisect_left(means, own)
    last = len(means) - 1  # how many there are without it
    low, high = (means[place + (place >= gone)] for place in ((last - 1) // 2, last // 2))
    return (low + high) / 2


def _together(parts: Sequence[tuple[Cell, float, int]]) -> Compared:
    hours = sum(cell.hours for cell, _, _ in parts)
    own = sum(cell.mean * cell.hours for cell, _, _ in parts) / hours
    usual = sum(median * cell.hours for cell, median, _ in parts) / hours
    return Compared(own / usual, own, usual, min(count for _, _, count in parts), hours)
