"""The metrics of one payload."""

from __future__ import annotations

import pytest

from iot_service.ingest.jsontext import UnreadableError
from iot_service.ingest.reasons import Reason
from iot_service.ingest.sent import Entry
from iot_service.ingest.sparkplug.metrics import (
    Birth,
    Definition,
    birth_number,
    open_payload,
    read_birth,
    read_metrics,
)
from iot_service.ingest.sparkplug.values import DataType
from iot_service.ingest.sparkplug.wire import new_payload
from tests.ingest.sparkplug.edge import MILLIS, metric

BIRTH = Birth(
    metrics={"temperature": Definition(DataType.INT16, "°F"), "door": Definition(DataType.BOOLEAN, "")},
    names={7: "temperature", 8: "door"},
)


def test_values_are_grouped_by_instant_and_the_payloads_time_stands_in() -> None:
    payload = new_payload(timestamp=MILLIS)
    metric(payload, "temperature", -70.5, timestamp=MILLIS - 2000)
    metric(payload, "temperature", -70.0)
    metric(payload, "door", True, DataType.BOOLEAN)
    found = read_metrics(payload, None, is_birth=False)
    assert found.entries == [
        Entry(MILLIS - 2000, {"temperature": -70.5}, {}),
        Entry(MILLIS, {"temperature": -70.0, "door": True}, {}),
    ]
    assert (found.faults, found.unresolved) == ([], False)


def test_two_values_of_one_metric_at_one_instant_both_come_out() -> None:
    payload = new_payload()
    for value in (1.0, 2.0):
        metric(payload, "temperature", value)
    found = read_metrics(payload, None, is_birth=False)
    assert [(entry.ts, entry.values) for entry in found.entries] == [
        (None, {"temperature": 1.0}),
        (None, {"temperature": 2.0}),
    ]


def test_an_alias_stands_for_the_name_type_and_unit_of_the_birth() -> None:
    payload = new_payload(timestamp=MILLIS)
    metric(payload, None, 0xFFBA, DataType.UNKNOWN, alias=7)
    metric(payload, None, 1, DataType.UNKNOWN, alias=8)
    assert read_metrics(payload, BIRTH, is_birth=False).entries == [
        Entry(MILLIS, {"temperature": -70, "door": True}, {"temperature": "°F"})
    ]


def test_a_unit_that_comes_with_the_value_stands_for_the_births() -> None:
    payload = new_payload()
    metric(payload, "temperature", 1, DataType.INT16, properties={"engUnit": "K"})
    assert read_metrics(payload, BIRTH, is_birth=False).entries[0].units == {"temperature": "K"}


def test_an_unknown_alias_is_a_fault_and_the_others_are_kept() -> None:
    payload = new_payload()
    metric(payload, None, 1, DataType.UNKNOWN, alias=8)
    metric(payload, None, 1, DataType.UNKNOWN, alias=99)
    found = read_metrics(payload, BIRTH, is_birth=False)
    assert found.entries[0].values == {"door": True}
    assert found.unresolved
    (fault,) = found.faults
    assert fault.reason is Reason.UNKNOWN_METRIC
    assert fault.detail == "alias 99 stands for no metric of the last birth we know; a rebirth is asked for"


def test_historical_values_are_values_of_their_time() -> None:
    payload = new_payload(timestamp=MILLIS)
    metric(payload, "door", True, DataType.BOOLEAN, timestamp=MILLIS - 86_400_000, is_historical=True)
    assert read_metrics(payload, None, is_birth=False).entries == [Entry(MILLIS - 86_400_000, {"door": True}, {})]


def test_null_defines_a_metric_in_a_birth_and_is_told_in_data() -> None:
    payload = new_payload()
    metric(payload, "temperature", None, DataType.INT16, alias=7)
    birth, faults = read_birth(payload)
    assert birth == Birth({"temperature": Definition(DataType.INT16, "")}, {7: "temperature"})
    in_birth = read_metrics(payload, birth, is_birth=True)
    assert (in_birth.entries, in_birth.faults, faults) == ([], [], [])
    (fault,) = read_metrics(payload, birth, is_birth=False).faults
    assert fault.detail == "temperature: it is null, which says that there is no value to store"


def test_controls_and_birth_numbers_are_not_measured() -> None:
    payload = new_payload()
    metric(payload, "bdSeq", 4, DataType.INT64)
    metric(payload, "Node Control/Rebirth", False, DataType.BOOLEAN)
    metric(payload, "Device Control/Reboot", False, DataType.BOOLEAN)
    found = read_metrics(payload, None, is_birth=True)
    assert (found.entries, found.faults) == ([], [])
    assert birth_number(payload) == 4


def test_one_fault_speaks_of_all_metrics_with_the_same_trouble() -> None:
    payload = new_payload()
    for number in range(8):
        metric(payload, f"picture {number}", b"x", DataType.BYTES)
    metric(payload, "door", True, DataType.BOOLEAN, properties={"Quality": 500})
    found = read_metrics(payload, None, is_birth=False)
    assert [fault.reason for fault in found.faults] == [Reason.WRONG_TYPE, Reason.BAD_QUALITY]
    assert found.faults[0].detail.startswith("picture 0: it is Bytes (bytes_value); send numbers")
    assert found.faults[0].detail.endswith("; and 3 more")
    assert found.faults[1].detail == "door: its quality is 500 (stale); the value is not stored"


def test_ten_thousand_bad_metrics_are_one_fault() -> None:
    payload = new_payload()
    for alias in range(10_000):
        metric(payload, None, 1.0, alias=alias)
    found = read_metrics(open_payload(payload.SerializeToString()), None, is_birth=False)
    assert (len(found.faults), found.unresolved) == (1, True)
    assert len(found.faults[0].detail) < 1000


def test_an_alias_that_two_metrics_share_stands_for_neither() -> None:
    payload = new_payload()
    for name in ("temperature", "setpoint"):
        metric(payload, name, 1.0, alias=3)
    birth, (fault,) = read_birth(payload)
    assert birth.names == {}
    assert fault.detail == "alias 3 stands for both 'temperature' and 'setpoint'"


@pytest.mark.parametrize("name", [b"\xff", b"nul\x00", b"x" * 513])
def test_a_name_that_cannot_be_kept_is_a_fault_alone(name: bytes) -> None:
    payload = new_payload()
    metric(payload, "door", True, DataType.BOOLEAN)
    payload.metrics.add(name=name).int_value = 1
    birth, _ = read_birth(payload)
    assert list(birth.metrics) == ["door"]
    found = read_metrics(payload, birth, is_birth=True)
    assert [entry.values for entry in found.entries] == [{"door": True}]
    assert len(found.faults) == 1


def test_a_metric_without_name_and_alias_is_a_fault() -> None:
    payload = new_payload()
    metric(payload, None, 1.0)
    found = read_metrics(payload, BIRTH, is_birth=False)
    assert [(fault.reason, found.unresolved) for fault in found.faults] == [(Reason.WRONG_SHAPE, False)]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"rubbish", Reason.WRONG_SHAPE),
        (b"\x12\x05a", Reason.WRONG_SHAPE),  # cut off
        (b"\x18" + b"\xff" * 20, Reason.WRONG_SHAPE),  # a number that never ends
        (b"\x0b" * 5000, Reason.WRONG_SHAPE),  # groups in groups
        (b"\x12\x00" * 10_001, Reason.TOO_LARGE),
        (b"\x00" * (256 * 1024 + 1), Reason.TOO_LARGE),
        (new_payload(body=b"zip").SerializeToString(), Reason.WRONG_SHAPE),
    ],
)
def test_what_is_no_payload_is_told(data: bytes, reason: Reason) -> None:
    with pytest.raises(UnreadableError) as raised:
        open_payload(data)
    assert raised.value.reason is reason


def test_a_template_nested_without_end_is_not_even_looked_into() -> None:
    nested = b""
    for _ in range(2000):
        inner = b"\x92\x01" + _length(nested) + nested  # a metric with a template ...
        nested = b"\x12" + _length(inner) + inner  # ... that holds one metric
    payload = new_payload()
    payload.metrics.add(name=b"udt", datatype=DataType.TEMPLATE).template_value = nested
    (fault,) = read_metrics(open_payload(payload.SerializeToString()), None, is_birth=False).faults
    assert fault.reason is Reason.WRONG_TYPE


def _length(data: bytes) -> bytes:
    size, result = len(data), bytearray()
    while size > 127:
        result.append(size & 127 | 128)
        size >>= 7
    return bytes([*result, size])
