"""Outcomes as rows: needs that open and resolve, devices that come into service, each with its event."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from iot_service.db import Connection, Jsonb
from iot_service.db.events import record
from iot_service.model.device import ServiceState
from iot_service.model.event import Event, EventType
from iot_service.model.need import NeedState
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.outcomes import Outcome, OutcomeKind
from iot_service.rules.store import QUERIES, Claimed


def record_outcome(
    connection: Connection, device: Claimed, outcome: Outcome, spec: RuleSpec | None, *, now: datetime
) -> bool:
    """Write ``outcome`` and its event; ``spec`` is its rule, None for the start of service. Return whether it is new.

    A need that a person closed meanwhile, or that is open already, is left as it is.
    """
    if spec is None:
        _record_in_service(connection, device, outcome, now)
        return True
    opened = outcome.kind is OutcomeKind.OPENED
    need_id = _open(connection, device, outcome, spec, now) if opened else _resolve(connection, device, outcome)
    if need_id is None:
        return False
    record(
        connection,
        Event(
            type=EventType.NEED_OPENED if opened else EventType.NEED_RESOLVED,
            at=now,
            subject_id=str(need_id),
            device_id=device.device_id,
            customer_id=device.customer_id,
            need_id=need_id,
            old=None if opened else NeedState.OPEN.value,
            new=NeedState.OPEN.value if opened else NeedState.RESOLVED.value,
            reason=outcome.reason,
            data={
                "rule": spec.id,
                "kind": spec.kind.value,
                "severity": spec.severity.value,
                "at": outcome.at.isoformat(),
                "evidence": dict(outcome.evidence),
            },
        ),
    )
    return True


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


def _open(connection: Connection, device: Claimed, outcome: Outcome, spec: RuleSpec, now: datetime) -> int | None:
    row = QUERIES["open_need"].first(
        connection,
        device_id=device.device_id,
        customer_id=device.customer_id,
        product=device.product,
        rule=spec.id,
        kind=spec.kind.value,
        severity=spec.severity.value,
        opened_at=outcome.at,
        now=now,
        reason=outcome.reason,
        evidence=Jsonb(dict(outcome.evidence)),
    )
    return _id(row)


def _resolve(connection: Connection, device: Claimed, outcome: Outcome) -> int | None:
    row = QUERIES["resolve_need"].first(connection, device_id=device.device_id, rule=outcome.rule, closed_at=outcome.at)
    return _id(row)


def _id(row: dict[str, Any] | None) -> int | None:
    return int(row["id"]) if row else None
