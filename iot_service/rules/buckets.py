"""What a window keeps of the readings of one stretch of time, and what can be asked of a row of such stretches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

_PRECISION = 0.001  # a percentile is right to within a tenth of a per cent of its value
_SCALE = 1 / math.log1p(2 * _PRECISION)
_OFFSET = 1_000_000  # larger than any logarithm of a double at this scale, so that the key's sign is the value's


class Bucket:
    """The readings of one stretch of time, which begins at ``index`` times its width.

    ``increase`` is the growth of a counter within it, past resets; ``changes`` counts readings that differ from the one
    before. What follows is there only where the window needs it. ``squares`` is the sum of squares of the distances
    from ``first``; ``time``, ``time_squares`` and ``products`` are sums of the seconds x since the stretch began, of x²
    and of x times the distance from ``first``. ``ranks`` counts and sums readings by their magnitude.
    """

    __slots__ = (
        "changes", "count", "first", "first_at", "highest", "increase", "index", "last", "last_at", "lowest",
        "products", "ranks", "squares", "time", "time_squares", "total",
    )  # fmt: skip
    first_at: float
    last_at: float
    squares: float
    time: float
    time_squares: float
    products: float
    ranks: dict[int, tuple[int, float]]

    def __init__(self, index: int, value: float) -> None:
        """Start with one reading, of which :meth:`place` and :meth:`rank` are to be told where they matter."""
        self.index = index
        self.count = 1
        self.total = self.lowest = self.highest = self.first = self.last = value
        self.increase = 0.0
        self.changes = 0

    def add(self, value: float) -> None:
        """Take one more reading."""
        self.count += 1
        self.total += value
        if value < self.lowest:
            self.lowest = value
        elif value > self.highest:
            self.highest = value
        if value != self.last:
            self.increase += growth(self.last, value)
            self.changes += 1
            self.last = value

    def place(self, value: float, seconds: float) -> None:
        """Note the time of a reading as well, which came ``seconds`` after the stretch began."""
        distance = value - self.first
        if self.count == 1:
            self.first_at = seconds
            self.squares = self.time = self.time_squares = self.products = 0.0
        self.last_at = seconds
        self.squares += distance * distance
        self.time += seconds
        self.time_squares += seconds * seconds
        self.products += seconds * distance

    def rank(self, value: float) -> None:
        """Count a reading by its magnitude as well."""
        key = rank_key(value)
        if self.count == 1:
            self.ranks = {}
        count, total = self.ranks.get(key, (0, 0.0))
        self.ranks[key] = count + 1, total + value


def stored_bucket(index: int, values: Iterable[float] | None = None, *, first: float, **fields: float | None) -> Bucket:
    """Return a bucket as it was computed from stored readings, without those of its ``fields`` that are None.

    ``values`` are the readings, in order, where they are ranked.
    """
    bucket = Bucket(index, first)
    for number, value in enumerate(values or (), start=1):
        bucket.count = number
        bucket.rank(value)
    for name, given in fields.items():
        if given is not None:
            setattr(bucket, name, given)
    return bucket


def growth(before: float, after: float) -> float:
    """Return how much a counter grew; when it fell it was reset, so it grew by what it shows now."""
    return after - before if after >= before else after


def rank_key(value: float) -> int:
    """Return a number that orders values by magnitude, equal for those within a fifth of a per cent of each other.

    The buckets of logarithmic width are those of DDSketch (Masson, Rim, Lee 2019), so they can be summed up.
    """
    if value == 0:
        return 0
    key = math.floor(math.log(abs(value)) * _SCALE) + _OFFSET
    return key if value > 0 else -key


def increases(buckets: Iterable[Bucket]) -> list[float]:
    """Return how much a counter grew in each bucket but the first, since the one before it."""
    return [growth(before.last, bucket.first) + bucket.increase for before, bucket in pairwise(buckets)]


def _count(buckets: Sequence[Bucket]) -> float:
    return float(sum(bucket.count for bucket in buckets))


def _sum(buckets: Sequence[Bucket]) -> float:
    return sum(bucket.total for bucket in buckets)


def _increase(buckets: Sequence[Bucket]) -> float:
    return buckets[0].increase + sum(increases(buckets))


def _changes(buckets: Sequence[Bucket]) -> float:
    between = sum(before.last != bucket.first for before, bucket in pairwise(buckets))
    return float(sum(bucket.changes for bucket in buckets) + between)


def _stddev(buckets: Sequence[Bucket]) -> float:
    count = _count(buckets)
    mean = _sum(buckets) / count
    total = 0.0
    for bucket in buckets:
        shift = bucket.first - mean
        total += bucket.squares + 2 * shift * (bucket.total - bucket.count * bucket.first) + bucket.count * shift**2
    return math.sqrt(max(total, 0.0) / count)


def slope(buckets: Sequence[Bucket], width: float) -> float | None:
    """Return the slope of the least-squares line through the readings, a second; None for readings of one instant.

    ``width`` is that of the buckets, in seconds.
    """
    count = _count(buckets)
    origin = buckets[0]
    times = squares = values = products = 0.0
    for bucket in buckets:
        start = (bucket.index - origin.index) * width
        shift = bucket.first - origin.first
        distances = bucket.total - bucket.count * bucket.first
        times += bucket.time + bucket.count * start
        squares += bucket.time_squares + 2 * start * bucket.time + bucket.count * start * start
        values += distances + bucket.count * shift
        products += bucket.products + start * distances + shift * (bucket.time + bucket.count * start)
    spread = squares - times * times / count
    return (products - times * values / count) / spread if spread > 1e-9 else None


def rate(buckets: Sequence[Bucket], width: float) -> float | None:
    """Return by how much a counter grew a second between the first and the last reading; None where that is one."""
    seconds = (buckets[-1].index - buckets[0].index) * width + buckets[-1].last_at - buckets[0].first_at
    return _increase(buckets) / seconds if seconds > 0 else None


def percentile(buckets: Sequence[Bucket], share: float) -> float:
    """Return the value below which ``share`` (0 to 1) of the readings are, between two of them by interpolation."""
    ranks: dict[int, tuple[int, float]] = {}
    for bucket in buckets:
        for key, (count, total) in bucket.ranks.items():
            before = ranks.get(key, (0, 0.0))
            ranks[key] = before[0] + count, before[1] + total
    place = (sum(count for count, _ in ranks.values()) - 1) * share
    whole, part = int(place), place - int(place)
    ordered = [ranks[key] for key in sorted(ranks)]
    low = _at_place(ordered, whole)
    return low if not part else low + (_at_place(ordered, whole + 1) - low) * part


def _at_place(ordered: Sequence[tuple[int, float]], place: int) -> float:
    passed = 0
    for count, total in ordered:
        passed += count
        if place < passed:
            return total / count
    count, total = ordered[-1]
    return total / count


AGGREGATES: Mapping[str, Callable[[Sequence[Bucket]], float]] = {
    "delta": lambda buckets: buckets[-1].last - buckets[0].first,
    "increase": _increase,
    "changes": _changes,
    "stddev": _stddev,
    "first": lambda buckets: buckets[0].first,
    "last": lambda buckets: buckets[-1].last,
}
"""What a rule can ask of a window with nothing but its length, apart from what windows.py does.

All but changes need one bucket.
"""
