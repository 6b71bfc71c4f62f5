"""Exports: everything of a span, however much that is, a page at a time, each in a short transaction of its own.

So neither the memory nor a transaction grows with what is exported, and who reads slowly holds nothing up.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from iot_service.db import Database
from iot_service.history.bins import Bin, Bins
from iot_service.history.series import has_minutes, read_tail, single
from iot_service.history.spans import DAY, RAW, WIDTHS, ceiling, floor
from iot_service.history.store import QUERIES
from iot_service.model.device import Device
from iot_service.products.model import ProductModel

_READINGS = 10_000  # in one page
_BINS = 5000
_MICROSECOND = timedelta(microseconds=1)
_GZIP = 31  # what zlib calls a window of 15 bits with gzip's head and tail


@dataclass(frozen=True, slots=True)
class Export:
    """What is exported: ``metrics`` of a device from ``since`` to before ``until`` (UTC), in one resolution."""

    device: Device
    product: ProductModel | None
    metrics: Sequence[str]
    since: datetime
    until: datetime
    resolution: str = RAW


Page = tuple[str, Sequence[Bin]]
"""A metric and some of what it did, in order of time."""


def read_pages(database: Database, export: Export, *, now: datetime) -> Iterator[Page]:
    """Yield everything, metric by metric in order of time. What comes late meanwhile may or may not be in it."""
    end = min(export.until, now + DAY)  # nothing is stored with a time further ahead
    for metric in export.metrics:
        if export.resolution == RAW:
            yield from _readings(database, export, metric, end)
        else:
            yield from _bins(database, export, metric, end)


def _readings(database: Database, export: Export, metric: str, end: datetime) -> Iterator[Page]:
    after = export.since - _MICROSECOND
    while True:
        span = {"device_id": export.device.id, "metric": metric, "after": after, "until": end, "limit": _READINGS}
        with database.transaction() as connection:
            rows = QUERIES["readings_after"].all(connection, **span)
        if rows:
            yield metric, [single(row["ts"], row["value"]) for row in rows]
        if len(rows) < _READINGS:
            return
        after = rows[-1]["ts"]


def _bins(database: Database, export: Export, metric: str, end: datetime) -> Iterator[Page]:
    width = WIDTHS[export.resolution]
    with database.transaction() as connection:
        series = {"device_id": export.device.id, "metric": metric}
        tail = read_tail(connection)
        oldest = QUERIES["oldest_of"].one(connection, **series, tail=tail or export.since)["at"]
    if oldest is None:
        return
    begin, last = floor(max(export.since, oldest), width), ceiling(end, width)
    while begin < last:
        stop = min(begin + _BINS * width, last)
        with database.transaction() as connection:
            tail = read_tail(connection)
            bins = Bins(connection, **series, tail=tail, by_minute=has_minutes(export.product))
            found = bins.read(begin, stop, width)
        if found:
            yield metric, found
        begin = stop


def as_csv(pages: Iterable[Page], resolution: str) -> Iterator[bytes]:
    """Yield ``pages`` as CSV with a head: metric, time (RFC 3339, UTC), value; bins also with minimum, maximum, count.

    The value of a bin is its mean. Numbers are written so that they read back as they are.
    """
    raw = resolution == RAW
    yield b"metric,ts,value\n" if raw else b"metric,ts,value,min,max,count\n"
    for metric, bins in pages:
        if raw:
            lines = [f"{metric},{write_time(each.at)},{each.last!r}\n" for each in bins]
        else:
            lines = [
                f"{metric},{write_time(each.at)},{each.mean!r},{each.lowest!r},{each.highest!r},{each.readings}\n"
                for each in bins
            ]
        yield "".join(lines).encode()


def write_time(at: datetime) -> str:
    """Return ``at`` (UTC) as RFC 3339 writes it."""
    return at.isoformat().replace("+00:00", "Z")


def gzipped(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield ``parts`` compressed by gzip, as they come."""
    packer = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    for part in parts:
        packed = packer.compress(part)
        if packed:
            yield packed
    yield packer.flush()
