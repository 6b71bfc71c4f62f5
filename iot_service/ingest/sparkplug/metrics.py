"""The metrics of one payload: what a birth defines, and the values that births and data hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from iot_service.ingest.jsontext import UnreadableError, keeps_text, show
from iot_service.ingest.limits import MESSAGE_VALUES, PAYLOAD_BYTES
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.sent import Entry
from iot_service.ingest.sparkplug.values import DataType, ValueFaultError, check_quality, read_properties, read_value
from iot_service.ingest.sparkplug.wire import parse_payload

_BIRTH_NUMBER = "bdSeq"
_CONTROLS = ("Node Control/", "Device Control/")  # what a host may write to; their values say nothing of a device
_NAME_LENGTH = 512
_NAMED_IN_FAULT = 5  # metrics that one fault speaks of in full
_UNKNOWN_ALIAS = "stands for no metric of the last birth we know; a rebirth is asked for"


class Definition(NamedTuple):
    """What a birth says of one metric: its data type, and the unit of its values, empty where none is named."""

    datatype: int
    unit: str


_UNDEFINED = Definition(DataType.UNKNOWN, "")


@dataclass(frozen=True, slots=True)
class Birth:
    """What the birth of an edge node or a device defines: metrics by name, and names by alias."""

    metrics: Mapping[str, Definition] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Found:
    """What the metrics of one payload hold; ``unresolved`` says that some alias is unknown."""

    entries: list[Entry] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    unresolved: bool = False


def open_payload(data: bytes) -> Any:
    """Return the payload that a message holds; raises UnreadableError where it is none or too large."""
    if len(data) > PAYLOAD_BYTES:
        raise UnreadableError(
            Reason.TOO_LARGE, f"the payload has {len(data)} bytes; at most {PAYLOAD_BYTES}: send several messages"
        )
    payload = parse_payload(data)
    if len(payload.metrics) > MESSAGE_VALUES:
        raise UnreadableError(
            Reason.TOO_LARGE, f"the message has {len(payload.metrics)} metrics; at most {MESSAGE_VALUES}"
        )
    if payload.HasField("body"):
        raise UnreadableError(Reason.WRONG_SHAPE, "the payload is hidden in its body, in an encoding of its own")
    return payload


def birth_number(payload: Any) -> int | None:
    """Return the number (bdSeq) by which a birth and a death belong together, None where the payload has none."""
    for metric in payload.metrics:
        if metric.name == _BIRTH_NUMBER.encode():
            held = metric.WhichOneof("value")
            value = getattr(metric, held) if held in {"int_value", "long_value"} else None
            return value if value is not None and value < 1 << 63 else None
    return None


def read_birth(payload: Any) -> tuple[Birth, list[Fault]]:
    """Return what a birth defines, and what is wrong with its aliases; bad metrics are told by :func:`read_metrics`."""
    metrics: dict[str, Definition] = {}
    names: dict[int, str] = {}
    doubted: dict[int, str] = {}
    for metric in payload.metrics:
        try:
            name = _own_name(metric)
        except ValueFaultError:
            continue
        if not name:
            continue
        metrics[name] = Definition(metric.datatype, _storable(read_properties(metric).unit))
        if metric.HasField("alias") and names.setdefault(metric.alias, name) != name:
            doubted[metric.alias] = name
    faults = Faults()
    for alias, name in doubted.items():
        other = names.pop(alias)
        faults.add(Reason.WRONG_SHAPE, f"alias {alias} stands for both {show(other)} and {show(name)}")
    return Birth(metrics, names), faults.merged()


def read_metrics(payload: Any, birth: Birth | None, *, is_birth: bool) -> Found:
    """Read the values of a payload; ``birth`` is the last one of what sends it, None where we know none.

    A metric without a value (null) defines something in a birth and is a fault in data. Never raises for what is sent.
    """
    found = Found()
    faults = Faults()
    known = birth or Birth()
    default = payload.timestamp if payload.HasField("timestamp") else None
    instants: dict[float | None, tuple[dict[str, object], dict[str, str]]] = {}
    for metric in payload.metrics:
        name = ""
        try:
            name = _name(metric, known)
            if not name:
                found.unresolved |= metric.HasField("alias")
                raise _nameless(metric)
            if name == _BIRTH_NUMBER or name.startswith(_CONTROLS) or (is_birth and _is_null(metric)):
                continue
            value, unit = _measured(metric, known.metrics.get(name, _UNDEFINED))
        except ValueFaultError as error:
            faults.add(error.reason, f"{show(name)[1:-1]}: {error.detail}" if name else error.detail)
            continue
        ts = metric.timestamp if metric.HasField("timestamp") else default
        values, units = instants.get(ts, (None, {}))
        if values is None or name in values:  # the same metric twice at one instant: two entries, no value lost
            values, units = instants[ts] = {}, {}
            found.entries.append(Entry(ts, values, units))
        values[name] = value
        if unit:
            units[name] = unit
    found.faults = faults.merged()
    return found


def _measured(metric: Any, defined: Definition) -> tuple[object, str]:
    """Return the value of a metric and the unit it is in, empty where none is named; raises ValueFaultError."""
    if _is_null(metric):
        raise ValueFaultError(Reason.WRONG_TYPE, "it is null, which says that there is no value to store")
    properties = read_properties(metric)
    check_quality(properties.quality)
    return read_value(metric, metric.datatype or defined.datatype), properties.unit or defined.unit


def _is_null(metric: Any) -> bool:
    return bool(metric.is_null) or metric.WhichOneof("value") is None


class Faults:
    """Faults of one message, at most one of each reason: each keeps the whole message, which may be large."""

    def __init__(self) -> None:
        self._details: dict[Reason, list[str]] = {}

    def add(self, reason: Reason, detail: str) -> None:
        """Add one."""
        self._details.setdefault(reason, []).append(detail)

    def merged(self) -> list[Fault]:
        """Return one fault for each reason, in the order of the first."""
        return [Fault(reason, _sentence(details)) for reason, details in self._details.items()]


def _sentence(details: list[str]) -> str:
    rest = len(details) - _NAMED_IN_FAULT
    return "; ".join(details[:_NAMED_IN_FAULT]) + (f"; and {rest} more" if rest > 0 else "")


def _own_name(metric: Any) -> str:
    """Return the name that the metric itself carries, empty where it has none; raises ValueFaultError."""
    raw: bytes = metric.name
    if len(raw) > _NAME_LENGTH:
        raise ValueFaultError(Reason.TOO_LARGE, f"a name has {len(raw)} bytes; at most {_NAME_LENGTH}")
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise ValueFaultError(Reason.WRONG_SHAPE, f"the name {show(raw)} is not UTF-8") from None
    if not keeps_text(name):
        raise ValueFaultError(Reason.WRONG_SHAPE, f"the name {show(name)} holds a NUL character")
    return name


def _name(metric: Any, birth: Birth) -> str:
    """Return the metric's name, its own or the one that its alias stands for, else nothing; raises ValueFaultError."""
    name = _own_name(metric)
    return birth.names.get(metric.alias, "") if not name and metric.HasField("alias") else name


def _nameless(metric: Any) -> ValueFaultError:
    if metric.HasField("alias"):
        return ValueFaultError(Reason.UNKNOWN_METRIC, f"alias {metric.alias} {_UNKNOWN_ALIAS}")
    return ValueFaultError(Reason.WRONG_SHAPE, "a metric has neither a name nor an alias")


def _storable(unit: str) -> str:
    return unit if keeps_text(unit) else ""
