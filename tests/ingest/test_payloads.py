"""Telemetry payloads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iot_service.ingest.payloads import Telemetry, read_telemetry
from iot_service.ingest.reasons import Reason
from tests.ingest.examples import FIELDS, MILLIS, RECEIVED


def read(payload: object, *, retained: bool = False) -> Telemetry:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return read_telemetry(raw, FIELDS, received=RECEIVED, retained=retained)


def test_numbers_and_booleans_are_readings_at_the_time_that_the_device_names() -> None:
    found = read({"ts": MILLIS - 1000, "values": {"temperature": -70.2, "door": True, "energy": 12}})
    ts = RECEIVED - 1_000_000
    assert found.readings == [
        ("temperature", ts, -70.2, False),
        ("door", ts, 1.0, False),
        ("energy", ts, 12.0, False),
    ]
    assert (found.attributes, found.faults) == ([], [])


def test_text_and_lists_of_text_are_attributes() -> None:
    found = read([{"ts": MILLIS, "values": {"codes": "P0300"}}, {"ts": MILLIS, "values": {"Codes.List": ["a", "b"]}}])
    assert found.attributes == [("codes", RECEIVED, "P0300"), ("codes", RECEIVED, ["a", "b"])]
    assert (found.readings, found.faults) == ([], [])


def test_a_name_of_a_standard_means_the_flat_name_in_its_unit() -> None:
    assert read({"ts": MILLIS, "values": {"Seconds": 7200}}).readings == [("hours", RECEIVED, 2.0, False)]


def test_without_a_time_the_time_of_receipt_stands_in_and_is_marked_so() -> None:
    assert read({"values": {"temperature": 1}}).readings == [("temperature", RECEIVED, 1.0, True)]


def test_milliseconds_may_have_a_fraction() -> None:
    assert read({"ts": MILLIS + 0.25, "values": {"door": 0}}).readings == [("door", RECEIVED + 250, 0.0, False)]


@pytest.mark.parametrize(
    ("value", "reason", "words"),
    [
        ("-70.2", Reason.WRONG_TYPE, "temperature is '-70.2'; send a number in °C"),
        (None, Reason.WRONG_TYPE, "temperature is None; send a number"),
        ([1], Reason.WRONG_TYPE, "temperature is [1]; send a number"),
        ({"v": 1}, Reason.WRONG_TYPE, "send a number"),
        (80.1, Reason.OUT_OF_RANGE, "temperature is 80.1; plausible are -120 to 80"),
        (-121, Reason.OUT_OF_RANGE, "plausible are -120 to 80"),
        (float("nan"), Reason.NOT_FINITE, "temperature is nan; send a finite number"),
        (float("-inf"), Reason.NOT_FINITE, "temperature is -inf; send a finite number"),
        (10**400, Reason.OUT_OF_RANGE, "plausible are -120 to 80"),
    ],
)
def test_a_bad_reading_is_a_fault_alone_that_says_what_would_be_right(
    value: object, reason: Reason, words: str
) -> None:
    found = read({"ts": MILLIS, "values": {"temperature": value, "door": 1}})
    assert found.readings == [("door", RECEIVED, 1.0, False)]
    (fault,) = found.faults
    assert fault.reason is reason
    assert words in fault.detail
    assert repr(fault.part) == repr({"ts": MILLIS, "values": {"temperature": value}})


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (7, Reason.WRONG_TYPE),
        (None, Reason.WRONG_TYPE),
        (["a", 1], Reason.WRONG_TYPE),
        ("nul\x00", Reason.WRONG_TYPE),
        (["half \ud800"], Reason.WRONG_TYPE),
        ("x" * 5000, Reason.TOO_LARGE),
        (["x"] * 501, Reason.TOO_LARGE),
    ],
)
def test_an_attribute_is_text_that_can_be_kept(value: object, reason: Reason) -> None:
    found = read({"ts": MILLIS, "values": {"codes": value}})
    assert found.attributes == []
    assert [fault.reason for fault in found.faults] == [reason]


def test_an_unknown_name_is_a_fault_that_lists_the_known_ones() -> None:
    (fault,) = read({"ts": MILLIS, "values": {"temprature": 1}}).faults
    assert fault.reason is Reason.UNKNOWN_METRIC
    assert fault.detail == (
        "'temprature' is no metric and no attribute of freezer, which knows temperature, door, hours, energy, codes"
    )


def test_the_part_of_a_reading_without_a_time_can_be_sent_again_with_the_time_it_had() -> None:
    (fault,) = read({"values": {"temprature": 1}}).faults
    assert fault.part == {"ts": MILLIS, "values": {"temprature": 1}}


@pytest.mark.parametrize(
    ("ts", "reason", "words"),
    [
        (MILLIS + 301_000, Reason.IN_FUTURE, "more than 300 s ahead of 2026-11-21T12:00:00+00:00"),
        (10**30, Reason.IN_FUTURE, "ahead"),
        (MILLIS - 366 * 86_400_000, Reason.TOO_OLD, "older than the 365 days"),
        (MILLIS / 1000, Reason.TOO_OLD, "is it in seconds?"),
        (-1, Reason.TOO_OLD, "older"),
        (float("nan"), Reason.NOT_FINITE, "a finite number"),
        ("2026-11-21", Reason.WRONG_TYPE, "ts is '2026-11-21'; ts is in milliseconds"),
        (True, Reason.WRONG_TYPE, "a number"),
        (None, Reason.WRONG_TYPE, "a number"),
    ],
)
def test_a_time_that_cannot_be_is_refused_with_all_its_values(ts: object, reason: Reason, words: str) -> None:
    found = read([{"ts": ts, "values": {"temperature": 1, "door": 1}}, {"ts": MILLIS, "values": {"door": 0}}])
    assert found.readings == [("door", RECEIVED, 0.0, False)]
    (fault,) = found.faults
    assert fault.reason is reason
    assert words in fault.detail
    assert repr(fault.part) == repr({"ts": ts, "values": {"temperature": 1, "door": 1}})


def test_a_retained_message_needs_a_time() -> None:
    found = read([{"values": {"door": 1}}, {"ts": MILLIS, "values": {"door": 0}}], retained=True)
    assert found.readings == [("door", RECEIVED, 0.0, False)]
    assert [fault.reason for fault in found.faults] == [Reason.RETAINED_WITHOUT_TIME]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.NOT_JSON),
        (b"rubbish", Reason.NOT_JSON),
        (b"\xff\xfe", Reason.NOT_JSON),
        (b'{"ts": 1, "values": {"door": 1}', Reason.NOT_JSON),
        (b"[" * 100_000, Reason.NOT_JSON),
        (b"1" * 5000, Reason.NOT_JSON),
        (b'{"values": {"door": 1, "door": 0}}', Reason.WRONG_SHAPE),
        (b"[]", Reason.WRONG_SHAPE),
        (b"{}", Reason.WRONG_SHAPE),
        (b"null", Reason.WRONG_SHAPE),
        (b'"text"', Reason.WRONG_SHAPE),
        (b'{"door": 1}', Reason.WRONG_SHAPE),
        (b'{"values": {}}', Reason.WRONG_SHAPE),
        (b'{"values": [1]}', Reason.WRONG_SHAPE),
        (b'{"values": {"door": 1}}' + b" " * 256 * 1024, Reason.TOO_LARGE),
        (b"[" + b"{}," * 10_000 + b"{}]", Reason.TOO_LARGE),
    ],
)
def test_a_message_that_is_no_telemetry_is_one_fault(payload: bytes, reason: Reason) -> None:
    found = read(payload)
    assert (found.readings, found.attributes) == ([], [])
    assert [fault.reason for fault in found.faults] == [reason]


def test_what_stands_beside_ts_and_values_is_a_fault_and_the_values_are_kept() -> None:
    found = read({"ts": MILLIS, "values": {"door": 1}, "unit": "C"})
    assert found.readings == [("door", RECEIVED, 1.0, False)]
    assert [(fault.reason, fault.part) for fault in found.faults] == [(Reason.UNKNOWN_FIELD, {"unit": "C"})]


names = st.sampled_from([*FIELDS.by_name, "unknown"]) | st.text()
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=8
)
times = st.just(MILLIS) | st.integers(MILLIS - 10**6, MILLIS) | scalars
entries = st.fixed_dictionaries(
    {"values": st.dictionaries(names, scalars | anything, max_size=6)}, optional={"ts": times}
)


def values_in(entry: Any) -> int:
    """How many values an entry holds, as the contract counts them."""
    values = entry.get("values") if isinstance(entry, dict) else None
    return max(1, len(values)) if isinstance(values, dict) else 1


@settings(max_examples=400, deadline=None)
@given(st.lists(entries, min_size=1, max_size=4), st.booleans())
def test_every_value_is_stored_or_is_in_a_fault(document: list[dict[str, Any]], retained: bool) -> None:
    found = read(document, retained=retained)
    stored = len(found.readings) + len(found.attributes)
    refused = sum(values_in(fault.part) for fault in found.faults)
    assert stored + refused == sum(values_in(entry) for entry in document)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200) | anything)
def test_whatever_a_device_sends_something_comes_of_it_and_nothing_breaks(payload: object) -> None:
    found = read(payload)
    assert found.readings or found.attributes or found.faults
    assert all(fault.detail for fault in found.faults)
