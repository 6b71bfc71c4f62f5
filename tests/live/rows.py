"""Rows as the live view's queries give them, with defaults that make sense together."""

from __future__ import annotations

from typing import Any

from iot_service.live.store import Cursor, Poll, Row
from iot_service.live.vocabulary import Vocabulary
from tests.factories import NOW

WORDS = Vocabulary(
    headlines={"freezer": ("temperature",)},
    units={("freezer", "temperature"): "°C"},
    titles={("freezer", "temperature_high"): "Temperature high"},
)


def event(**over: Any) -> Row:
    return {
        "id": 1, "at": NOW, "type": "need.opened", "old": None, "new": "open", "reason": "opened", "actor": "service",
        "device_id": "freezer-1", "device_name": "Vaksinefryser", "customer_name": "Anna Berg", "product": "freezer",
        "rule": "temperature_high", "kind": "fault", "severity": "critical", "need_reason": "-55.0 °C for 10 min",
        "evidence": {},
    } | over  # fmt: skip


def delivery(**over: Any) -> Row:
    return {
        "id": 1, "channel": "sms", "state": "sent", "at": NOW, "error": None, "recipient_kind": "customer",
        "short_text": "A technician is on the way", "recipient_name": "Anna Berg", "device_name": "Vaksinefryser",
    } | over  # fmt: skip


def device(**over: Any) -> Row:
    return {
        "id": "freezer-1", "name": "Vaksinefryser", "product": "freezer", "service_state": "in_service", "online": True,
        "severity": None, "metric": "temperature", "stamps": [NOW, NOW], "readings": [-55.0, -70.0],
    } | over  # fmt: skip


TOTALS: Row = {
    "readings": 1234567, "kept": 3, "dropped": 4, "service": 1, "fault": 1, "refill": 1, "open_needs": 2,
    "appointments": 1, "jobs": 1, "orders": 1, "sent": 6, "failed": 0,
}  # fmt: skip


def poll(**over: Any) -> Poll:
    values: dict[str, Any] = {
        "events": (), "deliveries": (), "device_events": (), "dead_letters": (), "devices": (device(),),
        "totals": TOTALS, "cursor": Cursor(),
    }  # fmt: skip
    return Poll(**{**values, **over})
