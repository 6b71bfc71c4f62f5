"""Windows: aggregates of one metric over the last so many minutes or days.

A window of length D is kept in buckets of D/60 that are aligned to absolute time (UTC), never in single readings, so it
takes the same memory however fast a device reports, and does not depend on when it was first looked at. Precision: at
time t the window holds the readings of all buckets that began less than D ago, so at most the last D and at least
59/60 of it. Histories of daily use are windows with buckets of one day (UTC).

Windows are a cache over the stored readings: they are never saved, but rebuilt from them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
_BUCKETS = 60


@dataclass(frozen=True, slots=True)
class WindowKey:
    """What a window is over: ``metric``, for ``length``, in buckets of ``width``."""

    metric: str
    length: timedelta
    width: timedelta


def window_key(metric: str, length: timedelta) -> WindowKey:
    """Return the key of the window of ``metric`` over ``length``, with its standard precision."""
    return WindowKey(metric, length, max(length / _BUCKETS, timedelta(microseconds=1)))


def daily_key(metric: str, days: int) -> WindowKey:
    """Return the key of the history of ``metric`` over ``days`` complete days, with the day before them as base."""
    return WindowKey(metric, (days + 1) * DAY, DAY)


@dataclass(slots=True)
class Bucket:
    """What is kept of the readings of one stretch of time; ``increase`` is growth within it, past counter resets."""

    index: int
    count: int
    total: float
    lowest: float
    highest: float
    first: float
    last: float
    increase: float


def growth(before: float, after: float) -> float:
    """Return how much a counter grew; when it fell it was reset, so it grew by what it shows now."""
    return after - before if after >= before else after


class Window:
    """The readings of one metric over one length of time."""

    __slots__ = ("_buckets", "key")

    def __init__(self, key: WindowKey, buckets: list[Bucket] | None = None) -> None:
        """Start empty, or with ``buckets`` in order of their index."""
        self.key = key
        self._buckets: deque[Bucket] = deque(buckets or ())

    def add(self, at: datetime, value: float) -> None:
        """Take one reading; they must come in order of time."""
        index = (at - EPOCH) // self.key.width
        if self._buckets and self._buckets[-1].index >= index:
            bucket = self._buckets[-1]
            bucket.count += 1
            bucket.total += value
            bucket.lowest = min(bucket.lowest, value)
            bucket.highest = max(bucket.highest, value)
            bucket.increase += growth(bucket.last, value)
            bucket.last = value
        else:
            self._buckets.append(Bucket(index, 1, value, value, value, value, value, 0.0))
            self.forget(at)

    def forget(self, at: datetime) -> None:
        """Drop the buckets that have left the window at ``at``."""
        gone = (at - self.key.length - EPOCH) // self.key.width
        while self._buckets and self._buckets[0].index <= gone:
            self._buckets.popleft()

    def empty_at(self) -> datetime | None:
        """Return when the window runs empty if nothing more comes; None if it is."""
        if not self._buckets:
            return None
        return EPOCH + self._buckets[-1].index * self.key.width + self.key.length

    def aggregate(self, function: str, at: datetime) -> float | None:
        """Return ``function`` over the window at ``at``: avg, min, max, delta, increase or count.

        ``avg`` is the mean of the readings, ``delta`` the last minus the first of them, ``increase`` the growth of a
        counter. None when the window is empty (``count`` is 0 then).
        """
        self.forget(at)
        if not self._buckets and function != "count":
            return None
        return WINDOW_FUNCTIONS[function](self._buckets)

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
        for bucket, increase in zip(list(self._buckets)[1:], _increases(self._buckets), strict=True):
            if bucket.index < today:
                totals[bucket.index - first - 1] = increase
        return totals


def _increases(buckets: Iterable[Bucket]) -> list[float]:
    return [growth(before.last, bucket.first) + bucket.increase for before, bucket in pairwise(buckets)]


def _count(buckets: Sequence[Bucket]) -> float:
    return float(sum(bucket.count for bucket in buckets))


WINDOW_FUNCTIONS: Mapping[str, Callable[[Sequence[Bucket]], float]] = {
    "avg": lambda buckets: sum(bucket.total for bucket in buckets) / _count(buckets),
    "min": lambda buckets: min(bucket.lowest for bucket in buckets),
    "max": lambda buckets: max(bucket.highest for bucket in buckets),
    "delta": lambda buckets: buckets[-1].last - buckets[0].first,
    "increase": lambda buckets: buckets[0].increase + sum(_increases(buckets)),
    "count": _count,
}
"""What a rule can ask of a window, over its buckets; all but count need at least one."""


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
        for window in self._by_metric.get(metric, ()):
            window.add(at, value)

    def empty_at(self) -> datetime | None:
        """Return when the first of the windows runs empty if nothing more comes; None if all are."""
        return min((at for window in self._by_key.values() if (at := window.empty_at()) is not None), default=None)

    def forget(self, at: datetime) -> set[str]:
        """Empty the windows that have run empty by ``at``; return their metrics."""
        emptied = {key.metric for key, window in self._by_key.items() if (end := window.empty_at()) and end <= at}
        for metric in emptied:
            for window in self._by_metric[metric]:
                window.forget(at)
        return emptied
