"""A product model, a message and limits for tests of reading what devices send."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from iot_service.ingest.fields import Field, ProductFields
from iot_service.ingest.limits import TimeLimits
from iot_service.ingest.micros import to_micros, to_span
from iot_service.ingest.source import Message

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
RECEIVED = to_micros(NOW)
MILLIS = RECEIVED // 1000
LIMITS = TimeLimits(retention=to_span(timedelta(days=365)), ahead=to_span(timedelta(minutes=5)))
FIELDS = ProductFields(
    product="freezer",
    by_name={
        "temperature": Field("temperature", is_metric=True, low=-120.0, high=80.0, unit="°C"),
        "door": Field("door", is_metric=True, low=0.0, high=1.0, unit="1"),
        "hours": Field("hours", is_metric=True, unit="h"),
        "Seconds": Field("hours", is_metric=True, scale=1 / 3600, unit="h"),
        "energy": Field("energy", is_metric=True, unit="kWh"),
        "codes": Field("codes", is_metric=False),
        "Codes.List": Field("codes", is_metric=False),
    },
    known="temperature, door, hours, energy, codes",
    limits=LIMITS,
)


def telemetry(values: object, *, ts: object = MILLIS, device: str = "freezer-1", received: int = RECEIVED) -> Message:
    """One telemetry message with one entry."""
    return Message(f"iot/v1/{device}/telemetry", json.dumps({"ts": ts, "values": values}).encode(), received)
