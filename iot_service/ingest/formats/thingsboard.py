"""The gateway API of ThingsBoard over MQTT (JSON): one client speaks for many devices, which it names in the payload.

What only a ThingsBoard server can answer (RPC, requests for attributes, claiming) is told apart from what is unknown,
and kept as a dead letter that says so. The device-side API does not name the device in its messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from iot_service.ingest.formats.format import address_fault
from iot_service.ingest.jsontext import UnreadableError, parse_json, show
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.sent import Entry, Sent
from iot_service.ingest.source import Message
from iot_service.ingest.units import is_number

_GATEWAY = "v1/gateway/"
_DEVICE = "v1/devices/me/"
_TELEMETRY_SHAPE = 'send {"DEVICE": [{"ts": milliseconds, "values": {name: value}}]}, or {"DEVICE": [{name: value}]}'
_ATTRIBUTES_SHAPE = 'send {"DEVICE": {name: value}}'


class ThingsBoard:
    """Reads what gateways of ThingsBoard say; it has no settings and no state."""

    name = "thingsboard"
    filters = (f"{_GATEWAY}#", f"{_DEVICE}#")
    device_topics = ()

    def read(self, message: Message) -> list[Sent]:
        """Return what a message on one of :attr:`filters` says, by device; never raises for what a device sends."""
        reader = _READERS.get(message.topic)
        try:
            if reader is None:
                raise UnreadableError(Reason.UNKNOWN_TOPIC, _not_served(message.topic))
            document = parse_json(message.payload)
            if not isinstance(document, dict) or not document:
                raise UnreadableError(Reason.WRONG_SHAPE, f"{show(document)} names no device; {reader.shape}")
            return reader.read(document)
        except UnreadableError as error:
            return [Sent(None, faults=[Fault(error.reason, error.detail)])]


def _not_served(topic: str) -> str:
    if topic.startswith(_DEVICE):
        return (
            "the device API of ThingsBoard does not say which device speaks, only its server knows; "
            "publish to iot/v1/{device}/telemetry, or through a gateway to v1/gateway/telemetry"
        )
    served = ", ".join(topic.removeprefix(_GATEWAY) for topic in _READERS)
    return f"{topic[:80]} is not served (RPC, requests and claims are not); of {_GATEWAY} there is {served}"


def _telemetry(document: Mapping[str, object]) -> list[Sent]:
    return [_of_device(name, content, _add_telemetry) for name, content in document.items()]


def _attributes(document: Mapping[str, object]) -> list[Sent]:
    return [_of_device(name, content, _add_attributes) for name, content in document.items()]


def _of_device(name: str, content: object, add: Callable[[Sent, object], None]) -> Sent:
    fault = address_fault(name)
    if fault is not None:
        return Sent(None, faults=[fault._replace(part={name: content})])
    sent = Sent(name)
    add(sent, content)
    return sent


def _add_telemetry(sent: Sent, content: object) -> None:
    """Add the entries of one device, and a fault for each part that is none."""
    entries: list[Entry] = []
    for part in content if isinstance(content, list) and content else [content]:
        try:
            entries.append(_entry(part))
        except UnreadableError as error:
            sent.faults.append(Fault(error.reason, f"{sent.device_id}: {error.detail}", {sent.device_id: [part]}))
    sent.entries = entries


def _entry(part: object) -> Entry:
    if not isinstance(part, dict) or not part:
        raise UnreadableError(Reason.WRONG_SHAPE, f"{show(part)} holds no values; {_TELEMETRY_SHAPE}")
    if "values" not in part:
        return Entry(None, part)
    values, ts = part["values"], part.get("ts")
    if not isinstance(values, dict) or not values:
        raise UnreadableError(Reason.WRONG_SHAPE, f"values is {show(values)}; {_TELEMETRY_SHAPE}")
    if extra := part.keys() - {"ts", "values"}:
        names = ", ".join(show(name) for name in sorted(extra)[:5])
        raise UnreadableError(Reason.UNKNOWN_FIELD, f"{names} beside ts and values; {_TELEMETRY_SHAPE}")
    if ts is not None and not is_number(ts):
        raise UnreadableError(Reason.WRONG_TYPE, f"ts is {show(ts)}; {_TELEMETRY_SHAPE}")
    return Entry(ts, values)


def _add_attributes(sent: Sent, content: object) -> None:
    if isinstance(content, dict) and content:
        sent.entries = [Entry(None, content)]
    else:
        detail = f"{sent.device_id}: {show(content)} holds no values; {_ATTRIBUTES_SHAPE}"
        sent.faults.append(Fault(Reason.WRONG_SHAPE, detail, {sent.device_id: content}))


def _connection(online: bool) -> Callable[[Mapping[str, object]], list[Sent]]:
    def read(document: Mapping[str, object]) -> list[Sent]:
        name = document.get("device")
        if not isinstance(name, str):
            raise UnreadableError(Reason.WRONG_SHAPE, f'device is {show(name)}; send {{"device": name}}')
        fault = address_fault(name)
        return [Sent(None, faults=[fault])] if fault else [Sent(name, online=online)]

    return read


class _Reader:
    """How the messages of one topic are read, and the shape that they should have."""

    def __init__(self, read: Callable[[Mapping[str, object]], list[Sent]], shape: str) -> None:
        self.read, self.shape = read, shape


_READERS = {
    f"{_GATEWAY}telemetry": _Reader(_telemetry, _TELEMETRY_SHAPE),
    f"{_GATEWAY}attributes": _Reader(_attributes, _ATTRIBUTES_SHAPE),
    f"{_GATEWAY}connect": _Reader(_connection(online=True), 'send {"device": name}'),
    f"{_GATEWAY}disconnect": _Reader(_connection(online=False), 'send {"device": name}'),
}
