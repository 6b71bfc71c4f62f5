"""The value of one metric, as its data type says it is meant."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any, NamedTuple

from iot_service.ingest.reasons import Reason

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FLOAT = struct.Struct("<f")
_GOOD = range(192, 256)  # Sparkplug says 192; the OPC codes it comes from have more that are good
_STALE = 500


class DataType(IntEnum):
    """The data types of Sparkplug, by their numbers."""

    UNKNOWN = 0
    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14
    UUID = 15
    DATASET = 16
    BYTES = 17
    FILE = 18
    TEMPLATE = 19


_BITS: Mapping[int, tuple[int, bool]] = {
    DataType.INT8: (8, True),
    DataType.INT16: (16, True),
    DataType.INT32: (32, True),
    DataType.INT64: (64, True),
    DataType.UINT8: (8, False),
    DataType.UINT16: (16, False),
    DataType.UINT32: (32, False),
    DataType.UINT64: (64, False),
}
"""Bits of an integer type, and whether it is signed."""
_WIDTHS = {"int_value": 32, "long_value": 64}
_TEXTS = {DataType.STRING, DataType.TEXT, DataType.UUID, DataType.UNKNOWN}
_TRUTHS: Mapping[int, set[str]] = {
    DataType.BOOLEAN: {"boolean_value", "int_value", "long_value"},
    DataType.UNKNOWN: {"boolean_value"},
}
_REALS = {DataType.FLOAT, DataType.DOUBLE, DataType.UNKNOWN}
_NAMES = {int(each): each.name.capitalize() for each in DataType}
_SAME_IN_EVERY_TYPE = 1 << 7  # smaller integers mean the same in all integer types


class ValueFaultError(ValueError):
    """The value cannot be taken; ``reason`` and the message (for people, without the metric's name) say why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Properties(NamedTuple):
    """What we read of a metric's properties: the unit, empty where none is named, and the quality code."""

    unit: str = ""
    quality: int | None = None


def read_properties(metric: Any) -> Properties:
    """Return the properties ``engUnit`` and ``Quality`` of a metric; others are for people, and passed over."""
    if not metric.HasField("properties"):
        return Properties()
    unit, quality = "", None
    for key, value in zip(metric.properties.keys, metric.properties.values, strict=False):
        if key == b"engUnit" and value.WhichOneof("value") == "string_value":
            unit = value.string_value.decode(errors="replace").strip()[:64]
        elif key == b"Quality" and value.WhichOneof("value") in _WIDTHS:
            quality = getattr(value, value.WhichOneof("value"))
    return Properties(unit, quality)


def check_quality(quality: int | None) -> None:
    """Raise ValueFaultError where the quality code says that the value is not one to rely on."""
    if quality is None or quality in _GOOD:
        return
    words = "stale" if quality == _STALE else "bad"
    raise ValueFaultError(Reason.BAD_QUALITY, f"its quality is {quality} ({words}); the value is not stored")


def read_value(metric: Any, datatype: int) -> float | bool | str:
    """Return the value of a metric that is set: a number, a truth value or a text (times as RFC 3339).

    ``datatype`` is the number that the birth (or the metric itself) names, 0 where none does. Raises ValueFaultError.
    """
    held = metric.WhichOneof("value")
    raw = getattr(metric, held)
    value: float | bool | str
    if datatype in _BITS and held in _WIDTHS:
        value = _integer(raw, _WIDTHS[held], *_BITS[datatype])
    elif datatype == DataType.DATETIME and held == "long_value":
        value = _time(raw)
    elif datatype in _TRUTHS and held in _TRUTHS[datatype] and raw in {0, 1}:
        value = bool(raw)
    elif held == "string_value" and datatype in _TEXTS:
        value = _text(raw)
    elif held in {"float_value", "double_value"} and datatype in _REALS:
        value = shortest(raw) if held == "float_value" else float(raw)
    elif datatype == DataType.UNKNOWN and held in _WIDTHS:
        value = _untyped(raw)
    else:
        raise ValueFaultError(Reason.WRONG_TYPE, _not_taken(held, datatype))
    return value


def shortest(value: float) -> float:
    """Return the number with the fewest decimal digits that is the same in 32 bits: -70.2, not -70.19999694824219."""
    for digits in (6, 7, 8):
        candidate = float(f"{value:.{digits}g}")
        try:
            if _FLOAT.unpack(_FLOAT.pack(candidate))[0] == value:
                return candidate
        except OverflowError:  # rounded up beyond the largest one
            continue
    return value


def _integer(raw: int, width: int, bits: int, signed: bool) -> int:
    """Return what ``raw``, an unsigned number of ``width`` bits, means as an integer of ``bits`` bits.

    Negative numbers come as two's complement, cut to their own bits or extended to the field's.
    """
    if not signed:
        if raw < 1 << bits:
            return raw
    elif raw < 1 << bits:
        return raw - (1 << bits) if raw >> (bits - 1) else raw
    elif raw >= (1 << width) - (1 << (bits - 1)):
        return raw - (1 << width)
    raise ValueFaultError(Reason.OUT_OF_RANGE, f"{raw} does not fit into {'Int' if signed else 'UInt'}{bits}")


def _untyped(raw: int) -> int:
    if raw < _SAME_IN_EVERY_TYPE:
        return raw
    raise ValueFaultError(
        Reason.WRONG_TYPE, f"it is {raw}, whose sign depends on its data type, which only the birth names"
    )


def _time(millis: int) -> str:
    try:
        at = _EPOCH + timedelta(milliseconds=millis)
    except OverflowError:
        raise ValueFaultError(Reason.OUT_OF_RANGE, f"{millis} ms since 1970 is after the year 9999") from None
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise ValueFaultError(Reason.WRONG_TYPE, f"byte {error.start} of its text is not UTF-8") from None


def _not_taken(held: str, datatype: int) -> str:
    named = _NAMES.get(datatype, f"data type {datatype}")
    if datatype > DataType.UUID or held.startswith(("bytes", "dataset", "template", "extension")):
        return f"it is {named} ({held}); send numbers, truth values and texts, each as a metric of its own"
    return f"it is {named}, but holds a {held}"
