"""Outcomes as rows: needs that open, change and resolve, devices that come into service, each with its event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from iot_service.db import Connection
from iot_service.db.events import record
from iot_service.model.device import ServiceState
from iot_service.model.event import Event, EventType
from iot_service.model.need import NeedState, Severity
from iot_service.rules.compiled import MAINTENANCE
from iot_service.rules.need_rows import insert_need, record_need
from iot_service.rules.outcomes import Outcome, OutcomeKind
from iot_service.rules.sharing import open_shared, resolve_shared, severity_outcome
from iot_service.rules.store import QUERIES, Claimed
from iot_service.rules.versions.shadow import record_shadow
from iot_service.rules.versions.version import Mode, RuleInForce


def to_record(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return ``outcomes``, but for those that say how bad a need is at the very instant at which it is over."""
    over = {(outcome.rule, outcome.at) for outcome in outcomes if outcome.kind is OutcomeKind.RESOLVED}
    return [
        outcome
        for outcome in outcomes
        if outcome.kind is not OutcomeKind.SEVERITY or (outcome.rule, outcome.at) not in over
    ]


def record_outcome(
    connection: Connection, device: Claimed, outcome: Outcome, rule: RuleInForce | None, *, now: datetime
) -> bool:
    """Write ``outcome`` and its event; ``rule`` is None for the start of service. Return whether it is new.

    A need that a person closed meanwhile, or that is open already, is left as it is. Of a rule in shadow it is only
    written down.
    """
    if rule is None:
        _record_in_service(connection, device, outcome, now)
        return True
    if rule.mode is Mode.SHADOW:
        record_shadow(connection, device, outcome, rule, now)
        return True
    if outcome.kind is OutcomeKind.HELD_BACK:
        _record_held_back(connection, device, outcome, rule, now)
        return True
    if outcome.kind is OutcomeKind.SEVERITY:
        return severity_outcome(connection, device, outcome, rule, now=now)
    if outcome.kind is OutcomeKind.OPENED:
        return _open(connection, device, outcome, rule, now)
    return _resolve(connection, device, outcome, rule, now)


def _record_in_service(connection: Connection, device: Claimed, outcome: Outcome, now: datetime) -> None:
    QUERIES["set_service_state"].run(
        connection, device_id=device.device_id, service_state=ServiceState.IN_SERVICE.value
    )
    record(
        connection,
        Event(
            type=EventType.DEVICE_IN_SERVICE,
            at=now,
            subject_id=device.device_id,
            device_id=device.device_id,
            customer_id=device.customer_id,
            old=ServiceState.COMMISSIONING.value,
            new=ServiceState.IN_SERVICE.value,
            reason=outcome.reason,
            data={"at": outcome.at.isoformat(), "evidence": dict(outcome.evidence)},
        ),
    )


def _record_held_back(
    connection: Connection, device: Claimed, outcome: Outcome, rule: RuleInForce, now: datetime
) -> None:
    """Note that a need would have opened: in the device's history and for operators, and for nobody else."""
    spec = rule.spec
    window = device.maintenance_at(outcome.at) if outcome.held_by == MAINTENANCE else None
    severity = outcome.severity or spec.severity
    record(
        connection,
        Event(
            type=EventType.NEED_HELD_BACK,
            at=now,
            subject_id=device.device_id,
            device_id=device.device_id,
            customer_id=device.customer_id,
            actor=window.created_by if window is not None else "service",
            reason=f"{outcome.reason} '{window.reason}'" if window is not None else outcome.reason,
            data={
                "rule": spec.id,
                "rule_version": rule.version,
                "kind": spec.kind.value,
                "severity": severity.value,
                "at": outcome.at.isoformat(),
                "held_by": outcome.held_by,
                "evidence": dict(outcome.evidence),
                **({"maintenance_id": window.id} if window is not None else {}),
            },
        ),
    )


def _open(connection: Connection, device: Claimed, outcome: Outcome, rule: RuleInForce, now: datetime) -> bool:
    if rule.spec.per == "site" and device.site_id is not None:
        return open_shared(connection, device, outcome, rule, now=now)
    need_id = insert_need(connection, device, outcome, rule, now=now)
    if need_id is None:
        return False
    record_need(
        connection,
        EventType.NEED_OPENED,
        outcome,
        rule,
        need_id=need_id,
        device_id=device.device_id,
        customer_id=device.customer_id,
        severity=outcome.severity or rule.spec.severity,
        old=None,
        new=NeedState.OPEN.value,
        now=now,
    )
    return True


def _resolve(connection: Connection, device: Claimed, outcome: Outcome, rule: RuleInForce, now: datetime) -> bool:
    row = QUERIES["resolve_need"].first(connection, device_id=device.device_id, rule=outcome.rule, closed_at=outcome.at)
    if row is None:
        return resolve_shared(connection, device, outcome, rule, now=now)
    record_need(
        connection,
        EventType.NEED_RESOLVED,
        outcome,
        rule,
        need_id=row["id"],
        device_id=device.device_id,
        customer_id=device.customer_id,
        severity=Severity(row["severity"]),
        old=NeedState.OPEN.value,
        new=NeedState.RESOLVED.value,
        now=now,
    )
    return True
