"""Windows: aggregates of one metric over the last so many minutes or days.

A window of length D is kept in buckets of D/60 that are aligned to absolute time (UTC), never in single readings, so it
takes the same memory however fast a device reports, and does not depend on when it was first looked at. Precision: at
time t the window holds the readings of all buckets that began less than D ago, so at most the last D and at least
59/60 of it. Histories of daily use are windows with buckets of one day (UTC).

Windows are a cache over the stored readings: they are never saved, but rebuilt from them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from iot_service.rules.buckets import AGGREGATES, Bucket, increases, percentile, rate, slope

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FAR = 1 << 62
"""Microseconds since 1970 that are later than all that happens."""
DAY = timedelta(days=1)
_BUCKETS = 60
_MICROSECOND = timedelta(microseconds=1)
_KNOWN_OF_NOTHING = frozenset({"count", "sum", "changes"})


@dataclass(frozen=True, slots=True)
class WindowKey:
    """What a window is over: ``metric``, for ``length``, in buckets of ``width``.

    ``ranked`` where it has percentiles, ``timed`` where the times of readings within a bucket matter.
    """

    metric: str
    length: timedelta
    width: timedelta
    ranked: bool = False
    timed: bool = True
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.metric, self.length, self.width, self.ranked, self.timed)))

    def __hash__(self) -> int:
        return self._hash  # a key is looked up at every judgement, and time spans are slow to hash


def window_key(metric: str, length: timedelta, *, ranked: bool = False, timed: bool = True) -> WindowKey:
    """Return the key of the window of ``metric`` over ``length``, with its standard precision."""
    return WindowKey(metric, length, max(length / _BUCKETS, _MICROSECOND), ranked, timed)


def daily_key(metric: str, days: int) -> WindowKey:
    """Return the key of the history of ``metric`` over ``days`` complete days, with the day before them as base."""
    return WindowKey(metric, (days + 1) * DAY, DAY, timed=False)


def micros(at: datetime) -> int:
    """Return ``at`` (aware) as microseconds since 1970."""
    return (at - EPOCH) // _MICROSECOND


class Window:
    """One window of one device.

    ``_columns`` are fields of its buckets in a row, for those that were asked for: C adds them up at once. ``_results``
    are the aggregates that were asked for since it last changed. ``_leaves`` is when its oldest bucket leaves it,
    ``ends`` when its newest does, both in microseconds since 1970, and ``FAR`` where it is empty.
    """

    __slots__ = ("_buckets", "_columns", "_count", "_leaves", "_length", "_results", "_width", "ends", "key")

    def __init__(self, key: WindowKey, buckets: list[Bucket] | None = None) -> None:
        """Start empty, or with ``buckets`` in order of their index."""
        self.key = key
        self._width, self._length = key.width // _MICROSECOND, key.length // _MICROSECOND
        self._buckets: deque[Bucket] = deque(buckets or ())
        self._count = sum(bucket.count for bucket in self._buckets)
        self._columns: dict[str, deque[float]] = {}
        self._results: dict[str, float] = {}
        self._leaves = self._buckets[0].index * self._width + self._length if self._buckets else FAR
        self.ends = self._buckets[-1].index * self._width + self._length if self._buckets else FAR

    def add(self, at: datetime, value: float, since_epoch: int | None = None) -> None:
        """Take one reading; they must come in order of time. ``since_epoch`` is :func:`micros` of ``at``."""
        now = micros(at) if since_epoch is None else since_epoch
        index, rest = divmod(now, self._width)
        buckets = self._buckets
        self._count += 1
        if buckets and buckets[-1].index >= index:
            bucket = buckets[-1]
            bucket.add(value)
            for field, column in self._columns.items():
                column[-1] = getattr(bucket, field)
        else:
            bucket = Bucket(index, value)
            buckets.append(bucket)
            for column in self._columns.values():
                column.append(value)  # which is the total, the lowest and the highest so far
            self.ends = index * self._width + self._length
            if len(buckets) == 1:
                self._leaves = self.ends
            elif now >= self._leaves:
                self.drop(now)
        if self.key.timed:
            bucket.place(value, rest / 1_000_000)
        if self.key.ranked:
            bucket.rank(value)
        if self._results:
            self._results = {}

    def forget(self, at: datetime) -> None:
        """Drop the buckets that have left the window at ``at``."""
        self.drop(micros(at))

    def drop(self, now: int) -> None:
        """Drop the buckets that have left the window at ``now``, in microseconds since 1970."""
        if now < self._leaves:
            return
        gone = (now - self._length) // self._width
        buckets = self._buckets
        while buckets and buckets[0].index <= gone:
            self._count -= buckets.popleft().count
            for column in self._columns.values():
                column.popleft()
        self._results = {}
        if buckets:
            self._leaves = buckets[0].index * self._width + self._length
        else:
            self._leaves = self.ends = FAR

    def aggregate(self, function: str, at: datetime, since_epoch: int | None = None) -> float | None:
        """Return ``function`` over the window at ``at``: avg, min, max, sum, count, or one of :data:`AGGREGATES`.

        ``avg`` is the mean of the readings, ``delta`` the last minus the first of them, ``increase`` the growth of a
        counter, ``stddev`` that of the readings themselves (not of a sample). None when the window is empty, apart from
        ``count``, ``sum`` and ``changes``, which are 0 then. ``since_epoch`` is :func:`micros` of ``at``.
        """
        now = micros(at) if since_epoch is None else since_epoch
        if now >= self._leaves:
            self.drop(now)
        found = self._results.get(function)
        if found is None:
            if not self._buckets and function not in _KNOWN_OF_NOTHING:
                return None
            found = self._results[function] = self._aggregate(function)
        return found

    def _aggregate(self, function: str) -> float:
        match function:
            case "avg":
                return sum(self._column("total")) / self._count
            case "min":
                return min(self._column("lowest"))
            case "max":
                return max(self._column("highest"))
            case "sum":
                return float(sum(self._column("total")))
            case "count":
                return float(self._count)
        return AGGREGATES[function](self._buckets)

    def _column(self, field: str) -> deque[float]:
        column = self._columns.get(field)
        if column is None:
            column = self._columns[field] = deque(getattr(bucket, field) for bucket in self._buckets)
        return column

    def slope(self, at: datetime) -> float | None:
        """Return how steeply the readings rise, a second; None for fewer than two."""
        self.forget(at)
        return slope(self._buckets, self._width / 1_000_000) if self._buckets else None

    def rate(self, at: datetime) -> float | None:
        """Return how fast a counter grows, a second; None for fewer than two readings."""
        self.forget(at)
        return rate(self._buckets, self._width / 1_000_000) if self._buckets else None

    def percentile(self, share: float, at: datetime) -> float | None:
        """Return the value below which ``share`` (0 to 1) of the readings are; None when the window is empty.

        Raises ValueError for a window that does not rank its readings.
        """
        if not self.key.ranked:
            raise ValueError(f"the window of {self.key.metric} keeps no ranks")
        self.forget(at)
        return percentile(self._buckets, share) if self._buckets else None

    def daily(self, at: datetime) -> list[float]:
        """Return the growth of a counter on each complete day (UTC) before the day of ``at``.

        The first day on which it was heard is the base, and not among them; days without a reading had no use.
        """
        self.forget(at)
        today = (at - EPOCH) // self.key.width
        if not self._buckets:
            return []
        first = self._buckets[0].index
        totals = [0.0] * max(today - first - 1, 0)
        for bucket, increase in zip(list(self._buckets)[1:], increases(self._buckets), strict=True):
            if bucket.index < today:
                totals[bucket.index - first - 1] = increase
        return totals

    def points(self, at: datetime) -> list[tuple[datetime, float]]:
        """Return the mean of each bucket before ``at``, with the mean time of its readings (UTC), oldest first."""
        self.forget(at)
        return [
            (
                EPOCH + bucket.index * self.key.width + timedelta(seconds=bucket.time / bucket.count),
                bucket.total / bucket.count,
            )
            for bucket in self._buckets
        ]


class Windows:
    """All windows of one device."""

    __slots__ = ("_by_key", "_by_metric")

    def __init__(self, windows: Iterable[Window]) -> None:
        self._by_key = {window.key: window for window in windows}
        self._by_metric: dict[str, list[Window]] = {}
        for window in self._by_key.values():
            self._by_metric.setdefault(window.key.metric, []).append(window)

    def __getitem__(self, key: WindowKey) -> Window:
        return self._by_key[key]

    def add(self, metric: str, at: datetime, value: float) -> None:
        """Take one reading into every window of its metric."""
        if windows := self._by_metric.get(metric):
            since_epoch = micros(at)
            for window in windows:
                window.add(at, value, since_epoch)

    def empty_at(self) -> datetime | None:
        """Return when the first of the windows runs empty if nothing more comes; None if all are."""
        first = min([window.ends for window in self._by_key.values()], default=FAR)
        return EPOCH + first * _MICROSECOND if first != FAR else None

    def forget(self, at: datetime) -> set[str]:
        """Empty the windows that have run empty by ``at``; return their metrics."""
        now = micros(at)
        emptied = {key.metric for key, window in self._by_key.items() if window.ends <= now}
        for metric in emptied:
            for window in self._by_metric[metric]:
                window.drop(now)
        return emptied
