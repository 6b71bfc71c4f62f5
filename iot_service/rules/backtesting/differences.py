"""What another version of rules changes, for people (a table) and for programs (plain values for JSON). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from typing import Any

from iot_service.rules.backtesting.comparing import Comparison, Pair
from iot_service.rules.backtesting.findings import FoundNeed
from iot_service.rules.backtesting.run import Backtest
from iot_service.rules.backtesting.showing import (
    heading,
    need_values,
    note_lines,
    show_resolved,
    show_span,
    show_time,
    summaries,
    summary_line,
    table,
    utc,
)


def comparison_text(old: Backtest, new: Backtest, comparison: Comparison) -> str:
    """Return what the new version changes on one device, need by need."""
    lines = [heading(new), ""]
    rows = list(_changes(new, comparison))
    if rows:
        lines += [*table(rows, ("change", "rule", "opened", "resolved", "lasted", "what")), ""]
    lines.append(
        f"only by the old version: {len(comparison.gone)}, only by the new one: {len(comparison.added)}, "
        f"changed: {len(comparison.changed)}, the same: {len(comparison.same)}"
    )
    before, after = summaries(old), summaries(new)
    for rule in dict.fromkeys((*before, *after)):
        if before.get(rule) == after.get(rule):
            continue
        lines.append(f"  old  {summary_line(rule, before[rule])}" if rule in before else f"  old  {rule}: no such rule")
        lines.append(f"  new  {summary_line(rule, after[rule])}" if rule in after else f"  new  {rule}: no such rule")
    return "\n".join([*lines, *note_lines(new)])


def _changes(new: Backtest, comparison: Comparison) -> list[tuple[str, ...]]:
    zone, until = new.subject.zone, new.until
    rows: list[tuple[datetime, tuple[str, ...]]] = []
    for change, needs in (("gone", comparison.gone), ("new", comparison.added)):
        rows += [(need.opened, (change, *_cells(need, zone, until), need.why)) for need in needs]
    for pair in comparison.changed:
        rows.append((pair.new.opened, ("changed", *_cells(pair.new, zone, until), "; ".join(differences(pair, until)))))
    return [row for _, row in sorted(rows, key=lambda item: item[0])]


def _cells(need: FoundNeed, zone: tzinfo, until: datetime) -> tuple[str, ...]:
    return need.rule, show_time(need.opened, zone), show_resolved(need, zone), show_span(need.lasted(until))


def differences(pair: Pair, until: datetime) -> Iterator[str]:
    """Yield what the new version makes of a need that both find, in words."""
    if pair.opened_later:
        yield f"opens {_shift(pair.opened_later, 'later', 'earlier')}"
    if pair.resolved_later:
        yield f"resolves {_shift(pair.resolved_later, 'later', 'earlier')}"
    elif pair.resolved_later is None and pair.old.resolved != pair.new.resolved:
        yield "is still open at the end" if pair.new.resolved is None else "resolves, and was open still at the end"
    if longer := pair.lasts_longer(until):
        yield f"lasts {_shift(longer, 'longer', 'shorter')}"
    if pair.regraded:
        before, after = pair.regraded
        yield f"is {after} instead of {before}"


def _shift(span: timedelta, more: str, less: str) -> str:
    return f"{show_span(abs(span))} {more if span > timedelta(0) else less}"


def comparison_values(new: Backtest, comparison: Comparison) -> dict[str, Any]:
    """Return what changes as plain values; shifts are in seconds, positive where the new version is later or longer."""
    until = new.until
    return {
        "device": new.subject.name,
        "product": new.product.model.id,
        "from": utc(new.since),
        "to": utc(until),
        "only_old": [need_values(need, until) for need in comparison.gone],
        "only_new": [need_values(need, until) for need in comparison.added],
        "changed": [_pair_values(pair, until) for pair in comparison.changed],
        "same": len(comparison.same),
    }


def _pair_values(pair: Pair, until: datetime) -> dict[str, Any]:
    later = pair.resolved_later
    return {
        "old": need_values(pair.old, until),
        "new": need_values(pair.new, until),
        "opened_later_s": pair.opened_later.total_seconds(),
        "resolved_later_s": later.total_seconds() if later is not None else None,
        "lasts_longer_s": pair.lasts_longer(until).total_seconds(),
        "severity": [severity.value for severity in pair.regraded] if pair.regraded else None,
    }
