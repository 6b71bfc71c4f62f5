"""Values that came with a unit of their own, in the unit of their metric."""

from __future__ import annotations

from collections.abc import Mapping

from iot_service.ingest.fields import Field, ProductFields
from iot_service.ingest.jsontext import show
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.sent import Entry
from iot_service.products.units import conversion, is_unit


def in_metric_units(entry: Entry, fields: ProductFields, *, received: int) -> tuple[list[Entry], list[Fault]]:
    """Return ``entry`` with every value in the unit that the product model gives its name, and no units any more.

    Only numbers have a unit; unknown names are left for the check to find. A value that was converted stands under the
    flat name of its metric; where that stands in ``entry`` already, it comes in an entry of its own, so that nothing is
    lost. A unit that does not fit is a fault. ``received`` (microseconds since 1970 UTC) stands in for a missing ts.
    """
    if not entry.units:
        return [entry], []
    kept: dict[str, object] = {}
    converted: dict[str, object] = {}
    doubles: list[Entry] = []
    faults: list[Fault] = []
    for name, value in entry.values.items():
        unit = entry.units.get(name)
        field = fields.by_name.get(name)
        if not unit or field is None or not field.is_metric or not is_number(value):
            kept[name] = value
            continue
        step = conversion(unit, field.unit)
        if step is None:
            part = {"ts": _millis(entry, received), "values": {name: value}, "units": {name: unit}}
            faults.append(Fault(Reason.WRONG_UNIT, _what_is_wrong(name, unit, field), part))
            continue
        number = _times(value, step.scale) + step.offset if step.scale != 1.0 or step.offset else value
        if field.name in converted:
            doubles.append(entry._replace(values={field.name: number}, units={}))
        else:
            converted[field.name] = number
    return [*_entries(entry, kept, converted), *doubles], faults


def is_number(value: object) -> bool:
    """Return whether ``value`` is a number of JSON; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _entries(entry: Entry, kept: Mapping[str, object], converted: Mapping[str, object]) -> list[Entry]:
    groups = [kept, converted] if kept.keys() & converted.keys() else [{**kept, **converted}]
    return [entry._replace(values=values, units={}) for values in groups if values]


def _times(value: object, scale: float) -> float:
    try:
        return float(value) * scale  # type: ignore[arg-type]  # is_number checked it
    except OverflowError:  # an integer beyond every float
        return float("inf")


def _millis(entry: Entry, received: int) -> float:
    return received / 1000 if entry.ts is None else entry.ts


def _what_is_wrong(name: str, unit: str, field: Field) -> str:
    wanted = "a plain number (unit 1)" if field.unit == "1" else field.unit
    if not is_unit(unit):
        return f"{name} came in {show(unit)}, which is no unit; send it in {wanted}, or in a unit of the same kind"
    return f"{name} came in {unit}, which cannot become {wanted}; send it in {wanted}, or in a unit of the same kind"
