"""Values that come with a unit of their own."""

from __future__ import annotations

import pytest

from iot_service.ingest.reasons import Reason
from iot_service.ingest.sent import Entry
from iot_service.ingest.units import in_metric_units
from tests.ingest.examples import FIELDS, MILLIS, RECEIVED


def converted(values: dict[str, object], units: dict[str, str]) -> list[dict[str, object]]:
    entries, faults = in_metric_units(Entry(MILLIS, values, units), FIELDS, received=RECEIVED)
    assert faults == []
    assert all(entry.units == {} and entry.ts == MILLIS for entry in entries)
    return [dict(entry.values) for entry in entries]


def test_a_value_is_converted_to_the_unit_of_its_metric() -> None:
    assert converted({"temperature": 212, "door": 1}, {"temperature": "degF"}) == [{"temperature": 100.0, "door": 1}]


def test_an_entry_without_units_is_handed_on_as_it_is() -> None:
    entry = Entry(MILLIS, {"temperature": 1})
    entries, faults = in_metric_units(entry, FIELDS, received=RECEIVED)
    assert entries[0] is entry
    assert faults == []


def test_a_value_in_the_metrics_own_unit_is_left_as_exact_as_it_came() -> None:
    (values,) = converted({"temperature": 5}, {"temperature": "degC"})
    assert values == {"temperature": 5}
    assert isinstance(values["temperature"], int)


def test_a_named_unit_goes_before_the_one_that_a_name_of_a_standard_implies() -> None:
    assert converted({"Seconds": 90}, {"Seconds": "min"}) == [{"hours": 1.5}]
    assert converted({"Seconds": 7200}, {}) == [{"Seconds": 7200}]


def test_two_names_of_one_metric_both_stay() -> None:
    both: dict[str, object] = {"hours": 1, "Seconds": 7200}
    assert converted(both, {"Seconds": "s"}) == [{"hours": 1}, {"hours": 2.0}]
    assert converted(both, {"Seconds": "s", "hours": "h"}) == [{"hours": 1}, {"hours": 2.0}]


@pytest.mark.parametrize("value", [True, "warm", None, ["a"]])
def test_what_is_no_number_has_no_unit(value: object) -> None:
    assert converted({"temperature": value}, {"temperature": "degF"}) == [{"temperature": value}]


def test_unknown_names_and_attributes_are_left_for_the_check() -> None:
    values: dict[str, object] = {"unknown": 1, "codes": 5}
    assert converted(values, {"unknown": "degF", "codes": "V"}) == [values]


def test_a_number_beyond_every_float_becomes_infinite() -> None:
    assert converted({"temperature": 10**400}, {"temperature": "degF"}) == [{"temperature": float("inf")}]


@pytest.mark.parametrize(
    ("name", "unit", "words"),
    [
        (
            "temperature",
            "V",
            "temperature came in V, which cannot become °C; send it in °C, or in a unit of the same kind",
        ),
        ("temperature", "warmth", "temperature came in 'warmth', which is no unit; send it in °C"),
        ("door", "V", "door came in V, which cannot become a plain number (unit 1)"),
        ("temperature", "x" * 100, "no unit"),
    ],
)
def test_a_unit_that_does_not_fit_is_a_fault_that_names_both(name: str, unit: str, words: str) -> None:
    entries, (fault,) = in_metric_units(Entry(MILLIS, {name: 1, "hours": 2}, {name: unit}), FIELDS, received=RECEIVED)
    assert [entry.values for entry in entries] == [{"hours": 2}]
    assert fault.reason is Reason.WRONG_UNIT
    assert words in fault.detail
    assert fault.part == {"ts": MILLIS, "values": {name: 1}, "units": {name: unit}}


def test_the_part_of_a_value_without_a_time_has_the_time_it_came() -> None:
    _, (fault,) = in_metric_units(Entry(None, {"door": 1}, {"door": "V"}), FIELDS, received=RECEIVED)
    assert fault.part == {"ts": MILLIS, "values": {"door": 1}, "units": {"door": "V"}}
