"""An edge node as the specification wants it, to speak with in tests: payloads, and a node that counts."""

from __future__ import annotations

from typing import Any

from iot_service.ingest.micros import to_micros
from iot_service.ingest.source import Message
from iot_service.ingest.sparkplug.topics import NodeKey, SparkplugTopic, Verb
from iot_service.ingest.sparkplug.values import DataType
from iot_service.ingest.sparkplug.wire import new_payload
from tests.ingest.examples import NOW

KEY = NodeKey("plant", "edge")
MILLIS = to_micros(NOW) // 1000
SECOND = 1_000_000
FIELDS = {
    DataType.INT64: "long_value",
    DataType.UINT64: "long_value",
    DataType.DATETIME: "long_value",
    DataType.FLOAT: "float_value",
    DataType.DOUBLE: "double_value",
    DataType.BOOLEAN: "boolean_value",
    DataType.STRING: "string_value",
    DataType.TEXT: "string_value",
    DataType.UUID: "string_value",
    DataType.BYTES: "bytes_value",
}


def metric(payload: Any, name: str | None, value: object = None, datatype: int = DataType.DOUBLE, **more: Any) -> Any:
    """Add a metric; ``more`` are other fields, ``held`` the field for the value, ``properties`` a dictionary."""
    held = more.pop("held", FIELDS.get(DataType(datatype) if datatype < 20 else DataType.BYTES, "int_value"))
    properties = more.pop("properties", {})
    made = payload.metrics.add(**more)
    if name is not None:
        made.name = name.encode()
    if datatype:
        made.datatype = datatype
    if value is None:
        made.is_null = True
    else:
        setattr(made, held, value.encode() if isinstance(value, str) else value)
    for key, each in properties.items():
        made.properties.keys.append(key.encode())
        added = made.properties.values.add()
        if isinstance(each, str):
            added.string_value = each.encode()
        else:
            added.int_value = each
    return made


def topic(verb: Verb, device: str = "", key: NodeKey = KEY) -> str:
    """The topic of a message."""
    return f"spBv1.0/{key.group}/{verb}/{key.node}" + (f"/{device}" if device else "")


def parsed(verb: Verb, device: str = "") -> SparkplugTopic:
    """The same, as the session wants it."""
    return SparkplugTopic(verb, KEY, device)


class Edge:
    """Counts sequence numbers and its own clock: each message is sent a second after the one before."""

    def __init__(self, key: NodeKey = KEY, *, bd_seq: int = 0, millis: int = MILLIS) -> None:
        self.key = key
        self.bd_seq = bd_seq
        self.seq = 0
        self.millis = millis

    def node_birth(self, **metrics: float | str) -> Message:
        """A birth of the node; its metrics have the aliases 0, 1, …"""
        self.seq = 0
        return self._send(Verb.NBIRTH, "", metrics, birth=True)

    def device_birth(self, device: str, first_alias: int = 100, **metrics: float | str) -> Message:
        """A birth of a device; its metrics have aliases from ``first_alias`` on."""
        return self._send(Verb.DBIRTH, device, metrics, birth=True, first_alias=first_alias)

    def data(self, device: str = "", **values: float | str) -> Message:
        """Data with names and data types."""
        return self._send(Verb.DDATA if device else Verb.NDATA, device, values)

    def short_data(self, device: str = "", **aliases: float) -> Message:
        """Data with nothing but aliases (``a100=…``) and values."""
        payload = self._payload()
        for alias, value in aliases.items():
            metric(payload, None, value, DataType.UNKNOWN, alias=int(alias[1:]), held="double_value")
        return self._message(Verb.DDATA if device else Verb.NDATA, device, payload)

    def device_death(self, device: str) -> Message:
        """The death of a device."""
        return self._message(Verb.DDEATH, device, self._payload())

    def node_death(self, bd_seq: int | None = None) -> Message:
        """The death of the node, as its will says it."""
        payload = new_payload()
        metric(payload, "bdSeq", self.bd_seq if bd_seq is None else bd_seq, DataType.INT64)
        return self._message(Verb.NDEATH, "", payload)

    def lose(self, count: int = 1) -> None:
        """Send messages that never arrive."""
        self.seq = (self.seq + count) % 256
        self.millis += 1000 * count

    def _send(
        self, verb: Verb, device: str, values: dict[str, float | str], *, birth: bool = False, first_alias: int = 0
    ) -> Message:
        payload = self._payload()
        if verb is Verb.NBIRTH:
            metric(payload, "bdSeq", self.bd_seq, DataType.INT64)
            metric(payload, "Node Control/Rebirth", False, DataType.BOOLEAN)
        for number, (name, value) in enumerate(values.items(), start=first_alias):
            datatype = DataType.STRING if isinstance(value, str) else DataType.DOUBLE
            metric(payload, name, value, datatype, **({"alias": number} if birth else {}))
        return self._message(verb, device, payload)

    def _payload(self) -> Any:
        payload = new_payload(timestamp=self.millis, seq=self.seq)
        self.seq = (self.seq + 1) % 256
        return payload

    def _message(self, verb: Verb, device: str, payload: Any) -> Message:
        self.millis += 1000
        return Message(topic(verb, device, self.key), payload.SerializeToString(), self.millis * 1000)
