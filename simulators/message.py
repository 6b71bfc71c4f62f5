"""What a device sends: one MQTT message, before anything knows of a broker."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

TELEMETRY = "telemetry"
EVENT = "event"

Values = Mapping[str, float | bool | str | Sequence[str]]
"""Metric or attribute name to value: numbers and booleans are readings, text and lists are attributes."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a device.

    ``ts`` is the instant (UTC) at which the device sends it: that of its newest reading. ``topic_suffix`` is what
    follows the device's id in the topic. ``payload`` is bytes as they stand, or an object for JSON.
    ``device_id`` is set only where a device speaks as another one.
    """

    ts: datetime
    topic_suffix: str
    payload: bytes | Mapping[str, object] | Sequence[Mapping[str, object]]
    retain: bool = False
    device_id: str | None = None

    def body(self) -> bytes:
        """Return the payload as it goes over the wire."""
        if isinstance(self.payload, bytes):
            return self.payload
        return json.dumps(self.payload, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()

    def topic(self, device_id: str) -> str:
        """Return the topic on which ``device_id`` sends it."""
        return f"iot/v1/{self.device_id or device_id}/{self.topic_suffix}"


def to_milliseconds(ts: datetime) -> int:
    """Return ``ts`` (aware) as whole milliseconds since 1970, as payloads carry it."""
    return (ts - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def cut_to_milliseconds(ts: datetime) -> datetime:
    """Return ``ts`` without what is finer than a millisecond, so that it comes through a payload unchanged."""
    return ts.replace(microsecond=ts.microsecond // 1000 * 1000)


def telemetry(ts: datetime, values: Values) -> Message:
    """Return a telemetry message with all ``values`` measured at ``ts``."""
    return Message(ts, TELEMETRY, {"ts": to_milliseconds(ts), "values": dict(values)})


def device_event(ts: datetime, name: str, data: Mapping[str, object] | None = None) -> Message:
    """Return a message that tells that ``name`` happened at ``ts``."""
    return Message(ts, EVENT, {"ts": to_milliseconds(ts), "name": name, "data": dict(data or {})})
