"""SenML JSON (RFC 8428): a list of records with short labels, on the telemetry topic of one device.

It is told from the contract's JSON by its labels: SenML is a list whose first record has one of them, and no record of
which has ``values``. The part of a record's full name after the last ``:`` or ``/`` names the metric; what stands
before it names the device once more, and is not looked at.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from iot_service.ingest.formats.senml_units import unit_of
from iot_service.ingest.jsontext import UnreadableError, show
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.sent import Entry, Sent
from iot_service.ingest.units import is_number

VERSIONS = (10, 26)
"""RFC 8428, and the same with secondary units (RFC 9100); lower numbers were drafts of it."""
SUM = "_sum"
"""What a record's ``s`` is called: the name of the metric with this at its end; its unit is that of ``v`` × seconds."""

_NOW = 2**28  # seconds; times below count from now (RFC 8428, 4.5.3)
_BASE = {"bn": str, "bt": float, "bu": str, "bv": float, "bs": float, "bver": float}
_OWN = {"n": str, "u": str, "v": float, "vs": str, "vb": bool, "vd": str, "s": float, "t": float, "ut": float}
_VALUES = ("v", "vs", "vb", "vd")
_LABELS = _BASE.keys() | _OWN.keys()
_TYPES: dict[type, str] = {str: "a text", float: "a number", bool: "true or false"}
_Instant = tuple[float | None, bool]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:./_-]*")


def is_senml(document: object) -> bool:
    """Return whether a JSON value on a telemetry topic is meant as SenML (and not as the contract's JSON)."""
    if not isinstance(document, list) or not document:
        return False
    first = document[0]
    if not isinstance(first, dict) or _LABELS.isdisjoint(first):
        return False
    return not any(isinstance(record, dict) and "values" in record for record in document)


def read(document: list[object], *, device_id: str, received: int) -> Sent:
    """Return what a SenML pack says of the device on whose topic it came; never raises for what a device sends.

    ``received`` is in microseconds since 1970 UTC; times in the pack that count from now count from there. A record
    that cannot be read is a fault alone, with the resolved record as its part; what is wrong with a base field, or a
    version that we do not know, is a fault of all records from there on.
    """
    sent = Sent(device_id)
    pack = _Pack(received)
    base = _Base()
    for place, record in enumerate(document):
        try:
            if not isinstance(record, dict):
                raise UnreadableError(Reason.WRONG_SHAPE, f"{show(record)} is no SenML record; a record is an object")
            base = _with(base, record)
        except UnreadableError as error:
            rest = None if place == 0 else [base.as_record(), *document[place:]]
            sent.faults.append(Fault(error.reason, f"record {place + 1}: {error.detail}", rest))
            break
        try:
            pack.add(record, base)
        except UnreadableError as error:
            part = [_resolved(record, base, received)]
            sent.faults.append(Fault(error.reason, f"record {place + 1}: {error.detail}", part))
    sent.entries = pack.entries()
    return sent


@dataclass(frozen=True, slots=True)
class _Base:
    """The base fields in force: each holds until another record names it anew."""

    name: str = ""
    time: float = 0.0
    unit: str = ""
    value: float = 0.0
    total: float = 0.0
    version: float = VERSIONS[0]

    def as_record(self) -> dict[str, object]:
        """Return them as a record that carries nothing else."""
        return {
            "bn": self.name, "bt": self.time, "bu": self.unit, "bv": self.value, "bs": self.total, "bver": self.version,
        }  # fmt: skip


_FIELDS = {"bn": "name", "bt": "time", "bu": "unit", "bv": "value", "bs": "total", "bver": "version"}


def _with(base: _Base, record: Mapping[str, object]) -> _Base:
    """Return the base fields that hold from ``record`` on; raises UnreadableError."""
    changes: dict[str, object] = {}
    for label, value in record.items():
        if label in _BASE:
            _check_type(label, value, _BASE[label])
            changes[_FIELDS[label]] = value
        elif label.startswith("b") and label.endswith("_"):
            raise _not_understood(label)
    version = changes.get("version", base.version)
    if version not in VERSIONS and not (isinstance(version, (int, float)) and 0 < version < VERSIONS[0]):
        known = " and ".join(map(str, VERSIONS))
        raise UnreadableError(Reason.WRONG_SHAPE, f"bver is {show(version)}; the versions known here are {known}")
    return replace(base, **changes) if changes else base  # type: ignore[arg-type]  # _check_type looked at each


class _Pack:
    """The values of a pack by instant, in the order they came."""

    def __init__(self, received: int) -> None:
        self._received = received
        self._instants: dict[_Instant, list[Entry]] = {}
        self._counts: dict[tuple[_Instant, str], int] = {}

    def entries(self) -> list[Entry]:
        """Return an entry for each instant, and further ones where a name stands twice in one."""
        return [entry for entries in self._instants.values() for entry in entries]

    def add(self, record: Mapping[str, object], base: _Base) -> None:
        """Add the values of one record; raises UnreadableError, before anything is added."""
        for label, value in record.items():
            if label in _OWN:
                _check_type(label, value, _OWN[label])
            elif label.endswith("_"):
                raise _not_understood(label)
        present = [label for label in _VALUES if label in record]
        if len(present) > 1:
            raise UnreadableError(Reason.WRONG_SHAPE, f"{' and '.join(present)} stand in one record; send one of them")
        if not present and "s" not in record:
            if record.keys() & _BASE.keys() and not record.keys() & {"n", "t"}:
                return  # nothing but base fields
            raise UnreadableError(Reason.WRONG_SHAPE, "there is no value; send v, vs, vb or vd, or the sum s")
        metric = _metric(base.name + str(record.get("n", "")))
        unit = unit_of(str(record.get("u", base.unit)))
        instant = _instant(base.time + _number(record.get("t", 0.0)), self._received)
        for label in present:
            if label == "v":
                self._put(instant, metric, _sum(base.value, record["v"]), unit)
            else:
                self._put(instant, metric, _data(record[label]) if label == "vd" else record[label], "")
        if "s" in record:
            of_sum = "" if not unit else "s" if unit == "1" else f"{unit}*s"
            self._put(instant, metric + SUM, _sum(base.total, record["s"]), of_sum)

    def _put(self, instant: _Instant, name: str, value: object, unit: str) -> None:
        entries = self._instants.setdefault(instant, [])
        # A second value for the same name and instant must not replace the first in silence.
        place = self._counts[instant, name] = self._counts.get((instant, name), -1) + 1
        if place == len(entries):
            entries.append(Entry(instant[0], {}, {}, instant[1]))
        entry = entries[place]
        assert isinstance(entry.values, dict)
        assert isinstance(entry.units, dict)
        entry.values[name] = value
        if unit:
            entry.units[name] = unit


def _check_type(label: str, value: object, wanted: type) -> None:
    good = is_number(value) if wanted is float else isinstance(value, wanted)
    if not good:
        raise UnreadableError(Reason.WRONG_TYPE, f"{label} is {show(value)}; send {_TYPES[wanted]}")
    if label in {"bt", "t", "bv", "bs"} and not _is_finite(value):
        raise UnreadableError(Reason.NOT_FINITE, f"{label} is {show(value)}; send a finite number")


def _is_finite(value: object) -> bool:
    try:
        return math.isfinite(_number(value))
    except OverflowError:
        return False


def _number(value: object) -> float:
    return float(value)  # type: ignore[arg-type]  # _check_type looked at it


def _sum(base: float, value: object) -> object:
    """Return base and value together, and the value as it came where there is no base: integers stay exact."""
    if not base:
        return value
    try:
        return base + _number(value)
    except OverflowError:
        return float("inf")


def _not_understood(label: str) -> UnreadableError:
    return UnreadableError(
        Reason.UNKNOWN_FIELD,
        f"{show(label)} ends with _, so it must be understood, and is not known here; leave it out",
    )


def _metric(full: str) -> str:
    """Return the metric's name in a full name; raises UnreadableError."""
    if not _NAME.fullmatch(full):
        raise UnreadableError(
            Reason.WRONG_SHAPE,
            f"the name (bn and n together) is {show(full)}; it starts with a letter or digit "
            "and holds letters, digits and - : . / _ only",
        )
    metric = re.split("[:/]", full)[-1]
    if not metric:
        raise UnreadableError(
            Reason.WRONG_SHAPE, f"the name {show(full)} names the device alone; send the metric's name in n"
        )
    return metric


def _instant(seconds: float, received: int) -> _Instant:
    """Return a time in ms since 1970 UTC (None is now), and whether it counts from now."""
    if seconds == 0.0:
        return None, False
    if seconds < _NOW:
        return received / 1000 + seconds * 1000, True
    return round(seconds * 1000, 3), False


def _data(value: object) -> str:
    """Return data (base64url, padding left out) as it came; raises UnreadableError where it is none."""
    text = str(value)
    try:
        base64.b64decode((text + "=" * (-len(text) % 4)).encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableError(
            Reason.WRONG_TYPE, f"vd is {show(text)}; send base64 with the URL-safe alphabet, without padding"
        ) from None
    return text


def _resolved(record: Mapping[str, object], base: _Base, received: int) -> dict[str, object]:
    """Return a record without need of base fields and with an absolute time, so that it can be sent again alone."""
    result = {label: value for label, value in record.items() if label not in _BASE}
    if base.name or "n" in record:
        result["n"] = base.name + str(record.get("n", ""))
    if "u" not in record and base.unit:
        result["u"] = base.unit
    if is_number(record.get("v")):
        result["v"] = _sum(base.value, record["v"])
    if is_number(record.get("s")):
        result["s"] = _sum(base.total, record["s"])
    if "t" not in record or (is_number(record["t"]) and _is_finite(record["t"])):
        seconds = base.time + _number(record.get("t", 0.0))
        result["t"] = seconds if seconds >= _NOW else received / 1e6 + seconds
    return result
