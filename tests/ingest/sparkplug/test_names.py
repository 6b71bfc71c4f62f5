"""Names with folders."""

from __future__ import annotations

from iot_service.ingest.sent import Entry, Sent
from iot_service.ingest.sparkplug.names import with_known_names

KNOWN = {"temperature", "Vehicle.Speed", "Inputs/door"}


def renamed(values: dict[str, object], units: dict[str, str] | None = None) -> Entry:
    (entry,) = with_known_names(Sent("d", [Entry(1, values, units or {})]), KNOWN).entries
    return entry


def test_the_last_part_stands_in_where_the_product_knows_it() -> None:
    entry = renamed({"Inputs/Cold/temperature": 1, "Inputs/door": 0, "Properties/Make": "Pi"},
                    {"Inputs/Cold/temperature": "K"})  # fmt: skip
    assert dict(entry.values) == {"temperature": 1, "Inputs/door": 0, "Properties/Make": "Pi"}
    assert dict(entry.units) == {"temperature": "K"}


def test_a_name_that_is_known_as_it_is_comes_first_and_no_value_is_lost() -> None:
    entry = renamed({"Inputs/temperature": 1, "temperature": 2, "Outputs/temperature": 3})
    assert dict(entry.values) == {"temperature": 2, "Inputs/temperature": 1, "Outputs/temperature": 3}


def test_what_is_known_throughout_is_left_alone() -> None:
    sent = Sent("d", [Entry(1, {"temperature": 1})], online=True)
    assert with_known_names(sent, KNOWN) is sent
