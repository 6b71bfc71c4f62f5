"""Windows of planned maintenance, and what they mean for rules: the fact ``maintenance``, 1 during one and 0 else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from iot_service.rules.compiled import MAINTENANCE
from iot_service.rules.instants import FactChange


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """Planned maintenance of one device, of all at a site, or of all of a customer: the one id that is set.

    It lasts from ``starts_at`` until before ``ends_at`` (device time, UTC). ``created_by`` planned it at
    ``created_at``; ``ended_by`` ended it early at ``ended_at``, and then ``ends_at`` is that instant.
    """

    id: int
    device_id: str | None
    site_id: str | None
    customer_id: str | None
    starts_at: datetime
    ends_at: datetime
    reason: str
    created_by: str
    created_at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None


def maintenance_fact(windows: Iterable[MaintenanceWindow], until: datetime | None) -> tuple[float, list[FactChange]]:
    """Return the fact at ``until`` (UTC; None: before everything), and how it changes after that, in order of time.

    Windows that overlap or follow one another without a gap are one.
    """
    spans: list[tuple[datetime, datetime]] = []
    for window in sorted(windows, key=lambda each: each.starts_at):
        if window.ends_at <= window.starts_at:
            continue
        if spans and window.starts_at <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], window.ends_at))
        else:
            spans.append((window.starts_at, window.ends_at))
    now = 1.0 if until is not None and any(start <= until < end for start, end in spans) else 0.0
    edges = [(at, value) for start, end in spans for at, value in ((start, 1.0), (end, 0.0))]
    return now, [FactChange(at, MAINTENANCE, value) for at, value in edges if until is None or at > until]
