"""Mapped JSON: devices that speak their own, read as the YAML file of their source says."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from iot_service.ingest.formats.format import address_fault
from iot_service.ingest.formats.paths import MISSING, Path, look_up, parse_path, planted
from iot_service.ingest.formats.source_spec import (
    DEVICE,
    MessageSpec,
    SourceSpec,
    TimeSpec,
    ValueSpec,
    show_words,
    word,
)
from iot_service.ingest.formats.topicfilters import catches
from iot_service.ingest.jsontext import UnreadableError, parse_json, show
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.sent import Entry, Occurrence, Sent
from iot_service.ingest.source import Message
from iot_service.ingest.units import is_number

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")


class MappedSource:
    """Reads the messages of one source, as its file says."""

    def __init__(self, spec: SourceSpec) -> None:
        self.spec = spec
        self.name = spec.name
        self.filters: Sequence[str] = [message.topic_filter for message in spec.messages]
        self.device_topics: Sequence[str] = spec.device_topics()
        self._messages = [_compiled(message) for message in spec.messages]

    def read(self, message: Message) -> list[Sent]:
        """Return what a message on one of :attr:`filters` says; never raises for what a device sends.

        What no path leads to is passed over, and so is ``null``; a value that cannot be read is a fault alone.
        """
        kind = next((kind for kind in self._messages if catches(kind.spec.topic_filter, message.topic)), None)
        if kind is None:
            fault = Fault(Reason.UNKNOWN_TOPIC, f"{self.name} has no topic {message.topic[:80]}; see its messages")
            return [Sent(None, faults=[fault])]
        sent = Sent(None)
        try:
            document = _plain(message.payload) if kind.plain else parse_json(message.payload)
            sent.device_id = _address(kind, message.topic, document)
            _fill(sent, kind, document, self.name)
        except UnreadableError as error:
            sent.faults.append(Fault(error.reason, f"{self.name}: {error.detail}"))
        return [sent]


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of message with its paths parsed. ``plain``: the payload may be a word or number instead of JSON."""

    spec: MessageSpec
    level: int
    values: tuple[tuple[str, Path, ValueSpec], ...]
    online: Path
    time: Path
    device: Path
    plain: bool


def _compiled(spec: MessageSpec) -> _Kind:
    values = [(path, parse_path(path), value) for path, meant in spec.values.items() for value in meant]
    online = parse_path(spec.online.path) if spec.online else ()
    time = parse_path(spec.time.path) if spec.time else ()
    levels = spec.topic.split("/")
    return _Kind(
        spec=spec,
        level=levels.index(DEVICE) if DEVICE in levels else -1,
        values=tuple(values),
        online=online,
        time=time,
        device=parse_path(spec.device or ""),
        plain=not any((online, time, spec.device, *(path for _, path, _ in values))),
    )


def _plain(payload: bytes) -> object:
    """Return a payload that need not be JSON: what is none is a text."""
    try:
        return parse_json(payload)
    except UnreadableError:
        try:
            return payload.decode().strip()
        except UnicodeDecodeError as error:
            raise UnreadableError(
                Reason.NOT_JSON, f"byte {error.start} is not UTF-8; send a number or a word in UTF-8"
            ) from None


def _address(kind: _Kind, topic: str, document: object) -> str:
    if kind.level >= 0:
        address: object = topic.split("/")[kind.level]
    else:
        address = look_up(document, kind.device)
        if is_number(address):
            address = word(address)
    if not isinstance(address, str):
        found = "missing" if address is MISSING else f"{show(address)}, no text"
        raise UnreadableError(Reason.WRONG_SHAPE, f"{kind.spec.device}, which names the device, is {found}")
    fault = address_fault(address)
    if fault is not None:
        raise UnreadableError(fault.reason, fault.detail)
    return address


def _fill(sent: Sent, kind: _Kind, document: object, source: str) -> None:
    """Put into ``sent`` what ``document`` says; raises UnreadableError where the whole message cannot be taken."""
    spec = kind.spec
    ts = _millis(look_up(document, kind.time), spec.time) if spec.time else None
    entries: list[Entry] = []
    occurrences: list[Occurrence] = []
    found = False
    for path, steps, meant in kind.values:
        value = look_up(document, steps)
        if value is MISSING or value is None:
            continue
        found = True
        try:
            if meant.event is not None:
                if word(value) in meant.when:
                    occurrences.append(Occurrence(meant.event, ts, {}))
            else:
                _put(entries, ts, str(meant.metric or meant.attribute), _meaning(path, value, meant), meant.unit)
        except UnreadableError as error:
            part = None if kind.plain else planted(steps, value, _with_time(kind, document))
            sent.faults.append(Fault(error.reason, f"{source}: {error.detail}", part))
    sent.entries, sent.occurrences = entries, occurrences
    if spec.online is not None:
        said = look_up(document, kind.online)
        if said is not MISSING and said is not None:
            found = True
            sent.online = _online(spec.online.path, said, spec.online.map)
    if not found and not spec.optional:
        wanted = ", ".join([*spec.values, *([spec.online.path] if spec.online else [])])
        raise UnreadableError(Reason.UNKNOWN_METRIC, f"none of these is in the message: {wanted[:300]}")


def _with_time(kind: _Kind, document: object) -> object:
    """Return a document that holds nothing of ``document`` but its time and its device."""
    result: object = None
    for wanted, steps in ((kind.spec.time, kind.time), (kind.spec.device, kind.device)):
        value = look_up(document, steps)
        if wanted and value is not MISSING:
            result = planted(steps, value, result)
    return result


def _put(entries: list[Entry], ts: float | None, name: str, value: object, unit: str | None) -> None:
    # Two paths may lead to one metric: the second must not replace the first in silence.
    entry = next((entry for entry in entries if name not in entry.values), None)
    if entry is None:
        entry = Entry(ts, {}, {})
        entries.append(entry)
    assert isinstance(entry.values, dict)
    assert isinstance(entry.units, dict)
    entry.values[name] = value
    if unit and is_number(value):
        entry.units[name] = unit


def _meaning(path: str, value: object, meant: ValueSpec) -> object:
    """Return the number or text that ``value`` means; raises UnreadableError."""
    if meant.map:
        if word(value) in meant.map:
            return meant.map[word(value)]
        if isinstance(value, (str, bool)) or meant.attribute is not None:
            raise UnreadableError(
                Reason.WRONG_TYPE, f"{path or 'the payload'} is {show(value)}; its map knows {show_words(meant.map)}"
            )
    if meant.metric is not None and isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            raise UnreadableError(
                Reason.WRONG_TYPE, f"{path or 'the payload'} is {show(value)}; send a number, or give the value a map"
            )
        return float(value)
    return word(value) if meant.attribute is not None and isinstance(value, (bool, int, float)) else value


def _online(path: str, said: object, meanings: Mapping[str, bool]) -> bool:
    if word(said) not in meanings:
        known = show_words(meanings)
        raise UnreadableError(
            Reason.WRONG_SHAPE, f"{path or 'the payload'} is {show(said)}; the map of online knows {known}"
        )
    return meanings[word(said)]


def _millis(value: object, spec: TimeSpec) -> float | None:
    """Return a time in milliseconds since 1970 UTC, None where there is none; raises UnreadableError."""
    if value is MISSING or value is None:
        return None
    try:
        if spec.format in {"seconds", "milliseconds"}:
            number = float(word(value)) if is_number(value) or isinstance(value, str) else math.nan
            if not math.isfinite(number):
                raise ValueError("not a finite number")
            return round(number * 1000, 3) if spec.format == "seconds" else number
        zone = ZoneInfo(spec.zone)
        at = datetime.fromisoformat(str(value)) if spec.format == "iso" else _parsed(str(value), spec.format)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).timestamp() * 1000
    except (ValueError, OverflowError):
        wanted = "a time as 2026-11-21T12:00:00" if spec.format == "iso" else f"a time as {spec.format}"
        raise UnreadableError(Reason.WRONG_TYPE, f"{spec.path}, the time, is {show(value)}; send {wanted}") from None


def _parsed(text: str, form: str) -> datetime:
    return datetime.strptime(text, form)  # noqa: DTZ007  # the caller adds the zone where the text names none
