"""What a change of a rule's state means for its need: the outcome, with the values that showed it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from iot_service.model.need import Severity
from iot_service.rules.compiled import CompiledProduct, CompiledRule
from iot_service.rules.lets.base import Moment
from iot_service.rules.lifecycle import INACTIVE, Change, has_need
from iot_service.rules.outcomes import Outcome, OutcomeKind, gather, level_reason, need_reason, service_reason
from iot_service.rules.state import DeviceState

_KINDS = {
    Change.OPENED: OutcomeKind.OPENED,
    Change.RESOLVED: OutcomeKind.RESOLVED,
    Change.HELD_BACK: OutcomeKind.HELD_BACK,
}


def need_outcome(
    product: CompiledProduct,
    state: DeviceState,
    rule: CompiledRule,
    change: Change,
    moment: Moment,
    times: Mapping[str, datetime],
    held_by: str | None,
) -> Outcome:
    """Return what ``change`` of ``rule`` means at ``moment``; ``times`` are those of the values, for the evidence."""
    kind, at = _KINDS[change], moment.at
    condition = (rule.clear or rule.when) if kind is OutcomeKind.RESOLVED else rule.when
    names: set[str] = set(rule.absent if condition is None else condition.inputs)
    scope: Mapping[str, Any] = moment.values
    if condition is not None and condition.lets:
        scope = condition.scope(moment)
        names |= {name for name, _ in condition.lets}
    if condition is None:  # what is outdated says as well since when nothing came
        scope = {**scope, **{name: value for name, (_, value) in state.readings.items()}}
    evidence, told = gather(names, scope, times, at), gather(rule.told.names, rule.told.scope(moment, scope), times, at)
    reason = need_reason(product, rule, kind, evidence, at, told, times)
    evidence = {**told, **evidence}
    if condition is not None:
        reason = "; ".join([reason, *condition.explain(moment)])
    if kind is OutcomeKind.HELD_BACK:
        reason = f"{reason}; held back by {held_by}"
        return Outcome(kind, rule.id, at, reason, evidence, severity(product, state, rule), held_by)
    return Outcome(kind, rule.id, at, reason, evidence, severity(product, state, rule))


def level_outcome(
    product: CompiledProduct,
    state: DeviceState,
    level: CompiledRule,
    change: Change,
    moment: Moment,
    times: Mapping[str, datetime],
) -> Outcome | None:
    """Return that the need of the level's rule is worse or better now; None where there is none, or it is not."""
    rule = product.rules[level.parent or 0]
    if not has_need(state.rules.get(rule.id, INACTIVE).phase):
        return None
    others = severity(product, state, rule, leaving_out=level.id)
    if not level.spec.severity.is_worse_than(others):
        return None
    began = change is Change.OPENED
    condition = level.when if began else level.clear or level.when
    names: set[str] = set()
    scope: Mapping[str, Any] = moment.values
    if condition is not None:
        names = set(condition.inputs) | {name for name, _ in condition.lets}
        scope = condition.scope(moment)
    evidence = gather(names, scope, times, moment.at)
    told = gather(rule.told.names, rule.told.scope(moment, scope), times, moment.at)
    now = level.spec.severity if began else others
    reason = level_reason(product, rule, level, now, evidence, told)
    if condition is not None:
        reason = "; ".join([reason, *condition.explain(moment)])
    return Outcome(OutcomeKind.SEVERITY, rule.id, moment.at, reason, {**told, **evidence}, now)


def severity(product: CompiledProduct, state: DeviceState, rule: CompiledRule, *, leaving_out: str = "") -> Severity:
    """Return the worst severity of ``rule`` and of those of its levels that hold, but for the one to leave out."""
    worst = rule.spec.severity
    for place in rule.levels:
        level = product.rules[place]
        if level.id != leaving_out and has_need(state.rules.get(level.id, INACTIVE).phase):
            worst = max(worst, level.spec.severity, key=lambda each: each.rank)
    return worst


def service_outcome(product: CompiledProduct, moment: Moment, times: Mapping[str, datetime]) -> Outcome:
    """Return the start of a device's service at ``moment``; ``times`` are those of its values."""
    names = product.in_service.inputs if product.in_service else frozenset[str]()
    evidence = gather(names, moment.values, times, moment.at)
    return Outcome(OutcomeKind.IN_SERVICE, None, moment.at, service_reason(product, evidence), evidence)
