"""Needs as the rules write them: their rows, and the events that say what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from iot_service.db import Connection, Jsonb
from iot_service.db.events import record
from iot_service.model.event import Event, EventType
from iot_service.model.need import Severity
from iot_service.rules.outcomes import Outcome
from iot_service.rules.store import QUERIES, Claimed
from iot_service.rules.versions.version import RuleInForce


@dataclass(frozen=True, slots=True)
class NeedRow:
    """What the rules look at of an open need.

    ``site_id`` is set where the devices of a site share it, and then ``parent_id`` where another device's need stands
    for it, and ``own_severity`` is how bad it is at its own device; ``cleared_at`` (device time, UTC) where its own
    device has recovered and others have not.
    """

    id: int
    device_id: str
    customer_id: str
    rule: str
    severity: Severity
    own_severity: Severity
    site_id: str | None
    parent_id: int | None
    cleared_at: datetime | None


def open_need(connection: Connection, device_id: str, rule: str) -> NeedRow | None:
    """Return the open need of ``rule`` on a device, or None."""
    return need_row(QUERIES["open_need_of_rule"].first(connection, device_id=device_id, rule=rule))


def need_row(row: Mapping[str, Any] | None) -> NeedRow | None:
    """Return a row of the database as a need; None gives None."""
    if row is None:
        return None
    severities = {name: Severity(row[name]) for name in ("severity", "own_severity")}
    return NeedRow(**{**row, **severities})


def insert_need(
    connection: Connection,
    device: Claimed,
    outcome: Outcome,
    rule: RuleInForce,
    *,
    now: datetime,
    site_id: str | None = None,
    parent_id: int | None = None,
) -> int | None:
    """Write the need that ``outcome`` opens; return its id, or None where the same one is open already."""
    spec = rule.spec
    row = QUERIES["open_need"].first(
        connection,
        device_id=device.device_id,
        customer_id=device.customer_id,
        product=device.product,
        rule=spec.id,
        rule_version=rule.version,
        kind=spec.kind.value,
        severity=(outcome.severity or spec.severity).value,
        opened_at=outcome.at,
        now=now,
        reason=outcome.reason,
        evidence=Jsonb(dict(outcome.evidence)),
        site_id=site_id,
        parent_id=parent_id,
    )
    return int(row["id"]) if row is not None else None


def record_need(
    connection: Connection,
    type_: EventType,
    outcome: Outcome,
    rule: RuleInForce,
    *,
    need_id: int,
    device_id: str,
    customer_id: str,
    severity: Severity,
    old: str | None,
    new: str,
    now: datetime,
    reason: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Record what ``outcome`` means for a need, with its evidence; without ``reason``, that of the outcome."""
    record(
        connection,
        Event(
            type=type_,
            at=now,
            subject_id=str(need_id),
            device_id=device_id,
            customer_id=customer_id,
            need_id=need_id,
            old=old,
            new=new,
            reason=reason or outcome.reason,
            data={**need_data(outcome, rule, severity), **(data or {})},
        ),
    )


def need_data(outcome: Outcome, rule: RuleInForce, severity: Severity) -> dict[str, Any]:
    """Return what the event of a need says of it."""
    return {
        "rule": rule.spec.id,
        "rule_version": rule.version,
        "kind": rule.spec.kind.value,
        "severity": severity.value,
        "at": outcome.at.isoformat(),
        "evidence": dict(outcome.evidence),
    }
