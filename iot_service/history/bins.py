"""One metric of one device in bins, right up to now.

Rollups hold what is over; what they do not hold yet (the minutes under way, and what came late and is due) is computed
from the next finer level, and that from readings. So a bin never lacks what is stored, but for readings that came late
within the last minute or two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from iot_service.db import Connection
from iot_service.history.spans import DAY, HOUR, MINUTE, floor
from iot_service.history.store import QUERIES, Due

Span = tuple[datetime, datetime]
"""From the first to before the second (UTC)."""


@dataclass(frozen=True, slots=True)
class Bin:
    """What a metric did in one stretch of time that begins at ``at`` (UTC).

    ``total`` is the sum of ``readings`` values, ``last`` the newest of them; ``first_at`` and ``last_at`` are when the
    first and the newest were measured.
    """

    at: datetime
    readings: int
    total: float
    lowest: float
    highest: float
    last: float
    first_at: datetime
    last_at: datetime

    @property
    def mean(self) -> float:
        """The mean of its values."""
        return self.total / self.readings

    def joined(self, other: Bin) -> Bin:
        """Return both as one bin; they lie at the same place."""
        newest = max(self, other, key=lambda part: part.last_at)
        return replace(
            newest,
            readings=self.readings + other.readings,
            total=self.total + other.total,
            lowest=min(self.lowest, other.lowest),
            highest=max(self.highest, other.highest),
            first_at=min(self.first_at, other.first_at),
        )


class Bins:
    """Reads bins of one metric of one device."""

    def __init__(
        self, connection: Connection, device_id: str, metric: str, *, tail: datetime | None, by_minute: bool
    ) -> None:
        """Take where the tail begins that rollups do not hold yet (None: nothing is rolled up), and whether there are
        minutes of this device's product."""
        self._connection = connection
        self._series = {"device_id": device_id, "metric": metric}
        self._tail = tail
        self._by_minute = by_minute
        self._due: Mapping[Due, list[datetime]] = {}

    def read(self, since: datetime, until: datetime, width: timedelta) -> list[Bin]:
        """Return the bins of ``width`` from ``since`` to before ``until`` (multiples of it) that have readings."""
        rows = QUERIES["due_of"].all(self._connection, **self._series, since=floor(since, DAY), until=until)
        self._due = {level: [row["bucket"] for row in rows if row["level"] == level] for level in Due}
        read = self._days if width >= DAY else self._hours if width >= HOUR else self._minutes
        return _merged(read((since, until), width))

    def _days(self, span: Span, width: timedelta) -> list[Bin]:
        due = {floor(at, DAY) for level in Due for at in self._due[level]}
        clean, rest = self._split(span, due, DAY)
        found = self._ask("bins_of_days", clean, width, but=sorted(due))
        return found + [each for part in rest for each in self._hours(part, width)]

    def _hours(self, span: Span, width: timedelta) -> list[Bin]:
        due = {*self._due[Due.HOUR], *self._due[Due.MINUTES]}
        clean, rest = self._split(span, due, HOUR)
        found = self._ask("bins_of_hours", clean, width, but=sorted(due))
        return found + [each for part in rest for each in self._minutes(part, width)]

    def _minutes(self, span: Span, width: timedelta) -> list[Bin]:
        if not self._by_minute:
            return self._ask("bins_of_readings", span, width)
        due = set(self._due[Due.MINUTES])
        clean, rest = self._split(span, due, HOUR, tail=MINUTE)
        found = self._ask("bins_of_minutes", clean, width, but=sorted(due))
        return found + [each for part in rest for each in self._ask("bins_of_readings", part, width)]

    def _split(
        self, span: Span, due: set[datetime], step: timedelta, *, tail: timedelta | None = None
    ) -> tuple[Span, list[Span]]:
        """Return the span that rollups hold, of which what is ``due`` is left out, and the spans to be computed."""
        since, until = span
        begin = since if self._tail is None else min(max(floor(self._tail, tail or step), since), until)
        parts = [(max(at, since), min(at + step, begin)) for at in sorted(due) if at + step > since and at < begin]
        parts = _contiguous([*parts, (begin, until)])
        return (since, begin), parts

    def _ask(self, query: str, span: Span, width: timedelta, **more: Any) -> list[Bin]:
        since, until = span
        if since >= until:
            return []
        rows = QUERIES[query].all(self._connection, **self._series, since=since, until=until, width=width, **more)
        return [Bin(**row) for row in rows]


def _contiguous(parts: Iterable[Span]) -> list[Span]:
    """Return ``parts`` (in order) without empty ones, neighbours as one."""
    joined: list[Span] = []
    for since, until in parts:
        if since >= until:
            continue
        if joined and joined[-1][1] >= since:
            joined[-1] = (joined[-1][0], max(until, joined[-1][1]))
        else:
            joined.append((since, until))
    return joined


def _merged(bins: Iterable[Bin]) -> list[Bin]:
    """Return ``bins`` in order of time, those at the same place as one."""
    found: dict[datetime, Bin] = {}
    for each in bins:
        found[each.at] = found[each.at].joined(each) if each.at in found else each
    return [found[at] for at in sorted(found)]
