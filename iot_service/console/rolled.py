"""A curve of many days from rollups: what would take seconds to read takes milliseconds, and no peak is lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from iot_service.console.curve import Step
from iot_service.db import Connection
from iot_service.history.bins import Bin, Bins
from iot_service.history.series import read_tail
from iot_service.history.spans import HOUR, WIDTHS, floor, resolution_for


def rolled_steps(
    connection: Connection, device_id: str, metric: str, since: datetime, until: datetime, *, steps: int
) -> list[Step]:
    """Return what a metric did from ``since`` to ``until`` (UTC) in about ``steps`` steps, each of an hour at least.

    When within a step it was lowest and highest is not known, so that stands in its middle; it begins as the one before
    ended.
    """
    width = WIDTHS[resolution_for(until - since, steps, at_least=HOUR)]
    bins = Bins(connection, device_id, metric, tail=read_tail(connection), by_minute=False)
    return _steps(bins.read(floor(since, width), floor(until, width) + width, width))


def _steps(bins: Sequence[Bin]) -> list[Step]:
    steps: list[Step] = []
    before = bins[0].last if bins else 0.0
    for each in bins:
        first, last = each.first_at.timestamp(), each.last_at.timestamp()
        middle = (first + last) / 2
        begin = before if each.readings > 1 else each.last
        steps.append(
            Step(each.readings, (first, begin), (last, each.last), (middle, each.lowest), (middle, each.highest))
        )
        before = each.last
    return steps
