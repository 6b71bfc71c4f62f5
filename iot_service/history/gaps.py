"""Where nothing was measured. Pure: a gap is told apart from a zero, for no point stands in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from iot_service.history.bins import Bin

_TIMES_USUAL = 3


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch (UTC) between two readings that lie too far apart, or between one and an end of what was asked."""

    since: datetime
    until: datetime


def find_gaps(bins: Sequence[Bin], since: datetime, until: datetime, *, longest: timedelta | None) -> list[Gap]:
    """Return the gaps among ``bins`` (in order of time) and towards ``since`` and ``until``.

    ``longest`` is how far apart readings may lie (the metric's ``max_age``); None: three times the usual distance of
    these readings. Without any reading all of it is one gap; with a single one, and no ``longest``, there is none. A
    gap within one bin is not seen.
    """
    if not bins:
        return [Gap(since, until)] if since < until else []
    limit = longest if longest is not None else _usual(bins)
    if limit is None:
        return []
    edges = [
        (since, bins[0].first_at),
        *((before.last_at, after.first_at) for before, after in pairwise(bins)),
        (bins[-1].last_at, until),
    ]
    return [Gap(begin, end) for begin, end in edges if end - begin > limit]


def _usual(bins: Sequence[Bin]) -> timedelta | None:
    """Return three times the median distance of readings, None where there is but one."""
    within = [(each.last_at - each.first_at) / (each.readings - 1) for each in bins if each.readings > 1]
    between = [after.first_at - before.last_at for before, after in pairwise(bins)]
    distances = [distance.total_seconds() for distance in within + between]
    return timedelta(seconds=median(distances) * _TIMES_USUAL) if distances else None
