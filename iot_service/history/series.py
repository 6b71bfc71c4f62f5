"""What a metric did over a span, in a resolution that suits it: the function behind charts, the API and exports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from iot_service.db import Connection
from iot_service.errors import InvalidInputError
from iot_service.history.bins import Bin, Bins
from iot_service.history.gaps import Gap, find_gaps
from iot_service.history.spans import DAY, HOUR, MINUTE, RAW, WIDTHS, ceiling, floor, resolution_for
from iot_service.history.store import QUERIES
from iot_service.model.device import Device
from iot_service.products.model import ProductModel

AUTO = "auto"
"""Asks for the resolution that fits the span."""
MOST_POINTS = 20_000
"""More points than that are no answer to look at; whoever needs them exports them."""
_READ_AT_ONCE = 10_000  # readings that are summed up for a curve, where there are no minutes


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of one metric: from ``since`` to before ``until`` (UTC), in about ``points`` points at the most.

    ``resolution`` is ``auto``, ``raw`` or one of the widths.
    """

    metric: str
    since: datetime
    until: datetime
    points: int = 2000
    resolution: str = AUTO


@dataclass(frozen=True, slots=True)
class Series:
    """One metric over a span. ``bins`` are in order of time; in the resolution ``raw`` each is one reading."""

    metric: str
    resolution: str
    bins: Sequence[Bin]
    gaps: Sequence[Gap]


def find_series(
    connection: Connection, device: Device, product: ProductModel | None, asked: Asked, *, now: datetime
) -> Series:
    """Return what is ``asked`` of ``device``, whose product model is ``product`` (None: it is not known any more).

    Bins that the ends of the span cut are given whole. Raises InvalidInputError that says what would be right when the
    resolution asked for has more than ``MOST_POINTS`` points.
    """
    resolution, bins = _Finder(connection, device, product, asked, now=now).find()
    metric = product.metrics.get(asked.metric) if product else None
    longest = metric.max_age if metric else None
    end = min(asked.until, now)
    gaps = find_gaps(bins, asked.since, max(end, asked.since), longest=longest)
    return Series(asked.metric, resolution, bins, gaps)


def has_minutes(product: ProductModel | None) -> bool:
    """Return whether devices of ``product`` have minute rollups."""
    return product is None or product.retention.minutes != timedelta(0)


def read_tail(connection: Connection) -> datetime | None:
    """Return where the tail begins that rollups do not hold yet (UTC), None where nothing is rolled up.

    A minute before what was looked at last, for readings that were a little longer on their way.
    """
    until: datetime | None = QUERIES["progress"].one(connection)["received_until"]
    return None if until is None else floor(until, MINUTE) - MINUTE


class _Finder:
    def __init__(
        self, connection: Connection, device: Device, product: ProductModel | None, asked: Asked, *, now: datetime
    ) -> None:
        self._connection, self._asked = connection, asked
        self._series = {"device_id": device.id, "metric": asked.metric}
        self._tail = read_tail(connection)
        self._by_minute = has_minutes(product)
        kept = QUERIES["kept_since"].first(connection, product=device.product) or {}
        self._raw_since, self._minutes_since = kept.get("readings"), kept.get("minutes")
        self._bins = Bins(connection, device.id, asked.metric, tail=self._tail, by_minute=self._by_minute)
        self._until = min(asked.until, now + DAY)  # nothing is stored with a time further ahead

    def find(self) -> tuple[str, Sequence[Bin]]:
        asked = self._asked
        oldest = QUERIES["oldest_of"].one(self._connection, **self._series, tail=self._tail or asked.since)["at"]
        since = asked.since if oldest is None else max(asked.since, oldest)
        if since >= self._until:
            return (asked.resolution if asked.resolution != AUTO else RAW), []
        if asked.resolution != AUTO:
            return asked.resolution, self._exactly(asked.resolution, since)
        usual = self._usual_readings(since)
        if usual <= asked.points and self._kept(since, self._raw_since):
            readings = self._readings(since, asked.points)
            if len(readings) <= asked.points:
                return RAW, readings
        if self._by_minute:
            fine = self._kept(since, self._minutes_since)
        else:
            fine = self._kept(since, self._raw_since) and usual <= _READ_AT_ONCE
        least = MINUTE if fine else HOUR
        resolution = resolution_for(self._until - since, asked.points, at_least=least)
        return resolution, self._in_bins(resolution, since)

    def _exactly(self, resolution: str, since: datetime) -> Sequence[Bin]:
        if resolution == RAW:
            readings = self._readings(since, MOST_POINTS)
            if len(readings) <= MOST_POINTS:
                return readings
        elif (self._until - since) / WIDTHS[resolution] <= MOST_POINTS:
            return self._in_bins(resolution, since)
        raise InvalidInputError(
            f"{resolution} has more than {MOST_POINTS} points in this span: ask for a coarser one or a shorter span, "
            "or export it with format=csv",
            field="resolution",
        )

    def _in_bins(self, resolution: str, since: datetime) -> list[Bin]:
        width = WIDTHS[resolution]
        return self._bins.read(floor(since, width), ceiling(self._until, width), width)

    def _readings(self, since: datetime, most: int) -> list[Bin]:
        span = {"since": since, "until": self._until, "limit": most + 1}
        rows = QUERIES["readings"].all(self._connection, **self._series, **span)
        return [single(row["ts"], row["value"]) for row in rows]

    def _usual_readings(self, since: datetime) -> int:
        """Return how many readings the span has about, as far as that is known without reading them."""
        if self._until - since <= DAY:
            return 0
        span = {"since": floor(since, DAY), "until": self._until}
        return int(QUERIES["readings_by_day"].one(self._connection, **self._series, **span)["readings"])

    @staticmethod
    def _kept(since: datetime, kept_since: datetime | None) -> bool:
        return kept_since is None or since >= kept_since


def single(at: datetime, value: float) -> Bin:
    """Return one reading as a bin."""
    return Bin(at, 1, value, value, value, value, at, at)
