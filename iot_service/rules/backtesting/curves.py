"""Curves for a picture: each metric thinned to so many stretches of time, with no peak lost. Pure; constant memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from iot_service.model.reading import Sample, SampleKind
from iot_service.rules.compiled import CompiledProduct, CompiledRule

Point = tuple[float, float]
"""Seconds since the begin of the span, and the value in the metric's unit."""
STRETCHES = 1000
"""More than a screen has columns."""


def drawn_inputs(rule: CompiledRule) -> frozenset[str]:
    """Return what to draw for a rule: one that watches for any sign of life is no reason to draw everything."""
    return rule.inputs - rule.absent | frozenset(rule.spec.absent)


def main_rule(rule: CompiledRule) -> str:
    """Return the id of the rule that ``rule`` is, or is a level of."""
    return rule.id.partition("/")[0]


def read_metrics(product: CompiledProduct, rules: Collection[str]) -> list[str]:
    """Return the metrics to draw for ``rules``, in the order of the product model."""
    inputs = frozenset[str]().union(*(drawn_inputs(rule) for rule in product.rules if main_rule(rule) in rules))
    return [name for name in product.model.metrics if name in inputs]


@dataclass(slots=True)
class Stretch:
    """What was measured in one stretch of time: first, last, lowest, highest and sum of ``count`` readings."""

    count: int
    total: float
    first: Point
    last: Point
    lowest: float
    highest: float


class Curves:
    """The curves of ``metrics`` from ``since`` to ``until`` (UTC)."""

    def __init__(self, metrics: Iterable[str], since: datetime, until: datetime, *, stretches: int = STRETCHES) -> None:
        """Begin with nothing; raises ValueError where the span is empty."""
        if until <= since:
            raise ValueError(f"a picture needs a span: {since} to {until} is none")
        self.since, self.until = since, until
        self._per_second = stretches / (until - since).total_seconds()
        self._stretches: dict[str, list[Stretch | None]] = {name: [None] * (stretches + 1) for name in metrics}

    def add(self, samples: Sequence[Sample]) -> None:
        """Take readings of the curves' metrics; those outside the span, and of other metrics, are left out."""
        since, until, kept = self.since, self.until, self._stretches
        for kind, name, at, _, value in samples:
            if kind is not SampleKind.READING or name not in kept or not since <= at <= until:
                continue
            assert isinstance(value, float | int)
            seconds = (at - since).total_seconds()
            of_metric = kept[name]
            place = int(seconds * self._per_second)
            stretch = of_metric[place]
            if stretch is None:
                of_metric[place] = Stretch(1, value, (seconds, value), (seconds, value), value, value)
                continue
            stretch.count += 1
            stretch.total += value
            stretch.last = (seconds, value)
            if value < stretch.lowest:
                stretch.lowest = value
            elif value > stretch.highest:
                stretch.highest = value

    def stretches(self, metric: str) -> list[Stretch]:
        """Return the stretches of ``metric`` in which anything was measured, in order; none of other metrics."""
        return [stretch for stretch in self._stretches.get(metric, ()) if stretch is not None]

    def runs(self, metric: str, *, longest_gap: timedelta | None) -> list[list[Stretch]]:
        """Return the stretches in runs: between two, nothing came for ``longest_gap`` (None: one run)."""
        limit = longest_gap.total_seconds() if longest_gap is not None else float("inf")
        runs: list[list[Stretch]] = []
        for stretch in self.stretches(metric):
            if not runs or stretch.first[0] - runs[-1][-1].last[0] > limit:
                runs.append([])
            runs[-1].append(stretch)
        return runs

    @property
    def width(self) -> timedelta:
        """How long a stretch is."""
        return timedelta(seconds=1 / self._per_second)


def line(run: Sequence[Stretch]) -> list[Point]:
    """Return what to draw for a run: of each stretch its first and last reading, and the extremes beyond these."""
    return [point for stretch in run for point in _points(stretch)]


def means(run: Sequence[Stretch]) -> list[Point]:
    """Return the mean of each stretch, at its middle."""
    return [((each.first[0] + each.last[0]) / 2, each.total / each.count) for each in run]


def envelope(run: Sequence[Stretch]) -> list[Point]:
    """Return the outline of what lies between the lowest and the highest reading of each stretch."""
    above = [(at, each.highest) for each in run for at in (each.first[0], each.last[0])]
    below = [(at, each.lowest) for each in reversed(run) for at in (each.last[0], each.first[0])]
    return above + below


def _points(stretch: Stretch) -> list[Point]:
    """Return what to draw of a stretch: its first and last reading, and between them the extremes beyond these."""
    if stretch.count == 1:
        return [stretch.first]
    (first_at, first), (last_at, last) = stretch.first, stretch.last
    middle = (first_at + last_at) / 2
    extremes = [value for value in (stretch.lowest, stretch.highest) if value not in (first, last)]
    if len(extremes) == 2 and abs(first - stretch.highest) < abs(first - stretch.lowest):
        extremes.reverse()
    return [stretch.first, *((middle, value) for value in extremes), stretch.last]
