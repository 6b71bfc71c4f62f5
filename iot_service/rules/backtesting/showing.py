"""A backtest for people (a table) and for programs (plain values for JSON). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from iot_service.products.durations import show_duration
from iot_service.rules.backtesting.findings import FoundNeed
from iot_service.rules.backtesting.run import Backtest
from iot_service.rules.backtesting.summary import Summary, summarise

_TIME = "%Y-%m-%d %H:%M:%S"
_MOST_NOTES = 20


def show_time(at: datetime, zone: tzinfo) -> str:
    """Return an instant as the local time of ``zone``."""
    return f"{at.astimezone(zone):{_TIME}}"


def show_span(span: timedelta) -> str:
    """Return a length of time for people; a part of a second counts only where there is nothing else."""
    if not span:
        return "0 s"
    seconds = timedelta(seconds=round(span.total_seconds()))
    return show_duration(seconds or span)


def heading(result: Backtest) -> str:
    """Return what was looked at, in a line."""
    zone = result.subject.zone
    return (
        f"{result.subject.name}, {show_time(result.since, zone)} to {show_time(result.until, zone)} ({zone}): "
        f"{result.samples:,} readings judged"
    )


def summaries(result: Backtest) -> dict[str, Summary]:
    """Return the figures of each rule that was asked about."""
    return {
        rule: summarise((need for need in result.needs if need.rule == rule), result.since, result.until)
        for rule in result.rules
    }


def summary_line(name: str, summary: Summary) -> str:
    """Return the figures of one rule as a sentence."""
    if not summary.count:
        return f"{name}: no need"
    still = f", {summary.still_open} still open at the end" if summary.still_open else ""
    needs = "1 need" if summary.count == 1 else f"{summary.count} needs"
    often = f" ({summary.a_week:.2g} a week)" if summary.a_week is not None else ""
    return (
        f"{name}: {needs}{often}, open for {show_span(summary.open_for)} in all, "
        f"{show_span(summary.longest)} at the longest{still}"
    )


def backtest_text(result: Backtest) -> str:
    """Return the table of the needs that would have opened, and the figures of each rule under it."""
    lines = [heading(result), ""]
    if result.needs:
        lines += [*table(_rows(result), ("opened", "resolved", "lasted", "severity", "rule", "why")), ""]
    product = result.product.model.id
    lines += [summary_line(f"{product}/{rule}", summary) for rule, summary in summaries(result).items()]
    lines += note_lines(result)
    return "\n".join(lines)


def table(rows: Iterable[Sequence[str]], header: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a table; the last column is as wide as it likes."""
    cells = [tuple(header), *map(tuple, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, (*widths[:-1], 0), strict=True)).rstrip()


def show_severity(need: FoundNeed) -> str:
    """Return the severity of a need, with what it became."""
    return " → ".join([need.severity, *(change.severity for change in need.changes)])


def show_resolved(need: FoundNeed, zone: tzinfo) -> str:
    """Return when a need resolved, or that it did not."""
    return show_time(need.resolved, zone) if need.resolved is not None else "still open"


def _rows(result: Backtest) -> Iterator[tuple[str, ...]]:
    zone = result.subject.zone
    for need in result.needs:
        yield (
            show_time(need.opened, zone),
            show_resolved(need, zone),
            show_span(need.lasted(result.until)),
            show_severity(need),
            need.rule,
            need.why,
        )


def note_lines(result: Backtest) -> Iterator[str]:
    """Yield what else happened, a line each; of very much the first only."""
    zone = result.subject.zone
    for rule, message in result.errors.items():
        yield f"{rule} could not be computed at times: {message}"
    for note in result.notes[:_MOST_NOTES]:
        where = f"{note.rule}: " if note.rule else ""
        yield f"{show_time(note.at, zone)}  {note.kind}: {where}{note.text}"
    if len(result.notes) > _MOST_NOTES:
        yield f"… and {len(result.notes) - _MOST_NOTES} more of that kind; --json has them all"


def backtest_values(result: Backtest) -> dict[str, Any]:
    """Return all of it as plain values; times are RFC 3339 UTC, spans seconds."""
    return {
        "device": result.subject.name,
        "product": result.product.model.id,
        "from": utc(result.since),
        "to": utc(result.until),
        "samples": result.samples,
        "rules": {rule: _summary_values(summary) for rule, summary in summaries(result).items()},
        "needs": [need_values(need, result.until) for need in result.needs],
        "notes": [
            {"at": utc(note.at), "kind": note.kind, "rule": note.rule, "text": note.text} for note in result.notes
        ],
        "errors": dict(result.errors),
    }


def _summary_values(summary: Summary) -> dict[str, Any]:
    return {
        "needs": summary.count,
        "a_week": round(summary.a_week, 4) if summary.a_week is not None else None,
        "open_s": summary.open_for.total_seconds(),
        "longest_s": summary.longest.total_seconds(),
        "still_open": summary.still_open,
    }


def need_values(need: FoundNeed, until: datetime) -> dict[str, Any]:
    """Return one need as plain values; it lasted up to ``until`` (UTC) at the longest."""
    values: dict[str, Any] = {
        "rule": need.rule,
        "severity": need.severity.value,
        "opened": utc(need.opened),
        "resolved": utc(need.resolved) if need.resolved is not None else None,
        "lasted_s": need.lasted(until).total_seconds(),
        "why": need.why,
        "why_resolved": need.why_resolved,
        "evidence": dict(need.evidence),
    }
    if need.changes:
        values["severities"] = [
            {"at": utc(change.at), "severity": change.severity.value, "why": change.reason} for change in need.changes
        ]
    return values


def utc(at: datetime) -> str:
    """Return an instant as RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat()
