"""How one device takes to a change of its rules, in the transaction in which it is judged next.

A rule that is no longer live loses its open need, with the reason. A rule that changed is judged at once where folding
of the device stopped, with its state kept. What a rule has found in shadow was held back until it goes live: where its
condition holds then, its need opens there and then (and the other way round).
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from iot_service.db import Connection
from iot_service.errors import ConflictError
from iot_service.rules.lifecycle import Phase, RuleState, has_need
from iot_service.rules.needs import withdraw
from iot_service.rules.store import Claimed
from iot_service.rules.versions.book import ProductRules
from iot_service.rules.versions.shadow import end_shadow_need
from iot_service.rules.versions.store import QUERIES


def has_changed(device: Claimed, rules: ProductRules) -> bool:
    """Return whether rules, or what overrides make of them, changed since the device was judged."""
    return device.state.revision != rules.revision or device.state.variant != rules.variant


def apply_changes(connection: Connection, device: Claimed, rules: ProductRules, *, now: datetime) -> frozenset[str]:
    """Bring the needs and the state of ``device`` in line with ``rules``; return the rules to be judged at once.

    To be called in a transaction that also keeps the device's new state, or neither.
    """
    state = device.state
    moved = {
        rule
        for rule, rule_state in state.rules.items()
        if rule in rules.rules and has_need(rule_state.phase) and _has_moved(device, rules, rule)
    }
    for rule in sorted(device.open_rules & rules.not_live.keys()):
        _withdraw(connection, device, rule, rules.not_live[rule], now)
    for rule in sorted(rule for rule in device.shadow_rules if not rules.in_shadow(rule)):
        reason = rules.not_live.get(rule, "The rule went live")
        end_shadow_need(connection, device, rule, reason=reason, at=state.until or now)
    for rule in moved:
        state.rules[rule] = RuleState(Phase.HELD_BACK, state.until)
    anew = {rule for rule, in_force in rules.rules.items() if in_force.changed > state.revision}
    anew |= {rule for rule, rule_state in state.rules.items() if rule_state.phase is Phase.HELD_BACK}  # nor by whom now
    if state.variant != rules.variant:
        anew |= set(rules.rules)
    state.revision, state.variant = rules.revision, rules.variant
    return frozenset(anew | moved)


def _has_moved(device: Claimed, rules: ProductRules, rule: str) -> bool:
    """Return whether a rule that has found something comes out of the shadow, or goes into it."""
    if not rules.in_shadow(rule):
        return rule in device.shadow_rules
    if rules.rules[rule].spec.per == "site":  # another device of the site may have taken the need with it
        return rule not in device.shadow_rules
    return rule in device.open_rules


def _withdraw(connection: Connection, device: Claimed, rule: str, reason: str, now: datetime) -> None:
    device.open_rules.discard(rule)
    need = QUERIES["open_need_of_rule"].first(connection, device_id=device.device_id, rule=rule)
    if need is not None:
        with suppress(ConflictError):  # closed this very moment, by a person or with that of another device of its site
            withdraw(connection, need["id"], reason=reason, actor="rules", now=now)
