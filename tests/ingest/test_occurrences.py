"""Device events, statuses and answers to commands."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iot_service.ingest.occurrences import Occurrences, check_occurrences, read_command_ack, read_events, read_status
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.sent import Occurrence
from tests.ingest.examples import LIMITS, MILLIS, RECEIVED


def read(payload: object, *, retained: bool = False) -> Occurrences:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return read_events(raw, received=RECEIVED, retained=retained, limits=LIMITS)


def test_an_event_has_a_name_a_time_and_data() -> None:
    found = read({"ts": MILLIS - 1, "name": "BeanContainerEmpty", "data": {"b": 1, "a": [None]}})
    assert found.events == [("BeanContainerEmpty", RECEIVED - 1000, '{"a": [null], "b": 1}')]
    assert found.faults == []


def test_one_message_may_hold_several_events_and_a_bad_one_stands_alone() -> None:
    found = read([{"name": "DripTrayFull"}, {"name": ""}, 7])
    assert found.events == [("DripTrayFull", RECEIVED, "{}")]
    assert [(fault.reason, fault.part) for fault in found.faults] == [
        (Reason.WRONG_SHAPE, {"name": ""}),
        (Reason.WRONG_SHAPE, 7),
    ]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"BeanContainerEmpty", Reason.NOT_JSON),
        ([], Reason.WRONG_SHAPE),
        ({}, Reason.WRONG_SHAPE),
        ({"name": 7}, Reason.WRONG_SHAPE),
        ({"name": "x" * 129}, Reason.WRONG_SHAPE),
        ({"name": "nul\x00"}, Reason.WRONG_SHAPE),
        ({"name": "command/ack"}, Reason.WRONG_SHAPE),
        ({"name": "x", "data": [1]}, Reason.WRONG_TYPE),
        ({"name": "x", "data": {"deep": [["nul\x00"]]}}, Reason.WRONG_TYPE),
        ({"name": "x", "data": {"\ud800": 1}}, Reason.WRONG_TYPE),
        ({"name": "x", "data": {"v": float("nan")}}, Reason.NOT_FINITE),
        ({"name": "x", "data": json.loads('{"v":' * 20 + "1" + "}" * 20)}, Reason.WRONG_SHAPE),
        ({"name": "x", "values": {}}, Reason.UNKNOWN_FIELD),
        ({"name": "x", "ts": MILLIS + 600_000}, Reason.IN_FUTURE),
        (b'{"name": "x"}' + b" " * 256 * 1024, Reason.TOO_LARGE),
    ],
)
def test_an_event_that_cannot_be_kept_is_a_fault(payload: object, reason: Reason) -> None:
    found = read(payload)
    assert found.events == []
    assert [fault.reason for fault in found.faults] == [reason]


def test_a_retained_event_needs_a_time() -> None:
    assert [fault.reason for fault in read({"name": "x"}, retained=True).faults] == [Reason.RETAINED_WITHOUT_TIME]


@pytest.mark.parametrize(("payload", "online"), [(b"online", True), (b"offline", False)])
def test_a_status_is_one_of_two_words(payload: bytes, online: bool) -> None:
    assert read_status(payload) is online


@pytest.mark.parametrize("payload", [b"", b"ONLINE", b'"online"', b"\xff"])
def test_any_other_status_is_a_fault(payload: bytes) -> None:
    fault = read_status(payload)
    assert isinstance(fault, Fault)
    assert fault.reason is Reason.WRONG_SHAPE


def test_an_answer_to_a_command_is_kept_among_the_events() -> None:
    found = read_command_ack(b'{"id": 7, "ok": true}', received=RECEIVED)
    assert found.events == [("command/ack", RECEIVED, '{"id": 7, "ok": true}')]


@pytest.mark.parametrize("payload", [b"{}", b'{"id": 1}', b'{"id": 1, "ok": 1}', b"[]", b"ok"])
def test_an_answer_says_to_what_and_whether(payload: bytes) -> None:
    found = read_command_ack(payload, received=RECEIVED)
    assert found.events == []
    assert len(found.faults) == 1


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=100), st.booleans())
def test_whatever_a_device_sends_it_is_an_event_or_a_fault(payload: bytes, retained: bool) -> None:
    found = read_events(payload, received=RECEIVED, retained=retained, limits=LIMITS)
    assert found.events or found.faults


def test_events_of_other_formats_are_checked_like_ones_own() -> None:
    found = check_occurrences(
        [
            Occurrence("BeanContainerEmpty", MILLIS, {}),
            Occurrence("Opened", None, 5),
            Occurrence("", None, {}),
            Occurrence("Late", 1.0, {}),
        ],
        received=RECEIVED,
        retained=False,
        limits=LIMITS,
    )
    assert found.events == [("BeanContainerEmpty", RECEIVED, "{}"), ("Opened", RECEIVED, '{"value": 5}')]
    assert [(fault.reason, fault.part) for fault in found.faults] == [
        (Reason.WRONG_SHAPE, {"name": "", "data": {}}),
        (Reason.TOO_OLD, {"name": "Late", "data": {}, "ts": 1.0}),
    ]
