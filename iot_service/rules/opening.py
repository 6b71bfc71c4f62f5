"""Needs of many devices that open at once, written in one statement: a power cut, or a fleet that falls silent.

Each need by itself takes four trips to the database, which is more than all the rest of judging a device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from iot_service.db import Connection
from iot_service.model.event import CONSUMERS, EventType
from iot_service.rules.need_rows import need_data
from iot_service.rules.outcomes import Outcome, OutcomeKind
from iot_service.rules.store import QUERIES, Claimed
from iot_service.rules.versions.version import Mode, RuleInForce


@dataclass(frozen=True, slots=True)
class Opening:
    """A need to be opened: what happened on which device, by which rule."""

    device: Claimed
    outcome: Outcome
    rule: RuleInForce


def opens_alone(opening: Opening) -> bool:
    """Return whether ``opening`` is one indeed, of a need that its device shares with no other."""
    return (
        opening.rule.mode is Mode.LIVE
        and opening.outcome.kind is OutcomeKind.OPENED
        and (opening.rule.spec.per != "site" or opening.device.site_id is None)
    )


def open_together(connection: Connection, openings: Sequence[Opening], *, now: datetime) -> set[tuple[str, str]]:
    """Write the needs with their events, in their order; return the devices and rules of those that are new.

    Left out is a need that is open already. What there is must be all or nothing: see :func:`opens_alone`.
    """
    severities = [each.outcome.severity or each.rule.spec.severity for each in openings]
    data = [need_data(each.outcome, each.rule, severity) for each, severity in zip(openings, severities, strict=True)]
    rows = QUERIES["open_needs"].all(
        connection,
        now=now,
        devices=[each.device.device_id for each in openings],
        customers=[each.device.customer_id for each in openings],
        products=[each.device.product for each in openings],
        rules=[each.rule.spec.id for each in openings],
        versions=[each.rule.version for each in openings],
        kinds=[each.rule.spec.kind.value for each in openings],
        severities=[severity.value for severity in severities],
        opened=[each.outcome.at for each in openings],
        reasons=[each.outcome.reason for each in openings],
        data=[orjson.dumps(each).decode() for each in data],
        type=EventType.NEED_OPENED.value,
        consumers=[consumer.value for consumer in CONSUMERS[EventType.NEED_OPENED]],
    )
    return {(row["device_id"], row["rule"]) for row in rows}
