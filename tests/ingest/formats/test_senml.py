"""SenML JSON (RFC 8428). The packs are the examples of its section 5.1."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_service.ingest.formats import senml, senml_units
from iot_service.ingest.jsontext import parse_json
from iot_service.ingest.reasons import Reason
from iot_service.ingest.sent import Entry, Sent
from iot_service.products.units import is_unit
from tests.ingest.examples import MILLIS, RECEIVED

SECONDS = MILLIS // 1000


def read(pack: Any) -> Sent:
    document = parse_json(json.dumps(pack).encode())
    assert isinstance(document, list)
    return senml.read(document, device_id="freezer-1", received=RECEIVED)


def test_a_single_measurement_without_a_time_is_of_now() -> None:
    sent = read([{"n": "urn:dev:ow:10e2073a01080063", "u": "Cel", "v": 23.1}])
    assert sent.entries == [Entry(None, {"10e2073a01080063": 23.1}, {"10e2073a01080063": "degC"})]
    assert (sent.device_id, sent.faults) == ("freezer-1", [])


def test_the_base_name_comes_before_each_name() -> None:
    sent = read(
        [
            {"bn": "urn:dev:ow:10e2073a01080063:", "n": "voltage", "u": "V", "v": 120.1},
            {"n": "current", "u": "A", "v": 1.2},
        ]
    )
    assert sent.entries == [Entry(None, {"voltage": 120.1, "current": 1.2}, {"voltage": "V", "current": "A"})]


def test_times_add_to_the_base_time_and_units_stand_in_for_the_base_unit() -> None:
    sent = read(
        [
            {"bn": "urn:dev:ow:10e2073a0108006:", "bt": 1.276020076001e09, "bu": "A", "bver": 5, "n": "voltage",
             "u": "V", "v": 120.1},
            {"n": "current", "t": -5, "v": 1.2},
            {"n": "current", "t": -4, "v": 1.3},
            {"n": "current", "v": 1.7},
        ]
    )  # fmt: skip
    assert sent.entries == [
        Entry(1276020076001.0, {"voltage": 120.1, "current": 1.7}, {"voltage": "V", "current": "A"}),
        Entry(1276020071001.0, {"current": 1.2}, {"current": "A"}),
        Entry(1276020072001.0, {"current": 1.3}, {"current": "A"}),
    ]


def test_times_before_1978_count_from_the_time_of_receipt_and_are_marked_so() -> None:
    sent = read([{"n": "temperature", "t": -5.5, "v": 1}, {"n": "temperature", "t": 0, "v": 2}])
    assert sent.entries == [
        Entry(MILLIS - 5500, {"temperature": 1}, {}, assumed=True),
        Entry(None, {"temperature": 2}),
    ]
    sent = read(
        [{"bt": SECONDS, "n": "temperature", "t": 60, "v": 1}, {"bt": -60, "n": "temperature", "t": 10, "v": 2}]
    )
    assert sent.entries == [
        Entry(MILLIS + 60_000, {"temperature": 1}),
        Entry(MILLIS - 50_000, {"temperature": 2}, {}, assumed=True),
    ]


def test_each_kind_of_value_is_read() -> None:
    sent = read(
        [
            {"bn": "urn:dev:ow:10e2073a01080063:", "n": "temp", "u": "Cel", "v": 23.1},
            {"n": "label", "vs": "Machine Room"},
            {"n": "open", "vb": False},
            {"n": "nfv-reader", "vd": "aGkgCg"},
        ]
    )
    assert sent.entries == [
        Entry(None, {"temp": 23.1, "label": "Machine Room", "open": False, "nfv-reader": "aGkgCg"}, {"temp": "degC"})
    ]
    assert sent.faults == []


def test_values_and_sums_add_to_their_bases() -> None:
    sent = read(
        [
            {"bn": "meter/", "bt": SECONDS, "bu": "W", "bv": 20, "bs": 1000, "n": "power", "v": 2.5, "s": 500},
            {"n": "power", "t": 1, "v": -0.5},
            {"n": "energy", "t": 1, "s": 600},
        ]
    )
    assert sent.entries == [
        Entry(MILLIS, {"power": 22.5, "power_sum": 1500}, {"power": "W", "power_sum": "W*s"}),
        Entry(MILLIS + 1000, {"power": 19.5, "energy_sum": 1600}, {"power": "W", "energy_sum": "W*s"}),
    ]


def test_a_record_of_base_fields_alone_holds_for_those_behind_it() -> None:
    sent = read([{"bn": "a:", "bu": "Cel", "bver": 10}, {"n": "temperature", "v": 1}])
    assert sent.entries == [Entry(None, {"temperature": 1}, {"temperature": "degC"})]
    assert sent.faults == []


def test_a_second_value_for_one_name_and_instant_does_not_replace_the_first() -> None:
    sent = read([{"bn": "inside/", "n": "t", "v": 1}, {"bn": "outside/", "n": "t", "v": 2}, {"n": "door", "v": 0}])
    assert sent.entries == [Entry(None, {"t": 1, "door": 0}), Entry(None, {"t": 2})]


def test_a_pack_of_one_name_and_instant_costs_no_more_than_another() -> None:
    sent = read([{"n": "t", "v": number} for number in range(10_000)])
    assert [entry.values["t"] for entry in sent.entries] == list(range(10_000))


def test_unknown_fields_are_passed_over_unless_they_must_be_understood() -> None:
    sent = read([{"n": "a", "v": 1, "foo": 2, "ut": 30}, {"n": "b", "v": 2, "foo_": 3}, {"n": "c", "v": 3}])
    assert sent.entries == [Entry(None, {"a": 1, "c": 3})]
    (fault,) = sent.faults
    assert fault.reason is Reason.UNKNOWN_FIELD
    assert fault.detail == "record 2: 'foo_' ends with _, so it must be understood, and is not known here; leave it out"


def test_a_base_field_that_must_be_understood_takes_all_records_behind_it_along() -> None:
    sent = read([{"bn": "x:", "n": "a", "v": 1}, {"bfoo_": 1, "n": "b", "v": 2}, {"n": "c", "v": 3}])
    assert sent.entries == [Entry(None, {"a": 1})]
    (fault,) = sent.faults
    assert fault.reason is Reason.UNKNOWN_FIELD
    again = read(json.loads(json.dumps(fault.part).replace("bfoo_", "bfoo")))
    assert (again.entries, again.faults) == ([Entry(None, {"b": 2, "c": 3})], [])


@pytest.mark.parametrize(
    ("record", "reason", "words"),
    [
        ({"n": "a"}, Reason.WRONG_SHAPE, "there is no value; send v, vs, vb or vd, or the sum s"),
        ({"n": "a", "v": 1, "vb": True}, Reason.WRONG_SHAPE, "v and vb stand in one record; send one of them"),
        ({"n": "a", "v": "1"}, Reason.WRONG_TYPE, "v is '1'; send a number"),
        ({"n": "a", "v": True}, Reason.WRONG_TYPE, "v is True; send a number"),
        ({"n": "a", "v": None}, Reason.WRONG_TYPE, "v is None; send a number"),
        ({"n": "a", "vs": 1}, Reason.WRONG_TYPE, "vs is 1; send a text"),
        ({"n": "a", "vb": 1}, Reason.WRONG_TYPE, "vb is 1; send true or false"),
        ({"n": "a", "vd": "not base64!"}, Reason.WRONG_TYPE, "send base64 with the URL-safe alphabet"),
        ({"n": "a", "vd": "a"}, Reason.WRONG_TYPE, "send base64"),
        ({"n": "a", "vd": "å"}, Reason.WRONG_TYPE, "send base64"),
        ({"n": "a", "u": 1, "v": 1}, Reason.WRONG_TYPE, "u is 1; send a text"),
        ({"n": "a", "t": "now", "v": 1}, Reason.WRONG_TYPE, "t is 'now'; send a number"),
        ({"n": "a", "t": float("nan"), "v": 1}, Reason.NOT_FINITE, "t is nan; send a finite number"),
        ({"n": "a", "t": 10**400, "v": 1}, Reason.NOT_FINITE, "send a finite number"),
        ({"n": 1, "v": 1}, Reason.WRONG_TYPE, "n is 1; send a text"),
        ({"v": 1}, Reason.WRONG_SHAPE, "the name (bn and n together) is ''"),
        ({"n": "æ", "v": 1}, Reason.WRONG_SHAPE, "holds letters, digits and - : . / _ only"),
        ({"n": "_a", "v": 1}, Reason.WRONG_SHAPE, "starts with a letter or digit"),
        ({"n": "urn:dev:1:", "v": 1}, Reason.WRONG_SHAPE, "names the device alone; send the metric's name in n"),
    ],
)
def test_a_bad_record_is_a_fault_alone_that_says_what_would_be_right(
    record: dict[str, Any], reason: Reason, words: str
) -> None:
    sent = read([{"n": "good", "v": 1}, record, {"n": "fine", "v": 2}])
    assert sent.entries == [Entry(None, {"good": 1, "fine": 2})]
    (fault,) = sent.faults
    assert fault.reason is reason
    assert fault.detail.startswith("record 2: ")
    assert words in fault.detail


@pytest.mark.parametrize(
    ("record", "reason", "words"),
    [
        ({"bn": 1}, Reason.WRONG_TYPE, "bn is 1; send a text"),
        ({"bt": "x"}, Reason.WRONG_TYPE, "bt is 'x'; send a number"),
        ({"bt": float("inf")}, Reason.NOT_FINITE, "bt is inf; send a finite number"),
        ({"bver": 11}, Reason.WRONG_SHAPE, "bver is 11; the versions known here are 10 and 26"),
        ({"bver": 0}, Reason.WRONG_SHAPE, "bver is 0"),
        ("text", Reason.WRONG_SHAPE, "'text' is no SenML record; a record is an object"),
    ],
)
def test_a_bad_base_field_is_a_fault_of_all_records_from_there_on(record: Any, reason: Reason, words: str) -> None:
    sent = read([{"bn": "d:", "n": "good", "v": 1}, record, {"n": "lost", "v": 2}])
    assert sent.entries == [Entry(None, {"good": 1})]
    (fault,) = sent.faults
    assert (fault.reason, words in fault.detail) == (reason, True)
    assert isinstance(fault.part, list)
    assert fault.part[0]["bn"] == "d:"
    assert repr(fault.part[1:]) == repr([record, {"n": "lost", "v": 2}])


def test_the_part_of_a_bad_record_stands_alone_with_the_time_it_was_meant_to_have() -> None:
    pack = [{"bn": "d:", "bt": -10, "bu": "V", "bv": 1, "bs": 5, "n": "a", "v": 1, "s": 2, "x_": 0}]
    (fault,) = read(pack).faults
    assert fault.part == [{"n": "d:a", "u": "V", "v": 2.0, "s": 7.0, "t": SECONDS - 10, "x_": 0}]


@pytest.mark.parametrize(
    ("document", "is_it"),
    [
        ([{"n": "a", "v": 1}], True),
        ([{"bn": "a:"}, {"n": "a", "v": 1}], True),
        ([{"v": 1}], True),
        ([{"ts": 1, "values": {"v": 1}}], False),
        ([{"values": {"n": 1}, "n": "a"}], False),
        ([{"n": "a", "v": 1}, {"values": {"a": 1}}], False),
        ([], False),
        ([{}], False),
        (["n"], False),
        ({"n": "a", "v": 1}, False),
        ("n", False),
        (None, False),
    ],
)
def test_senml_is_told_from_the_contracts_json_by_its_labels(document: object, is_it: bool) -> None:
    assert senml.is_senml(document) is is_it


def test_all_registered_units_are_units_that_we_convert_with() -> None:
    wrong = [symbol for symbol, unit in {**senml_units.PRIMARY, **senml_units.SECONDARY}.items() if not is_unit(unit)]
    assert wrong == []
    assert senml_units.unit_of("psi") == "psi"


names = st.from_regex(r"[a-z][a-z0-9_.-]{0,8}", fullmatch=True).filter(lambda name: not name.endswith("_"))
numbers = st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False, width=32)
records = st.tuples(names, st.integers(0, 3), numbers, st.sampled_from(["Cel", "V", "%", "/"]))


@given(st.lists(records, min_size=1, max_size=8, unique_by=lambda record: record[:2]), st.booleans())
def test_what_is_written_as_senml_is_read_as_what_it_was(values: list[tuple[str, int, float, str]], base: bool) -> None:
    start = {"bn": "urn:dev:mac:0024befffe804ff1/", "bt": SECONDS} if base else {}
    pack = [
        {"n": name, "t": age if base else SECONDS + age, "v": value, "u": unit} for name, age, value, unit in values
    ]
    sent = read([{**start, **pack[0]}, *pack[1:]])
    assert sent.faults == []
    found = {
        (name, entry.ts): (value, entry.units[name]) for entry in sent.entries for name, value in entry.values.items()
    }
    assert found == {
        (name, MILLIS + age * 1000): (value, senml_units.unit_of(unit)) for name, age, value, unit in values
    }


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers())
labels = st.sampled_from([*senml._LABELS, "x", "x_", "bx_"])


@given(st.lists(st.dictionaries(labels, anything, max_size=5) | anything, min_size=1, max_size=5))
def test_whatever_a_pack_holds_each_record_is_read_or_a_fault(pack: list[Any]) -> None:
    sent = senml.read(pack, device_id="freezer-1", received=RECEIVED)
    values = sum(len(entry.values) for entry in sent.entries)
    assert values or sent.faults or all(record.keys() <= senml._BASE.keys() | {"u", "ut", "x"} for record in pack)
    json.dumps([fault.part for fault in sent.faults])
