"""Records become rows of the database, checked like all other telemetry, without an object for each reading.

What is plainly good (a known number of a known device, within its bounds) is packed at once. Everything else becomes a
message as the device would have sent it and goes the way of all messages (:mod:`iot_service.ingest.batches`), which
alone decides what is wrong with it. So there is one validation, and files get the same dead letters as devices.
"""

from __future__ import annotations

import json
import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from iot_service.ingest.batches import Batch, Context, ReadingValue, build_batch, fields_of
from iot_service.ingest.importing.records import Chunk, Misfit
from iot_service.ingest.importing.times import to_millis
from iot_service.ingest.jsontext import keeps_text
from iot_service.ingest.limits import MESSAGE_VALUES
from iot_service.ingest.micros import HOUR
from iot_service.ingest.registry import Registered
from iot_service.ingest.source import Message
from iot_service.ingest.topics import TopicKind, device_topic

_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TRAILER = struct.pack(">h", -1)
_EPOCH = 946_684_800_000_000  # 2000-01-01, where PostgreSQL's timestamps start, in microseconds since 1970
_pack = struct.Struct(">qid").pack
_MOST_DEVICES = 10_000  # whose columns are remembered
_LONGEST = 200  # characters of a name that a device is known by
_Rows = defaultdict[bytes, list[bytes]]
_NUMBERS = frozenset({float, int, bool})
MISFITS = "import"
"""The topic of dead letters that say nothing of a device."""


class Column(NamedTuple):
    """One name of one device: what its rows begin with, its scale, its lowest and highest value, its metric."""

    begin: bytes
    scale: float
    low: float
    high: float
    metric: str


class _Device(NamedTuple):
    """A device that may send: its id, what the names of its metrics mean, and how old a reading of it may be.

    ``oldest`` is in microseconds since 1970 UTC.
    """

    device_id: str
    columns: Mapping[str, Column]
    oldest: int


class Parcel(NamedTuple):
    """What one transaction stores.

    ``rows`` hold ``readings`` rows of a binary COPY: by the beginning that the rows of one device and metric share,
    their ends. Side by side they cost the database's indexes half of what they cost in order of time. ``spans`` say
    from when to when each device has some (microseconds since 1970 UTC), ``hours`` which metrics it has some of in the
    hours that begin then. ``batch`` holds the attributes and dead letters; what it had of readings is among the rows.
    """

    rows: Mapping[bytes, Sequence[bytes]]
    readings: int
    spans: Mapping[str, tuple[int, int]]
    hours: Mapping[tuple[str, int], set[str]]
    batch: Batch
    position: int

    def copy(self) -> bytes:
        """Return the rows for a binary COPY of device_id, metric, received_at, ts_assumed, historic, ts, value."""
        rows = (begin + begin.join(ends) for begin, ends in self.rows.items())
        return b"".join((_HEADER, *rows, _TRAILER))


class Packer:
    """Packs pieces of one file. ``find`` returns those of some ids that are registered devices.

    ``received`` is the time of receipt of everything in it (microseconds since 1970 UTC); ``historic`` says that rules
    shall pass it over. ``name`` is what dead letters call the file.
    """

    def __init__(
        self,
        find: Callable[[list[str]], Mapping[str, Registered]],
        context: Context,
        *,
        received: int,
        historic: bool,
        name: str,
    ) -> None:
        self._find = find
        self._context = context
        self._received = received
        self._name = name
        self._newest = received + context.limits.ahead
        self._constants = struct.pack(">iqi?i?i", 8, received - _EPOCH, 1, False, 1, historic, 8)
        self._registered: dict[str, Registered] = {}
        self._known: dict[str, _Device] = {}

    def pack(self, chunk: Chunk) -> Parcel:
        """Return the rows of one piece. Raises what ``find`` raises."""
        self._learn({record[0] for record in chunk.records} | {oddity.device_id for oddity in chunk.oddities})
        rows: _Rows = defaultdict(list)
        messages: list[Message] = []
        quick = _Noted()
        for address, ts, values in chunk.records:
            device = self._known.get(address)
            if device is None or not device.oldest <= ts <= self._newest or len(values) > MESSAGE_VALUES:
                messages.append(self._message(address, ts, values, texts=chunk.texts))
                continue
            left = _pack_values(device.columns, ts, values, rows, texts=chunk.texts)
            if len(left) < len(values):
                quick.note(address, ts, values)
            if left:
                messages.append(self._message(address, ts, left, texts=chunk.texts))
        messages += [self._whole(address, document) for address, document in chunk.oddities]
        batch = build_batch(messages, self._registered, self._context)
        noted = self._by_device(quick)
        self._take_back(batch, rows, noted)
        self._bury(batch, chunk.misfits)
        return Parcel(rows, sum(map(len, rows.values())), noted.spans, noted.hours, batch, chunk.position)

    def _learn(self, addresses: set[str]) -> None:
        """Look up those of ``addresses`` (ids, or other names of devices) that are not known yet."""
        new = [address for address in addresses if address not in self._registered and _can_be_asked(address)]
        if len(self._registered) + len(new) > _MOST_DEVICES:
            self._known.clear()
            self._registered.clear()
            new = [address for address in addresses if _can_be_asked(address)]
        if not new:
            return
        for address, device in self._find(new).items():
            self._registered[address] = device
            fields = fields_of(device, self._context)
            if fields is not None and not device.disabled:
                columns = {
                    name: Column(
                        self._prefix(device.device_id, field.name), field.scale, field.low, field.high, field.name
                    )
                    for name, field in fields.by_name.items()
                    if field.is_metric
                }
                self._known[address] = _Device(device.device_id, columns, self._received - fields.limits.retention)

    def _prefix(self, device_id: str, metric: str) -> bytes:
        device, name = device_id.encode(), metric.encode()
        lengths = struct.pack(">hi", 7, len(device)), struct.pack(">i", len(name))
        return lengths[0] + device + lengths[1] + name + self._constants

    def _message(self, address: str, ts: int, values: Mapping[str, object], *, texts: bool) -> Message:
        if texts:  # of a device that nobody knows yet, what looks like a number is meant as one
            device = self._known.get(address)
            values = {
                name: _number(value) if device is None or name in device.columns else value
                for name, value in values.items()
            }
        return self._whole(address, {"ts": to_millis(ts), "values": values})

    def _whole(self, address: str, document: object) -> Message:
        payload = json.dumps(document, default=str).encode()
        return Message(device_topic(address, TopicKind.TELEMETRY), payload, self._received)

    def _by_device(self, quick: _Noted) -> _Noted:
        """Return what was noted by names of devices and metrics as they stand in the file, by ids and metrics."""
        noted = _Noted()
        for address, (oldest, newest) in quick.spans.items():
            noted.widen(self._known[address].device_id, oldest)
            noted.widen(self._known[address].device_id, newest)
        for (address, hour), names in quick.hours.items():
            device_id, columns, _ = self._known[address]
            metrics = noted.hours.setdefault((device_id, hour), set())
            metrics.update(columns[name].metric for name in names if name in columns)
        return noted

    def _take_back(self, batch: Batch, rows: _Rows, noted: _Noted) -> None:
        """Move the readings of ``batch``, which came the long way, to the others."""
        for (device_id, metric, ts), row in batch.readings.items():
            rows[self._prefix(device_id, metric)].append(_pack(ts - _EPOCH, 8, row.value))
            noted.note(device_id, ts, (metric,))
        for device_id, touched in batch.touched.items():  # by attributes, too
            noted.widen(device_id, touched.oldest)
            noted.widen(device_id, touched.newest)
        batch.readings = dict[tuple[str, str, int], ReadingValue]()
        batch.touched = {}

    def _bury(self, batch: Batch, misfits: Sequence[Misfit]) -> None:
        for raw, fault in misfits:
            message = Message(f"{MISFITS}/{self._name}", raw, self._received)
            batch.letters.add(message, fault, device_id=None, registered=False)


class _Noted:
    """From when to when each device has something, and of which metrics in which hours."""

    def __init__(self) -> None:
        self.spans: dict[str, tuple[int, int]] = {}
        self.hours: dict[tuple[str, int], set[str]] = {}

    def note(self, device_id: str, ts: int, names: Iterable[str]) -> None:
        """Note that a device has something of the metrics ``names`` at ``ts``."""
        self.widen(device_id, ts)
        key = (device_id, ts - ts % HOUR)
        known = self.hours.get(key)
        if known is None:
            self.hours[key] = set(names)
        else:
            known.update(names)

    def widen(self, device_id: str, ts: int) -> None:
        """Let the span of a device reach to ``ts``."""
        span = self.spans.get(device_id)
        if span is None:
            self.spans[device_id] = (ts, ts)
        elif ts > span[1]:
            self.spans[device_id] = (span[0], ts)
        elif ts < span[0]:
            self.spans[device_id] = (ts, span[1])


def _pack_values(
    columns: Mapping[str, Column], ts: int, values: Mapping[str, object], rows: _Rows, *, texts: bool
) -> dict[str, object]:
    """Pack those of ``values`` that are plainly good; return the others."""
    left: dict[str, object] = {}
    at = ts - _EPOCH
    for name, value in values.items():
        column = columns.get(name)
        if column is None or not (texts or type(value) in _NUMBERS):
            left[name] = value
            continue
        begin, scale, low, high, _ = column
        try:
            number = float(value) * scale  # type: ignore[arg-type]  # a number or a text
        except (ValueError, OverflowError):
            left[name] = value
            continue
        if low <= number <= high:
            rows[begin].append(_pack(at, 8, number))
        else:
            left[name] = value
    return left


def _can_be_asked(address: str) -> bool:
    return 0 < len(address) <= _LONGEST and keeps_text(address)


def _number(value: object) -> object:
    """Return the number or truth value that a text of a table means, else the text itself."""
    text = str(value).strip()
    try:
        return float(text)
    except ValueError:
        return {"true": True, "false": False}.get(text.lower(), value)
