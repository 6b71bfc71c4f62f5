"""What rules in shadow would have done, written down beside the needs. Nobody is told and nothing follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from iot_service.db import Connection, Jsonb
from iot_service.model.need import NeedKind, Severity
from iot_service.rules.outcomes import Outcome, OutcomeKind
from iot_service.rules.store import Claimed
from iot_service.rules.versions.store import QUERIES
from iot_service.rules.versions.version import RuleInForce


@dataclass(frozen=True, slots=True)
class ShadowNeed:
    """A need that there would have been.

    ``state`` is ``open``, ``resolved`` (the readings said so) or ``ended`` (the rule left the shadow, or was removed);
    ``closed_reason`` says why in one sentence. Times are device time (UTC).
    """

    id: int
    device_id: str
    product: str
    rule: str
    rule_version: int
    kind: NeedKind
    severity: Severity
    state: str
    opened_at: datetime
    closed_at: datetime | None
    reason: str
    evidence: dict[str, Any]
    closed_reason: str | None


def record_shadow(connection: Connection, device: Claimed, outcome: Outcome, rule: RuleInForce, now: datetime) -> None:
    """Write down that a need of ``rule`` would have opened, changed its severity or resolved."""
    spec = rule.spec
    severity = (outcome.severity or spec.severity).value
    if outcome.kind is OutcomeKind.OPENED:
        QUERIES["open_shadow_need"].run(
            connection,
            device_id=device.device_id,
            product=device.product,
            rule=spec.id,
            rule_version=rule.version or 0,
            kind=spec.kind.value,
            severity=severity,
            opened_at=outcome.at,
            now=now,
            reason=outcome.reason,
            evidence=Jsonb(dict(outcome.evidence)),
        )
    elif outcome.kind is OutcomeKind.SEVERITY:
        QUERIES["set_shadow_severity"].run(connection, device_id=device.device_id, rule=spec.id, severity=severity)
    elif outcome.kind is OutcomeKind.RESOLVED:
        _close(connection, device, spec.id, "resolved", outcome.reason, outcome.at)


def end_shadow_need(connection: Connection, device: Claimed, rule: str, *, reason: str, at: datetime) -> None:
    """Close what ``rule`` found in shadow, because it is in shadow no longer."""
    device.shadow_rules.discard(rule)
    _close(connection, device, rule, "ended", reason, at)


def shadow_needs(
    connection: Connection, product: str, rule: str, *, before: int | None, limit: int
) -> list[ShadowNeed]:
    """Return up to ``limit`` of what a rule found in shadow, newest first, of those ``before`` an id."""
    rows = QUERIES["shadow_needs"].all(connection, product=product, rule=rule, before=before, limit=limit)
    return [ShadowNeed(**{**row, "kind": NeedKind(row["kind"]), "severity": Severity(row["severity"])}) for row in rows]


def _close(connection: Connection, device: Claimed, rule: str, state: str, reason: str, at: datetime) -> None:
    QUERIES["close_shadow_need"].run(
        connection, device_id=device.device_id, rule=rule, state=state, closed_at=at, closed_reason=reason
    )
