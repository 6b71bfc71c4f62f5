"""Messages become one batch of rows, with everything that cannot become a row as a dead letter."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from iot_service.config import Settings
from iot_service.ingest.fields import ProductFields, compile_fields
from iot_service.ingest.letters import DeadLetters
from iot_service.ingest.limits import TimeLimits
from iot_service.ingest.marker import read_marker
from iot_service.ingest.occurrences import (
    Occurrences,
    check_occurrences,
    read_command_ack,
    read_events,
    read_status,
)
from iot_service.ingest.payloads import Telemetry, check_sent, read_telemetry
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.registry import Registered
from iot_service.ingest.sent import Sent
from iot_service.ingest.source import Message
from iot_service.ingest.sparkplug.names import with_known_names
from iot_service.ingest.topics import Topic, TopicKind, parse_topic
from iot_service.products.catalog import Catalog

Key = tuple[str, str, int]
"""Device, name (of a metric, an attribute or an event) and ts in microseconds since 1970 UTC."""


Said = Mapping[int, Sequence[Sent]]
"""What other formats than the contract's said, by the place of the message among its delivery."""


class ReadingValue(NamedTuple):
    """The rest of a reading's row; ``received`` is in microseconds since 1970 UTC."""

    value: float
    received: int
    assumed: bool


class JsonValue(NamedTuple):
    """The rest of the row of an attribute or a device event: its value or data as JSON text, and when it came."""

    value: str
    received: int


class StatusChange(NamedTuple):
    """A device said at ``received`` (microseconds since 1970 UTC) that it is online, or its will that it is not."""

    device_id: str
    customer_id: str
    online: bool
    received: int


class Touched(NamedTuple):
    """Between which instants a batch holds something of a device, and when the newest came; all in microseconds."""

    oldest: int
    newest: int
    received: int


class Context(NamedTuple):
    """What is needed to understand messages: fields by product id, limits of events, the token in our own markers."""

    fields: Mapping[str, ProductFields]
    limits: TimeLimits
    sender: str = ""

    @classmethod
    def of(cls, catalog: Catalog, settings: Settings) -> Context:
        """Return what the product models and the settings say; no marker is ours."""
        limits = TimeLimits.of(settings)
        return cls(compile_fields(catalog, limits), limits)


class Batch:
    """The rows of one transaction. The first of several with the same key stands; a different one is a conflict."""

    def __init__(self) -> None:
        self.readings: dict[Key, ReadingValue] = {}
        self.attributes: dict[Key, JsonValue] = {}
        self.events: dict[Key, JsonValue] = {}
        self.statuses: list[StatusChange] = []
        self.letters = DeadLetters()
        self.touched: dict[str, Touched] = {}
        self.withheld = 0
        """How many values were let go because the customer has not agreed that they are kept."""
        self.caught_up: dict[str, int] = {}
        """The newest marker's time by slot: all that came for it before is in this batch or in earlier ones."""

    def touch(self, device_id: str, ts: int, received: int) -> None:
        """Note that ``device_id`` has something new at ``ts``."""
        old = self.touched.get(device_id)
        if old is None:
            self.touched[device_id] = Touched(ts, ts, received)
        elif ts >= old.newest:
            self.touched[device_id] = Touched(old.oldest, ts, received)
        elif ts < old.oldest:
            self.touched[device_id] = Touched(ts, old.newest, old.received)


def addresses(messages: Iterable[Message], said: Said) -> set[str]:
    """Return the ids and other names that ``messages`` use for devices, known or not; ``said`` as in build_batch."""
    topics = (parse_topic(message.topic) for message in messages)
    found = {topic.device_id for topic in topics if topic is not None and topic.kind is not TopicKind.MARKER}
    return found | {sent.device_id for sents in said.values() for sent in sents if sent.device_id is not None}


def build_batch(
    messages: Sequence[Message], devices: Mapping[str, Registered], context: Context, said: Said | None = None
) -> Batch:
    """Return the batch of ``messages``; ``devices`` are those that are registered, by what messages call them.

    ``said`` is what other formats than the contract's said, by the place of the message.
    """
    batch = Batch()
    for place, message in enumerate(messages):
        topic = parse_topic(message.topic)
        if said and place in said:
            for sent in said[place]:
                _add_sent(batch, message, sent, devices, context)
        elif topic is None:
            fault = Fault(Reason.UNKNOWN_TOPIC, "send to iot/v1/{device}/telemetry, event, status or command/ack")
            batch.letters.add(message, fault, device_id=None, registered=False)
        elif topic.kind is TopicKind.MARKER:
            _add_marker(batch, message, topic.device_id, context)
        elif topic.kind is TopicKind.COMMAND:
            continue  # said to a device, by us
        elif (device := _admitted(batch, message, topic.device_id, devices)) is not None:
            _add(batch, message, topic, device, context)
    return batch


def _admitted(batch: Batch, message: Message, address: str, devices: Mapping[str, Registered]) -> Registered | None:
    """Return the device of that address, unless it is unknown or disabled: then there is a dead letter."""
    device = devices.get(address)
    if device is None:
        fault = Fault(Reason.UNKNOWN_DEVICE, f"no device {address[:64]!r} is registered; add it first")
        batch.letters.add(message, fault, device_id=address[:64], registered=False)
        return None
    if device.disabled:
        fault = Fault(Reason.DEVICE_DISABLED, f"{device.device_id} is disabled; enable it before it is heard again")
        batch.letters.add(message, fault, device_id=device.device_id, registered=True)
        return None
    return device


def _add_sent(batch: Batch, message: Message, sent: Sent, devices: Mapping[str, Registered], context: Context) -> None:
    """Add what another format than the contract's said about one device."""
    if sent.device_id is None or (sent.device_id not in devices and sent.is_about_connection_only):
        for fault in sent.faults:  # an edge node that only passes things on need not be a device
            batch.letters.add(message, fault, device_id=sent.device_id, registered=False)
        return
    device = _admitted(batch, message, sent.device_id, devices)
    if device is None:
        return
    fields = fields_of(device, context)
    if fields is None:
        _add_unknown_product(batch, message, device, context)
        return
    received, retained, limits = message.received, message.retained, context.limits
    known = with_known_names(sent, fields.by_name)
    found = check_sent(known, fields, received=received, retained=retained)
    _add_telemetry(batch, message, device.device_id, found)
    events = check_occurrences(sent.occurrences, received=received, retained=retained, limits=limits)
    _add_occurrences(batch, message, device.device_id, events)
    if sent.online is not None:
        batch.statuses.append(StatusChange(device.device_id, device.customer_id, sent.online, message.received))


def _add_marker(batch: Batch, message: Message, slot: str, context: Context) -> None:
    sent = read_marker(message.payload, context.sender)
    if sent is not None:
        batch.caught_up[slot] = sent


def _add(batch: Batch, message: Message, topic: Topic, device: Registered, context: Context) -> None:
    device_id, received = device.device_id, message.received
    if topic.kind is TopicKind.TELEMETRY:
        fields = fields_of(device, context)
        if fields is None:
            _add_unknown_product(batch, message, device, context)
            return
        found = read_telemetry(message.payload, fields, received=received, retained=message.retained)
        _add_telemetry(batch, message, device_id, found)
    elif topic.kind is TopicKind.STATUS:
        status = read_status(message.payload)
        if isinstance(status, bool):
            batch.statuses.append(StatusChange(device_id, device.customer_id, status, received))
        else:
            batch.letters.add(message, status, device_id=device_id, registered=True)
    elif topic.kind is TopicKind.COMMAND_ACK:
        _add_occurrences(batch, message, device_id, read_command_ack(message.payload, received=received))
    else:
        events = read_events(message.payload, received=received, retained=message.retained, limits=context.limits)
        _add_occurrences(batch, message, device_id, events)


def fields_of(device: Registered, context: Context) -> ProductFields | None:
    """Return the names that the device's product knows; None where there is no such product."""
    fields = context.fields.get(device.product)
    return fields if fields is None or device.location else fields.without_location or fields


def _add_unknown_product(batch: Batch, message: Message, device: Registered, context: Context) -> None:
    known = ", ".join(context.fields)
    fault = Fault(Reason.UNKNOWN_PRODUCT, f"{device.device_id} is a {device.product}; product models here: {known}")
    batch.letters.add(message, fault, device_id=device.device_id, registered=True)


def _add_telemetry(batch: Batch, message: Message, device_id: str, found: Telemetry) -> None:
    received = message.received
    readings = batch.readings
    batch.withheld += found.withheld
    touched = None
    for metric, ts, value, assumed in found.readings:
        key = (device_id, metric, ts)
        old = readings.get(key)
        if old is None:
            readings[key] = ReadingValue(value, received, assumed)
            if ts != touched:
                batch.touch(device_id, ts, received)
                touched = ts
        elif old.value != value:
            fault = reading_conflict(metric, ts, kept=old.value, refused=value)
            batch.letters.add(message, fault, device_id=device_id, registered=True)
    for name, ts, text in found.attributes:
        _add_json(batch, batch.attributes, message, (device_id, name, ts), json.dumps(text))
    for fault in found.faults:
        batch.letters.add(message, fault, device_id=device_id, registered=True)


def _add_occurrences(batch: Batch, message: Message, device_id: str, found: Occurrences) -> None:
    for name, ts, data in found.events:
        _add_json(batch, batch.events, message, (device_id, name, ts), data)
    for fault in found.faults:
        batch.letters.add(message, fault, device_id=device_id, registered=True)


def _add_json(batch: Batch, rows: dict[Key, JsonValue], message: Message, key: Key, value: str) -> None:
    device_id, name, ts = key
    old = rows.get(key)
    if old is None:
        rows[key] = JsonValue(value, message.received)
        batch.touch(device_id, ts, message.received)
    elif old.value != value:
        fault = json_conflict(name, ts, kept=old.value, refused=value, is_event=rows is batch.events)
        batch.letters.add(message, fault, device_id=device_id, registered=True)


def reading_conflict(metric: str, ts: int, *, kept: float, refused: float) -> Fault:
    """Return the fault of a second, different value for the same metric and instant."""
    part = {"ts": ts / 1000, "values": {metric: refused}}
    return Fault(Reason.CONFLICT, f"{metric} is {refused:g}, but {kept:g} came first for the same ts; it stands", part)


def json_conflict(name: str, ts: int, *, kept: str, refused: str, is_event: bool) -> Fault:
    """Return the fault of a second, different attribute value (or event data) for the same name and instant."""
    value = json.loads(refused)
    part = {"ts": ts / 1000, "name": name, "data": value} if is_event else {"ts": ts / 1000, "values": {name: value}}
    detail = f"{name[:80]} is {refused[:60]}, but {kept[:60]} came first for the same ts; it stands"
    return Fault(Reason.CONFLICT, detail, part)
