"""Telemetry payloads: ``{"ts": …, "values": {…}}``, a list of those, or SenML, checked by the device's product model.

A bad reading in a good message is a fault alone; the good ones are kept. Nothing is passed over in silence: each value
ends up as a reading, an attribute, or in a fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from iot_service.ingest.fields import Field, ProductFields
from iot_service.ingest.formats import senml
from iot_service.ingest.jsontext import UnreadableError, keeps_text, parse_json, parse_simple, show
from iot_service.ingest.limits import LIST_LENGTH, MESSAGE_UNITS, MESSAGE_VALUES, PAYLOAD_BYTES, TEXT_LENGTH
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.sent import Entry, Sent
from iot_service.ingest.timestamps import TimestampError, read_timestamp
from iot_service.ingest.units import in_metric_units, is_number

_SHAPE = 'send {"ts": milliseconds, "values": {name: value}} or a list of such objects'
_UNITS_SHAPE = 'send {name: unit}, as {"temperature": "degF"}'
_COUNTS_FROM_NOW = (
    "the time counts from now in a retained message, which would look fresh at every reconnect; "
    "send an absolute time, or publish without the retain flag"
)


@dataclass(slots=True)
class Telemetry:
    """What one message held. Instants are microseconds since 1970 UTC, values are in the metric's unit."""

    readings: list[tuple[str, int, float, bool]] = field(default_factory=list)
    """Metric, ts, value, whether the ts is the time of receipt."""
    attributes: list[tuple[str, int, str | list[str]]] = field(default_factory=list)
    """Name, ts, value."""
    faults: list[Fault] = field(default_factory=list)
    withheld: int = 0
    """How many values were let go because the customer has not agreed that they are kept."""


def read_telemetry(payload: bytes, fields: ProductFields, *, received: int, retained: bool) -> Telemetry:
    """Read one telemetry message of a device whose product knows ``fields``; never raises for what a device sends.

    It is the contract's JSON, or SenML. ``received`` is the time of receipt in microseconds since 1970 UTC;
    ``retained`` says that the broker had kept it.
    """
    result = Telemetry()
    check = _Check(fields, result, received, retained)
    entry = parse_simple(payload)
    if entry is not None:
        check.values(entry["values"], entry)
        return result
    try:
        document = _document(payload)
    except UnreadableError as error:
        result.faults.append(Fault(error.reason, error.detail))
        return result
    if senml.is_senml(document):
        check.sent(senml.read(document, device_id="", received=received))  # type: ignore[arg-type]  # is_senml: a list
    else:
        for each in document if isinstance(document, list) else [document]:
            check.entry(each)
    return result


def check_sent(sent: Sent, fields: ProductFields, *, received: int, retained: bool) -> Telemetry:
    """Check what a message of another format says about one device, as :func:`read_telemetry` checks the contract's."""
    result = Telemetry()
    _Check(fields, result, received, retained).sent(sent)
    return result


def _document(payload: bytes) -> object:
    """Return the JSON value of a payload; raises UnreadableError when the message as a whole cannot be taken."""
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
    if len(units := {str(unit) for entry in entries for unit in _named(entry, "units").values()}) > MESSAGE_UNITS:
        raise UnreadableError(Reason.TOO_LARGE, _too_many_units(len(units)))
    return document


def _too_many_units(count: int) -> str:
    return f"the message names {count} different units; at most {MESSAGE_UNITS}: send several messages"


def _named_units(units: object, values: Mapping[str, object]) -> dict[str, str]:
    """Return the units of an entry; raises UnreadableError where they are none, or of nothing."""
    if not isinstance(units, dict):
        raise UnreadableError(Reason.WRONG_TYPE, f"units is {show(units)}; {_UNITS_SHAPE}")
    for name, unit in units.items():
        if name not in values:
            raise UnreadableError(Reason.UNKNOWN_FIELD, f"units names {show(name)}, which is not among the values")
        if not isinstance(unit, str):
            raise UnreadableError(Reason.WRONG_TYPE, f"the unit of {show(name)} is {show(unit)}; {_UNITS_SHAPE}")
    return units


def _values(entry: object) -> dict[str, object]:
    return _named(entry, "values")


def _named(entry: object, name: str) -> dict[str, object]:
    found = entry.get(name) if isinstance(entry, dict) else None
    return found if isinstance(found, dict) else {}


class _Check:
    """Checks values by the product model, and puts each where it belongs."""

    __slots__ = ("_fields", "_received", "_result", "_retained")

    def __init__(self, fields: ProductFields, result: Telemetry, received: int, retained: bool) -> None:
        self._fields, self._result = fields, result
        self._received, self._retained = received, retained

    def entry(self, entry: object) -> None:
        """Take one entry of the contract's JSON."""
        values = _values(entry)
        if not values or not isinstance(entry, dict):
            fault = Fault(Reason.WRONG_SHAPE, f"{show(entry)} holds no values; {_SHAPE}", entry)
            self._result.faults.append(fault)
            return
        if len(entry) > 2 or (len(entry) == 2 and "ts" not in entry):
            if extra := {name: value for name, value in entry.items() if name not in {"ts", "values", "units"}}:
                names = ", ".join(show(name) for name in list(extra)[:5])
                fault = Fault(Reason.UNKNOWN_FIELD, f"{names} beside ts, values and units; {_SHAPE}", extra)
                self._result.faults.append(fault)
            if "units" in entry and ("ts" not in entry or is_number(entry["ts"])):
                self._with_units(values, entry)
                return
        self.values(values, entry)

    def _with_units(self, values: dict[str, object], entry: dict[str, Any]) -> None:
        try:
            units = _named_units(entry["units"], values)
        except UnreadableError as error:
            self._result.faults.append(Fault(error.reason, error.detail, entry))
        else:
            self._converted(Entry(entry.get("ts"), values, units))

    def sent(self, sent: Sent) -> None:
        """Take what another format said: values with units first come into those of their metrics."""
        self._result.faults += sent.faults
        units = {unit for said in sent.entries for unit in said.units.values()}
        if len(units) > MESSAGE_UNITS:
            self._result.faults.append(Fault(Reason.TOO_LARGE, _too_many_units(len(units))))
            return
        for said in sent.entries:
            self._converted(said)

    def _converted(self, said: Entry) -> None:
        if said.assumed and self._retained:
            part = {"ts": said.ts, "values": dict(said.values), "units": dict(said.units)}
            self._result.faults.append(Fault(Reason.RETAINED_WITHOUT_TIME, _COUNTS_FROM_NOW, part))
            return
        entries, faults = in_metric_units(said, self._fields, received=self._received)
        self._result.faults += faults
        for each in entries:
            named = {"values": each.values} if each.ts is None else {"ts": each.ts, "values": each.values}
            self.values(each.values, named, assumed=each.assumed)

    def values(self, values: Mapping[str, object], entry: Mapping[str, object], *, assumed: bool = False) -> None:
        """Take the ``values`` of ``entry``, all of one instant; ``assumed`` says that its ts stands in for another."""
        result, received = self._result, self._received
        try:
            ts, stands_in = read_timestamp(
                entry, received=received, retained=self._retained, limits=self._fields.limits
            )
        except TimestampError as error:
            result.faults.append(Fault(error.reason, error.detail, {**entry}))
            return
        assumed = assumed or stands_in
        known, readings = self._fields.by_name, result.readings
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
            if found is not None and found.withheld:
                result.withheld += 1
                continue
            reason, detail = _what_is_wrong(name, value, found, self._fields)
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
