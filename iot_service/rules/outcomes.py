"""What folding a device's samples gives: needs that opened or resolved, and the start of its service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from iot_service.products.durations import show_duration
from iot_service.rules.compiled import CompiledProduct, CompiledRule, Condition


class OutcomeKind(StrEnum):
    """What happened."""

    OPENED = "opened"
    RESOLVED = "resolved"
    IN_SERVICE = "in_service"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One thing that happened at ``at`` (device time, UTC).

    ``rule`` is the id of the rule, None for the start of service. ``reason`` is one English sentence; ``evidence`` are
    the values that showed it: name → {"value", "ts" (RFC 3339)}.
    """

    kind: OutcomeKind
    rule: str | None
    at: datetime
    reason: str
    evidence: Mapping[str, Any]


def gather(
    names: frozenset[str] | set[str], scope: Mapping[str, Any], times: Mapping[str, datetime], at: datetime
) -> dict[str, Any]:
    """Return the evidence: those of ``names`` that are known, with the time of each (``at`` where it has none)."""
    return {
        name: {"value": scope[name], "ts": times.get(name, at).isoformat()}
        for name in sorted(names)
        if name in scope and scope[name] not in ([], ())
    }


def need_reason(
    product: CompiledProduct, rule: CompiledRule, kind: OutcomeKind, evidence: Mapping[str, Any], at: datetime
) -> str:
    """Return why the need of ``rule`` opened or resolved at ``at``."""
    spec = rule.spec
    opened = kind is OutcomeKind.OPENED
    title = spec.title.en if opened else f"{spec.title.en} is over"
    readings = show_values(product, evidence)
    if spec.absent_for is not None and (opened or rule.clear is None):
        if not opened:
            return f"{title}: it reports again ({readings})"
        what = ", ".join(sorted(spec.absent)) or "anything"
        since = at - spec.absent_for
        return (
            f"{title}: no reading of {what} for {show_duration(spec.absent_for)}, since {since:%Y-%m-%d %H:%M:%S} UTC"
        )
    condition, hold = (rule.when, spec.for_) if opened else (rule.clear, spec.clear_for)
    if condition is None and rule.when is not None:
        return f"{title}: {_source(rule.when)} no longer holds{_for(hold)} ({readings})"
    return f"{title}: {_source(condition)} holds{_for(hold)} ({readings})"


def service_reason(product: CompiledProduct, evidence: Mapping[str, Any]) -> str:
    """Return why the device is in service now."""
    if product.in_service is None:
        return "In service: it reports"
    readings = show_values(product, evidence)
    return f"In service: {_source(product.in_service)} holds{_for(product.model.in_service_for)} ({readings})"


def show_values(product: CompiledProduct, evidence: Mapping[str, Any]) -> str:
    """Return the values of ``evidence`` for people, with their units."""
    return ", ".join(f"{name} {_show(product, name, item['value'])}" for name, item in evidence.items())


def _show(product: CompiledProduct, name: str, value: Any) -> str:
    if isinstance(value, float | int):
        text = f"{value:.3f}".rstrip("0").rstrip(".")
        metric = product.model.metrics.get(name)
        return f"{text} {metric.unit}" if metric is not None and metric.unit != "1" else text
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)


def _source(condition: Condition | None) -> str:
    return " ".join(condition.expression.source.split()) if condition is not None else ""


def _for(hold: Any) -> str:
    return f" for {show_duration(hold)}" if hold else ""
