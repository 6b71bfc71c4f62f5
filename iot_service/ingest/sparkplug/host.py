"""What a host application says itself: that it is there, and that an edge node shall be born again."""

from __future__ import annotations

import json
from datetime import datetime

from iot_service.ingest.micros import to_micros
from iot_service.ingest.sparkplug.topics import NAMESPACE, NodeKey, Verb
from iot_service.ingest.sparkplug.values import DataType
from iot_service.ingest.sparkplug.wire import new_payload

_REBIRTH = "Node Control/Rebirth"


def state_topic(host_id: str) -> str:
    """Return the topic of the host application's state, published retained with QoS 1, also as the last will."""
    return f"{NAMESPACE}/{Verb.STATE}/{host_id}"


def state_payload(*, online: bool, at: datetime) -> bytes:
    """Return the payload of the host application's state at ``at`` (aware).

    The last will and the first message after the connection carry the same instant, the one of the CONNECT; a farewell
    carries its own.
    """
    return json.dumps({"online": online, "timestamp": to_micros(at) // 1000}).encode()


def rebirth_topic(key: NodeKey) -> str:
    """Return the topic that the edge node hears commands on."""
    return f"{NAMESPACE}/{key.group}/{Verb.NCMD}/{key.node}"


def rebirth_request(millis: int) -> bytes:
    """Return the payload that asks an edge node for its births; ``millis`` is now, in milliseconds since 1970 UTC."""
    payload = new_payload(timestamp=millis)
    metric = payload.metrics.add(name=_REBIRTH.encode(), timestamp=millis, datatype=DataType.BOOLEAN)
    metric.boolean_value = True
    return bytes(payload.SerializeToString())
