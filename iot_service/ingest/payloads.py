"""Telemetry payloads: ``{"ts": …, "values": {…}}`` or a list of those, checked against the device's product model.

A bad reading in a good message is a fault alone; the good ones are kept. Nothing is passed over in silence: each value
ends up as a reading, an attribute, or in a fault.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from iot_service.ingest.fields import Field, ProductFields
from iot_service.ingest.jsontext import UnreadableError, keeps_text, parse_json, show
from iot_service.ingest.limits import LIST_LENGTH, MESSAGE_VALUES, PAYLOAD_BYTES, TEXT_LENGTH, TimeLimits
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.timestamps import TimestampError, read_timestamp

_SHAPE = 'send {"ts": milliseconds, "values": {name: value}} or a list of such objects'


@dataclass(slots=True)
class Telemetry:
    """What one message held. Instants are microseconds since 1970 UTC, values are in the metric's unit."""

    readings: list[tuple[str, int, float, bool]] = field(default_factory=list)
    """Metric, ts, value, whether the ts is the time of receipt."""
    attributes: list[tuple[str, int, str | list[str]]] = field(default_factory=list)
    """Name, ts, value."""
    faults: list[Fault] = field(default_factory=list)


def read_telemetry(
    payload: bytes, fields: ProductFields, *, received: int, retained: bool, limits: TimeLimits
) -> Telemetry:
    """Read one telemetry message of a device whose product knows ``fields``; never raises for what a device sends.

    ``received`` is the time of receipt in microseconds since 1970 UTC; ``retained`` says that the broker had kept it.
    """
    result = Telemetry()
    try:
        entries = _entries(payload)
    except UnreadableError as error:
        result.faults.append(Fault(error.reason, error.detail))
        return result
    for entry in entries:
        _read_entry(entry, fields, result, received=received, retained=retained, limits=limits)
    return result


def _entries(payload: bytes) -> list[object]:
    """Return the entries of a payload; raises UnreadableError when the message as a whole cannot be taken."""
    if len(payload) > PAYLOAD_BYTES:
        raise UnreadableError(
            Reason.TOO_LARGE, f"the payload has {len(payload)} bytes; at most {PAYLOAD_BYTES}: send several messages"
        )
    document = parse_json(payload)
    entries = document if isinstance(document, list) else [document]
    if not entries:
        raise UnreadableError(Reason.WRONG_SHAPE, f"the list is empty; {_SHAPE}")
    count = sum(max(1, len(_values(entry))) for entry in entries)
    if count > MESSAGE_VALUES:
        raise UnreadableError(
            Reason.TOO_LARGE, f"the message has {count} values; at most {MESSAGE_VALUES}: send several messages"
        )
    return entries


def _values(entry: object) -> dict[str, object]:
    values = entry.get("values") if isinstance(entry, dict) else None
    return values if isinstance(values, dict) else {}


def _read_entry(
    entry: object, fields: ProductFields, result: Telemetry, *, received: int, retained: bool, limits: TimeLimits
) -> None:
    values = _values(entry)
    if not values or not isinstance(entry, dict):
        result.faults.append(Fault(Reason.WRONG_SHAPE, f"{show(entry)} holds no values; {_SHAPE}", entry))
        return
    if len(entry) > 2 or (len(entry) == 2 and "ts" not in entry):
        extra = {name: value for name, value in entry.items() if name not in {"ts", "values"}}
        names = ", ".join(show(name) for name in list(extra)[:5])
        result.faults.append(Fault(Reason.UNKNOWN_FIELD, f"{names} beside ts and values; {_SHAPE}", extra))
    try:
        ts, assumed = read_timestamp(entry, received=received, retained=retained, limits=limits)
    except TimestampError as error:
        result.faults.append(Fault(error.reason, error.detail, {**entry}))
        return
    known, readings = fields.by_name, result.readings
    for name, value in values.items():
        found = known.get(name)
        if found is not None and found.is_metric and isinstance(value, (float, int)):
            try:
                number = value * found.scale
            except OverflowError:  # an integer beyond every float
                number = float("inf")
            if found.low <= number <= found.high:
                readings.append((found.name, ts, number, assumed))
                continue
        elif found is not None and not found.is_metric and _is_attribute(value):
            result.attributes.append((found.name, ts, value))  # type: ignore[arg-type]  # _is_attribute checked it
            continue
        reason, detail = _what_is_wrong(name, value, found, fields)
        millis = entry.get("ts", received / 1000)  # so that it can be sent again with the time it was meant to have
        result.faults.append(Fault(reason, detail, {"ts": millis, "values": {name: value}}))


def _is_attribute(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= TEXT_LENGTH and keeps_text(value)
    return (
        isinstance(value, list)
        and len(value) <= LIST_LENGTH
        and all(isinstance(text, str) and len(text) <= TEXT_LENGTH and keeps_text(text) for text in value)
    )


def _what_is_wrong(name: str, value: object, found: Field | None, fields: ProductFields) -> tuple[Reason, str]:
    if found is None:
        detail = f"{show(name)} is no metric and no attribute of {fields.product}, which knows {fields.known}"
        return Reason.UNKNOWN_METRIC, detail
    if not found.is_metric:
        return _what_is_wrong_with_attribute(name, value)
    if not isinstance(value, (float, int)):
        unit = "" if found.unit == "1" else f" in {found.unit}"
        return Reason.WRONG_TYPE, f"{name} is {show(value)}; send a number{unit}, or true or false"
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124  # only NaN differs from itself
        return Reason.NOT_FINITE, f"{name} is {value}; send a finite number, or leave it out when there is none"
    return Reason.OUT_OF_RANGE, (
        f"{name} is {show(value)}; plausible are {found.low / found.scale:g} to {found.high / found.scale:g}"
        f"{'' if found.scale == 1.0 else f' (in the unit of {name})'}"
    )


def _what_is_wrong_with_attribute(name: str, value: object) -> tuple[Reason, str]:
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        return Reason.WRONG_TYPE, f"{name} is {show(value)}; send a text or a list of texts"
    if not all(keeps_text(str(text)) for text in texts):
        return Reason.WRONG_TYPE, f"{name} is {show(value)}; leave out NUL characters and halves of surrogate pairs"
    return Reason.TOO_LARGE, (
        f"{name} is {show(value)}; a text has at most {TEXT_LENGTH} characters, a list at most {LIST_LENGTH} texts"
    )
