"""A backtest as a page: one file of HTML with the curves that the rules read, and the needs marked on them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from iot_service.model.need import Severity
from iot_service.products.texts import bare
from iot_service.rules.backtesting.axes import Scale, Tick, time_axis, value_axis
from iot_service.rules.backtesting.curves import (
    Curves,
    Point,
    Stretch,
    drawn_inputs,
    envelope,
    line,
    main_rule,
    means,
    read_metrics,
)
from iot_service.rules.backtesting.findings import FoundNeed
from iot_service.rules.backtesting.run import Backtest
from iot_service.rules.backtesting.showing import (
    heading,
    show_resolved,
    show_severity,
    show_span,
    show_time,
    summaries,
    summary_line,
)

WIDTH, HEIGHT = 1000, 100
"""The units that curves are drawn in; the page stretches them to the size of the screen."""
_DENSE = 4  # readings in a stretch, on average, above which their range and mean say more than a line through them
_LEAST_SHARE = 0.003  # a short need is still seen
_MOST_ROWS = 200

_environment = Environment(
    loader=PackageLoader("iot_service.rules.backtesting"), autoescape=True, undefined=StrictUndefined,
    trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Band:
    """A need on a time axis: from where to where (shares of the axis), its row in the table, and what it says."""

    left: float
    width: float
    row: int
    severity: Severity
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One metric: its curve as SVG paths and lonely points, marks of its axis, and the needs of rules that read it.

    Where there are more readings than a screen shows, ``areas`` are their range, and the curve is their mean; ``means``
    says of how long a time.
    """

    metric: str
    unit: str
    text: str
    means: str
    areas: Sequence[str]
    paths: Sequence[str]
    dots: Sequence[tuple[float, float]]
    ticks: Sequence[Tick]
    bands: Sequence[Band]


def picture(result: Backtest) -> str:
    """Return the page; raises ValueError for a backtest that was made without curves."""
    curves = result.curves
    if curves is None:
        raise ValueError("there are no curves to draw: backtest with them")
    zone = result.subject.zone
    bands = {rule: list(_bands(result, rule)) for rule in result.rules}
    figures = summaries(result)
    read = read_metrics(result.product, result.rules)
    charts = list(_charts(result, curves, bands))
    values: dict[str, Any] = {
        "title": f"{_named(result)} on {result.subject.name}",
        "heading": heading(result),
        "zone": str(zone),
        "lines": [summary_line(rule, summary) for rule, summary in figures.items()],
        "charts": charts,
        "unmeasured": [name for name in read if name not in {chart.metric for chart in charts}],
        "lanes": [(rule, bare(result.rules[rule].title), bands[rule]) for rule in result.rules],
        "times": time_axis(result.since, result.until, zone),
        "severities": sorted({need.gravest for need in result.needs}, key=list(Severity).index, reverse=True),
        "rows": [_row(need, result) for need in result.needs[:_MOST_ROWS]],
        "more": max(len(result.needs) - _MOST_ROWS, 0),
        "notes": [(show_time(note.at, zone), note.kind, note.rule, note.text) for note in result.notes[:_MOST_ROWS]],
        "errors": dict(result.errors),
        "width": WIDTH,
        "height": HEIGHT,
    }
    return _environment.get_template("picture.html").render(values)


def _named(result: Backtest) -> str:
    rules = list(result.rules)
    return ", ".join(rules) if len(rules) <= 3 else f"{len(rules)} rules of {result.product.model.id}"


def _row(need: FoundNeed, result: Backtest) -> dict[str, str]:
    zone = result.subject.zone
    return {
        "rule": need.rule,
        "opened": show_time(need.opened, zone),
        "resolved": show_resolved(need, zone),
        "lasted": show_span(need.lasted(result.until)),
        "severity": need.gravest,
        "severities": show_severity(need),
        "why": need.why,
        "why_resolved": need.why_resolved or "",
    }


def _bands(result: Backtest, rule: str) -> Iterator[Band]:
    whole, zone = result.until - result.since, result.subject.zone
    for row, need in enumerate(result.needs):
        if need.rule != rule:
            continue
        left = max((need.opened - result.since) / whole, 0.0)
        right = min(((need.resolved or result.until) - result.since) / whole, 1.0)
        text = f"{rule}, {need.gravest}: {show_time(need.opened, zone)} to {show_resolved(need, zone)}"
        yield Band(min(left, 1 - _LEAST_SHARE), max(right - left, _LEAST_SHARE), row, need.gravest, text)


def _charts(result: Backtest, curves: Curves, bands: dict[str, list[Band]]) -> Iterator[Chart]:
    for name, metric in result.product.model.metrics.items():
        reading = {main_rule(rule) for rule in result.product.rules if name in drawn_inputs(rule)}
        readers = [rule for rule in bands if rule in reading]
        if not readers:
            continue
        runs = curves.runs(name, longest_gap=metric.max_age)
        if not runs:
            continue
        marked = sorted((band for rule in readers for band in bands[rule]), key=lambda band: band.left)
        yield _chart(name, "" if metric.unit == "1" else metric.unit, runs, marked, curves)


def _chart(name: str, unit: str, runs: Sequence[Sequence[Stretch]], bands: Sequence[Band], curves: Curves) -> Chart:
    stretches = [stretch for run in runs for stretch in run]
    lowest, highest = min(each.lowest for each in stretches), max(each.highest for each in stretches)
    switch = all({each.lowest, each.highest} <= {0.0, 1.0} for each in stretches)
    dense = sum(each.count for each in stretches) > _DENSE * len(stretches)
    scale, ticks = _switch_axis() if switch else value_axis(lowest, highest)
    paper = _Paper(scale, curves.until - curves.since)
    lines = [means(run) if dense else line(run) for run in runs]
    return Chart(
        metric=name,
        unit=unit,
        text=_text(name, unit, lowest, highest, len(bands)),
        means=show_span(curves.width) if dense else "",
        areas=[paper.path(envelope(run)) + "Z" for run in runs if dense],
        paths=[paper.path(each, switch=switch and not dense) for each in lines if len(each) > 1],
        dots=[paper.place(each[0]) for each in lines if len(each) == 1],
        ticks=ticks,
        bands=bands,
    )


def _switch_axis() -> tuple[Scale, Sequence[Tick]]:
    scale = Scale(-0.15, 1.15)
    return scale, [Tick(scale.share(value), f"{value:g}") for value in (0.0, 1.0)]


def _text(name: str, unit: str, lowest: float, highest: float, needs: int) -> str:
    found = "1 need is marked" if needs == 1 else f"{needs} needs are marked" if needs else "no need is marked"
    return f"{name} from {lowest:g} to {highest:g} {unit}".rstrip() + f"; {found}"


@dataclass(frozen=True, slots=True)
class _Paper:
    """Where points stand on the drawing, which shows the values of ``scale`` over ``span``."""

    scale: Scale
    span: timedelta

    def place(self, point: Point) -> tuple[float, float]:
        seconds, value = point
        return (
            round(seconds / self.span.total_seconds() * WIDTH, 1),
            round((1 - self.scale.share(value)) * HEIGHT, 2),
        )

    def path(self, line: Sequence[Point], *, switch: bool = False) -> str:
        """Return the line as the ``d`` of an SVG path; a ``switch`` stays as it is until it changes."""
        places = [self.place(point) for point in line]
        parts = [f"M{places[0][0]:g} {places[0][1]:g}"]
        for before, (x, y) in pairwise(places):
            if (x, y) != before:
                parts.append(f"H{x:g}V{y:g}" if switch else f"L{x:g} {y:g}")
        return "".join(parts)
