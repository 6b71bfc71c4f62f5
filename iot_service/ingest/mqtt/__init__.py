"""The broker as a source: MQTT 5 where it is spoken, else 3.1.1; persistent sessions, acknowledged by hand."""

from __future__ import annotations

from iot_service.ingest.mqtt.plan import SessionPlan
from iot_service.ingest.mqtt.source import MqttSource

__all__ = ["MqttSource", "SessionPlan"]
