"""Values of metrics by data type."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_service.ingest.reasons import Reason
from iot_service.ingest.sparkplug.values import (
    DataType,
    Properties,
    ValueFaultError,
    check_quality,
    read_properties,
    read_value,
    shortest,
)
from iot_service.ingest.sparkplug.wire import new_payload
from tests.ingest.sparkplug.edge import metric


def read(value: object, datatype: int, held: str) -> object:
    return read_value(metric(new_payload(), "m", value, datatype, held=held), datatype)


@pytest.mark.parametrize(
    ("datatype", "held", "raw", "means"),
    [
        (DataType.INT8, "int_value", 0xFF, -1),
        (DataType.INT8, "int_value", 0xFFFFFFFF, -1),
        (DataType.INT8, "int_value", 127, 127),
        (DataType.INT16, "int_value", 0x8000, -32768),
        (DataType.INT32, "int_value", 0xFFFFFFFE, -2),
        (DataType.INT32, "long_value", 0xFFFFFFFE, -2),
        (DataType.INT32, "long_value", (1 << 64) - 2, -2),
        (DataType.INT64, "long_value", (1 << 64) - 1, -1),
        (DataType.INT64, "int_value", 5, 5),
        (DataType.UINT8, "int_value", 255, 255),
        (DataType.UINT32, "long_value", 0xFFFFFFFF, 0xFFFFFFFF),
        (DataType.UINT64, "long_value", (1 << 64) - 1, (1 << 64) - 1),
        (DataType.FLOAT, "float_value", -70.2, -70.2),
        (DataType.DOUBLE, "double_value", -70.2, -70.2),
        (DataType.DOUBLE, "float_value", 0.5, 0.5),
        (DataType.BOOLEAN, "boolean_value", True, True),
        (DataType.BOOLEAN, "int_value", 0, False),
        (DataType.STRING, "string_value", b"Pi 3", "Pi 3"),
        (DataType.TEXT, "string_value", "blåbær".encode(), "blåbær"),
        (DataType.UUID, "string_value", b"0f-1", "0f-1"),
        (DataType.DATETIME, "long_value", 1_795_262_400_250, "2026-11-21T12:00:00.250Z"),
        (DataType.UNKNOWN, "int_value", 127, 127),
        (DataType.UNKNOWN, "double_value", 1e300, 1e300),
        (DataType.UNKNOWN, "boolean_value", False, False),
        (DataType.UNKNOWN, "string_value", b"a", "a"),
    ],
)
def test_a_value_is_what_its_data_type_says(datatype: int, held: str, raw: object, means: object) -> None:
    found = read(raw, datatype, held)
    assert found == means
    assert type(found) is type(means)


@pytest.mark.parametrize(
    ("datatype", "held", "raw", "reason", "words"),
    [
        (DataType.INT8, "int_value", 300, Reason.OUT_OF_RANGE, "300 does not fit into Int8"),
        (DataType.UINT8, "int_value", 256, Reason.OUT_OF_RANGE, "does not fit into UInt8"),
        (DataType.INT16, "long_value", 1 << 40, Reason.OUT_OF_RANGE, "does not fit into Int16"),
        (DataType.UNKNOWN, "int_value", 128, Reason.WRONG_TYPE, "only the birth names"),
        (DataType.BOOLEAN, "int_value", 2, Reason.WRONG_TYPE, "it is Boolean, but holds a int_value"),
        (DataType.INT32, "string_value", b"7", Reason.WRONG_TYPE, "it is Int32, but holds a string_value"),
        (DataType.STRING, "string_value", b"\xff", Reason.WRONG_TYPE, "not UTF-8"),
        (DataType.DATETIME, "long_value", 1 << 63, Reason.OUT_OF_RANGE, "after the year 9999"),
        (DataType.BYTES, "bytes_value", b"x", Reason.WRONG_TYPE, "it is Bytes"),
        (DataType.FILE, "bytes_value", b"x", Reason.WRONG_TYPE, "it is File"),
        (DataType.DATASET, "dataset_value", b"", Reason.WRONG_TYPE, "send numbers, truth values and texts"),
        (DataType.TEMPLATE, "template_value", b"", Reason.WRONG_TYPE, "it is Template"),
        (22, "bytes_value", b"x", Reason.WRONG_TYPE, "data type 22"),
        (4_000_000_000, "int_value", 1, Reason.WRONG_TYPE, "data type 4000000000"),
    ],
)
def test_what_cannot_be_taken_is_told(datatype: int, held: str, raw: object, reason: Reason, words: str) -> None:
    with pytest.raises(ValueFaultError) as raised:
        read(raw, datatype, held)
    assert raised.value.reason is reason
    assert words in raised.value.detail


@given(st.integers(-(1 << 15), (1 << 15) - 1))
def test_a_negative_number_may_come_cut_or_extended(number: int) -> None:
    for width, held in ((16, "int_value"), (32, "int_value"), (64, "long_value")):
        assert read(number % (1 << width), DataType.INT16, held) == number


@given(st.floats(width=32))
def test_the_shortest_number_is_the_same_one_in_32_bits(value: float) -> None:
    found = shortest(value)
    assert math.isnan(found) if math.isnan(value) else struct.pack("<f", found) == struct.pack("<f", value)


def test_a_properties_unit_and_quality_are_read() -> None:
    held = metric(new_payload(), "m", 1.0, properties={"engUnit": " °F ", "engLow": 5, "Quality": 192})
    assert read_properties(held) == Properties("°F", 192)
    assert read_properties(metric(new_payload(), "m", 1.0)) == Properties()


@pytest.mark.parametrize(("quality", "word"), [(0, "bad"), (500, "stale"), (64, "bad"), (2**32 - 1, "bad")])
def test_a_value_of_bad_quality_is_not_taken(quality: int, word: str) -> None:
    with pytest.raises(ValueFaultError, match=word) as raised:
        check_quality(quality)
    assert raised.value.reason is Reason.BAD_QUALITY


@pytest.mark.parametrize("quality", [None, 192, 216])
def test_a_value_of_good_quality_is_taken(quality: int | None) -> None:
    check_quality(quality)
    assert read(1.0, DataType.DOUBLE, "double_value") == 1.0
