"""What folding a device's samples gives: needs that opened or resolved, and the start of its service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from iot_service.model.customer import Locale
from iot_service.model.need import Severity
from iot_service.products.durations import show_duration
from iot_service.products.service_plan import serviced_at
from iot_service.products.texts import say
from iot_service.rules.compiled import CompiledProduct, CompiledRule
from iot_service.rules.lets.base import Condition
from iot_service.rules.rewriting import CHANGED_PREFIX, PREVIOUS_PREFIX
from iot_service.rules.windows import EPOCH

_LARGEST = 1e15  # beyond, nobody reads all digits; of what is small, those that count are told


class OutcomeKind(StrEnum):
    """What happened; ``severity``: an open need became worse or better; ``held_back``: one would have opened."""

    OPENED = "opened"
    RESOLVED = "resolved"
    IN_SERVICE = "in_service"
    SEVERITY = "severity"
    HELD_BACK = "held_back"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One thing that happened at ``at`` (device time, UTC).

    ``rule`` is the id of the rule, None for the start of service. ``reason`` is one English sentence; ``evidence`` are
    the values that showed it: name → {"value", "ts" (RFC 3339)}. ``severity`` is that of the need from now on, None
    where there is none; ``held_by`` is what held a need back: ``maintenance``, or the id of the rule that inhibits it.
    """

    kind: OutcomeKind
    rule: str | None
    at: datetime
    reason: str
    evidence: Mapping[str, Any]
    severity: Severity | None = None
    held_by: str | None = None


def gather(
    names: frozenset[str] | set[str], scope: Mapping[str, Any], times: Mapping[str, datetime], at: datetime
) -> dict[str, Any]:
    """Return the evidence: those of ``names`` that are known, with the time of each (``at`` where it has none)."""
    return {
        shown_name(name): {"value": scope[name], "ts": times.get(name, at).isoformat()}
        for name in sorted(names)
        if name in scope and scope[name] not in ([], ())
    }


def shown_name(name: str) -> str:
    """Return the variable ``name`` as rules write it."""
    for prefix, function in ((CHANGED_PREFIX, "changed"), (PREVIOUS_PREFIX, "previous")):
        if name.startswith(prefix):
            return f"{function}({name.removeprefix(prefix)})"
    return name


def need_reason(
    product: CompiledProduct,
    rule: CompiledRule,
    kind: OutcomeKind,
    evidence: Mapping[str, Any],
    at: datetime,
    told: Mapping[str, Any],
    times: Mapping[str, datetime],
) -> str:
    """Return why the need of ``rule`` opened or resolved at ``at``.

    ``told`` are the values that its texts name; ``times`` are those of the newest readings.
    """
    spec = rule.spec
    opened = kind is OutcomeKind.OPENED
    title = say(spec.title, Locale.EN, told, product.model)
    title = title if opened else f"{title} is over"
    readings = show_values(product, evidence)
    if spec.absent_for is not None and (opened or rule.clear is None):
        if not opened:
            return f"{title}: it reports again ({readings})"
        what = ", ".join(sorted(spec.absent)) or "anything"
        # What was held back, or outside its schedule, is told later than it could have been.
        since = max((times[name] for name in rule.absent if name in times), default=at - spec.absent_for)
        return f"{title}: no reading of {what} for {show_duration(at - since)}, since {since:%Y-%m-%d %H:%M:%S} UTC"
    if spec.repeat is not None and (opened or rule.clear is None):
        often = f"{spec.repeat.times} times within {show_duration(spec.repeat.within)}"
        if opened:
            return f"{title}: {_source(rule.when)} came true {often}{_each(spec.for_)} ({readings})"
        return f"{title}: {_source(rule.when)} no longer comes true {often} ({readings})"
    condition, hold = (rule.when, spec.for_) if opened else (rule.clear, rule.clear_for)
    if condition is None and rule.when is not None:
        return f"{title}: {_source(rule.when)} no longer holds{_for(hold)} ({readings})"
    return f"{title}: {_source(condition)} holds{_for(hold)} ({readings})"


def level_reason(
    product: CompiledProduct,
    parent: CompiledRule,
    level: CompiledRule,
    severity: Severity,
    evidence: Mapping[str, Any],
    told: Mapping[str, Any],
) -> str:
    """Return why the need of ``parent`` has another ``severity`` now that ``level`` began or ended."""
    title, readings = say(parent.spec.title, Locale.EN, told, product.model), show_values(product, evidence)
    if level.spec.severity is severity:
        return f"{title}: {severity} now, {_source(level.when)} holds{_for(level.spec.for_)} ({readings})"
    condition = level.clear
    said = f"{_source(condition)} holds" if condition is not None else f"{_source(level.when)} no longer holds"
    return f"{title}: {severity} again, {said}{_for(level.clear_for)} ({readings})"


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
    if name in map(serviced_at, product.model.plans):
        return f"{EPOCH + timedelta(days=value):%Y-%m-%d}"
    if isinstance(value, float | int):
        plain = value == 0 or 0.01 <= abs(value) < _LARGEST
        text = f"{value:.3f}".rstrip("0").rstrip(".") if plain else f"{value:.3g}"
        metric = product.model.metrics.get(name)
        return f"{text} {metric.unit}" if metric is not None and metric.unit != "1" else text
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)


def _source(condition: Condition | None) -> str:
    return " ".join(condition.expression.source.split()) if condition is not None else ""


def _each(hold: Any) -> str:
    return f", each time for {show_duration(hold)}" if hold else ""


def _for(hold: Any) -> str:
    return f" for {show_duration(hold)}" if hold else ""
