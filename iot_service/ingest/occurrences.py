"""The other things devices say: events of their own, their status, and their answers to commands."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from iot_service.ingest.jsontext import UnreadableError, keeps_text, parse_json, show
from iot_service.ingest.limits import EVENT_NAME_LENGTH, PAYLOAD_BYTES, TimeLimits
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.sent import Occurrence
from iot_service.ingest.timestamps import TimestampError, read_timestamp

COMMAND_ACK = "command/ack"
"""The name under which a device's answer to a command is kept among its events; a device cannot send it as an event."""

_SHAPE = 'send {"ts": milliseconds, "name": text, "data": {…}} or a list of such objects'
_DEPTH = 16  # levels of data; the database takes more, but not without end
_MOST = 1_000  # events in one message


@dataclass(slots=True)
class Occurrences:
    """What one message held: events as (name, ts in microseconds since 1970 UTC, data as JSON text), and faults."""

    events: list[tuple[str, int, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def read_events(payload: bytes, *, received: int, retained: bool, limits: TimeLimits) -> Occurrences:
    """Read a message of device events, one or a list; never raises for what a device sends.

    ``received`` is the time of receipt in microseconds since 1970 UTC; ``retained`` says that the broker had kept it.
    """
    result = Occurrences()
    try:
        document = _document(payload)
        entries = document if isinstance(document, list) else [document]
        if not 0 < len(entries) <= _MOST:
            raise UnreadableError(Reason.WRONG_SHAPE, f"the list has {len(entries)} entries, 1 to {_MOST} may be")
    except UnreadableError as error:
        result.faults.append(Fault(error.reason, error.detail))
        return result
    for entry in entries:
        try:
            result.events.append(_event(entry, received=received, retained=retained, limits=limits))
        except (UnreadableError, TimestampError) as error:
            result.faults.append(Fault(error.reason, error.detail, entry))
    return result


def check_occurrences(
    occurrences: Iterable[Occurrence], *, received: int, retained: bool, limits: TimeLimits
) -> Occurrences:
    """Return the events that a message of any format tells of; data that is no object becomes ``{"value": …}``.

    ``received`` is the time of receipt in microseconds since 1970 UTC; ``retained`` says that the broker had kept it.
    """
    result = Occurrences()
    for name, ts, data in occurrences:
        entry: dict[str, object] = {"name": name, "data": data if isinstance(data, dict) else {"value": data}}
        if ts is not None:
            entry["ts"] = ts
        try:
            result.events.append(_event(entry, received=received, retained=retained, limits=limits))
        except (UnreadableError, TimestampError) as error:
            result.faults.append(Fault(error.reason, error.detail, entry))
    return result


def read_command_ack(payload: bytes, *, received: int) -> Occurrences:
    """Read a device's answer to a command, ``{"id": …, "ok": …}``; it happens at its receipt."""
    try:
        document = _document(payload)
        if not isinstance(document, dict) or "id" not in document or not isinstance(document.get("ok"), bool):
            raise UnreadableError(Reason.WRONG_SHAPE, f'{show(document)} is no answer; send {{"id": …, "ok": true}}')
        return Occurrences(events=[(COMMAND_ACK, received, _data(document))])
    except UnreadableError as error:
        return Occurrences(faults=[Fault(error.reason, error.detail)])


def read_status(payload: bytes) -> bool | Fault:
    """Read a status message: True for online, False for offline, or what is wrong with it."""
    words = {b"online": True, b"offline": False}
    if payload in words:
        return words[payload]
    return Fault(Reason.WRONG_SHAPE, f"the status is {show(payload[:100])}; send online or offline, as plain text")


def _document(payload: bytes) -> object:
    if len(payload) > PAYLOAD_BYTES:
        raise UnreadableError(Reason.TOO_LARGE, f"the payload has {len(payload)} bytes; at most {PAYLOAD_BYTES}")
    return parse_json(payload)


def _event(entry: object, *, received: int, retained: bool, limits: TimeLimits) -> tuple[str, int, str]:
    if not isinstance(entry, dict):
        raise UnreadableError(Reason.WRONG_SHAPE, f"{show(entry)} is no event; {_SHAPE}")
    if extra := entry.keys() - {"ts", "name", "data"}:
        names = ", ".join(show(name) for name in sorted(extra)[:5])
        raise UnreadableError(Reason.UNKNOWN_FIELD, f"{names} beside ts, name and data; {_SHAPE}")
    name = entry.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= EVENT_NAME_LENGTH or not keeps_text(name):
        raise UnreadableError(
            Reason.WRONG_SHAPE, f"name is {show(name)}; send a text of 1 to {EVENT_NAME_LENGTH} characters"
        )
    if name == COMMAND_ACK:
        raise UnreadableError(Reason.WRONG_SHAPE, f"{COMMAND_ACK} is a topic of its own, not a name for an event")
    data = entry.get("data", {})
    if not isinstance(data, dict):
        raise UnreadableError(Reason.WRONG_TYPE, f"data is {show(data)}; send an object, or leave it out")
    ts = read_timestamp(entry, received=received, retained=retained, limits=limits)
    return name, ts.micros, _data(data)


def _data(data: dict[str, object]) -> str:
    """Return ``data`` as JSON text that the database can hold; raises UnreadableError where it cannot."""
    _check(data, _DEPTH)
    try:
        return json.dumps(data, allow_nan=False, sort_keys=True)
    except ValueError:
        raise UnreadableError(Reason.NOT_FINITE, "data holds a number that is not finite; leave it out") from None


def _check(value: object, depth: int) -> None:
    if depth == 0:
        raise UnreadableError(Reason.WRONG_SHAPE, f"data is nested more than {_DEPTH} levels deep")
    if isinstance(value, str) and not keeps_text(value):
        raise UnreadableError(Reason.WRONG_TYPE, f"{show(value)} holds a NUL character or half of a surrogate pair")
    if isinstance(value, dict):
        for name, inner in value.items():
            _check(name, depth)
            _check(inner, depth - 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth - 1)
