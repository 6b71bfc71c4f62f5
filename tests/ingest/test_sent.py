"""What messages of other formats say, checked by the product model of their device."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iot_service.ingest.payloads import Telemetry, check_sent, read_telemetry
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.sent import Entry, Sent
from tests.ingest.examples import FIELDS, MILLIS, RECEIVED


def check(*entries: Entry, retained: bool = False, faults: tuple[Fault, ...] = ()) -> Telemetry:
    sent = Sent("freezer-1", entries, faults=list(faults))
    return check_sent(sent, FIELDS, received=RECEIVED, retained=retained)


def read(document: Any, *, retained: bool = False) -> Telemetry:
    payload = json.dumps(document).encode()
    return read_telemetry(payload, FIELDS, received=RECEIVED, retained=retained)


def test_values_are_converted_before_they_are_judged() -> None:
    found = check(Entry(MILLIS, {"temperature": -94, "door": True, "codes": "P1"}, {"temperature": "degF"}))
    assert found.readings == [("door", RECEIVED, 1.0, False), ("temperature", RECEIVED, pytest.approx(-70.0), False)]
    assert found.attributes == [("codes", RECEIVED, "P1")]
    assert found.faults == []


def test_a_value_that_is_implausible_once_converted_can_be_sent_again_in_the_metrics_unit() -> None:
    (fault,) = check(Entry(MILLIS, {"temperature": 212}, {"temperature": "degF"})).faults
    assert fault == Fault(
        Reason.OUT_OF_RANGE,
        "temperature is 100.0; plausible are -120 to 80",
        {"ts": MILLIS, "values": {"temperature": 100.0}},
    )


def test_the_faults_of_reading_come_first() -> None:
    first = Fault(Reason.NOT_JSON, "not JSON")
    found = check(Entry(MILLIS, {"unknown": 1}), faults=(first,))
    assert [fault.reason for fault in found.faults] == [Reason.NOT_JSON, Reason.UNKNOWN_METRIC]


def test_a_unit_that_does_not_fit_leaves_the_other_values() -> None:
    found = check(Entry(MILLIS, {"temperature": 5, "door": 1}, {"temperature": "V"}))
    assert found.readings == [("door", RECEIVED, 1.0, False)]
    assert [fault.reason for fault in found.faults] == [Reason.WRONG_UNIT]


def test_a_time_that_counts_from_now_is_marked_as_assumed() -> None:
    found = check(Entry(MILLIS - 5000, {"door": 1}, {}, assumed=True), Entry(None, {"door": 0}))
    assert found.readings == [("door", RECEIVED - 5_000_000, 1.0, True), ("door", RECEIVED, 0.0, True)]


@pytest.mark.parametrize("entry", [Entry(None, {"door": 1}), Entry(MILLIS - 5, {"door": 1}, {}, assumed=True)])
def test_a_retained_message_needs_an_absolute_time(entry: Entry) -> None:
    found = check(entry, retained=True)
    assert found.readings == []
    assert [fault.reason for fault in found.faults] == [Reason.RETAINED_WITHOUT_TIME]


@pytest.mark.parametrize(
    ("ts", "reason"), [(MILLIS + 10**7, Reason.IN_FUTURE), (1.0, Reason.TOO_OLD), (float("nan"), Reason.NOT_FINITE)]
)
def test_a_time_that_cannot_be_is_refused_with_all_its_values(ts: float, reason: Reason) -> None:
    (fault,) = check(Entry(ts, {"door": 1, "temperature": 1})).faults
    assert fault.reason is reason
    assert repr(fault.part) == repr({"ts": ts, "values": {"door": 1, "temperature": 1}})


def test_a_message_cannot_make_us_learn_units_without_end() -> None:
    many = Entry(MILLIS, {"door": 1}, {f"n{number}": f"u{number}" for number in range(65)})
    (fault,) = check(many).faults
    assert (fault.reason, fault.part) == (Reason.TOO_LARGE, None)
    assert fault.detail == "the message names 65 different units; at most 64: send several messages"


def test_the_contracts_json_may_name_units() -> None:
    found = read({"ts": MILLIS, "values": {"temperature": -94, "door": 1}, "units": {"temperature": "degF"}})
    assert found.readings == [("door", RECEIVED, 1.0, False), ("temperature", RECEIVED, pytest.approx(-70.0), False)]
    assert found.faults == []


def test_a_part_with_a_wrong_unit_can_be_sent_again_as_it_is() -> None:
    (fault,) = read({"values": {"temperature": 1}, "units": {"temperature": "V"}}).faults
    assert fault.reason is Reason.WRONG_UNIT
    assert read(fault.part).faults == [fault]


@pytest.mark.parametrize(
    ("units", "words"),
    [
        ("degF", "units is 'degF'; send {name: unit}, as"),
        ({"door": 1}, "the unit of 'door' is 1; send {name: unit}"),
        ({"dor": "1"}, "units names 'dor', which is not among the values"),
    ],
)
def test_units_that_are_none_are_a_fault_of_the_entry(units: object, words: str) -> None:
    (good, bad) = [{"values": {"door": 1}}, {"ts": MILLIS, "values": {"door": 0}, "units": units}]
    found = read([good, bad])
    assert found.readings == [("door", RECEIVED, 1.0, True)]
    (fault,) = found.faults
    assert fault.part == bad
    assert words in fault.detail


def test_what_else_stands_beside_the_values_is_a_fault_and_the_values_are_converted() -> None:
    found = read({"ts": MILLIS, "values": {"hours": 90}, "units": {"hours": "min"}, "x": 1})
    assert found.readings == [("hours", RECEIVED, 1.5, False)]
    assert [(fault.reason, fault.part) for fault in found.faults] == [(Reason.UNKNOWN_FIELD, {"x": 1})]


def test_senml_comes_on_the_same_topic() -> None:
    found = read(
        [{"bn": "urn:dev:ops:freezer-1:", "bt": MILLIS / 1000, "n": "temperature", "u": "K", "v": 203.15},
         {"n": "door", "t": -60, "vb": True}, {"n": "codes", "vs": "P0300"}, {"n": "hours", "v": "x"}]
    )  # fmt: skip
    assert found.readings == [
        ("temperature", RECEIVED, pytest.approx(-70.0), False), ("door", RECEIVED - 60_000_000, 1.0, False)
    ]  # fmt: skip
    assert found.attributes == [("codes", RECEIVED, "P0300")]
    assert [fault.reason for fault in found.faults] == [Reason.WRONG_TYPE]
