"""Rows of tables become records."""

from __future__ import annotations

import io

import pytest

from iot_service.errors import InvalidInputError
from iot_service.ingest.importing.csv_rows import CsvReader
from iot_service.ingest.importing.records import Chunk
from iot_service.ingest.limits import PAYLOAD_BYTES
from iot_service.ingest.reasons import Reason


def read(data: bytes, device_id: str | None = None) -> Chunk:
    (chunk,) = CsvReader(io.BytesIO(data), total=len(data), device_id=device_id).chunks(0)
    assert chunk.position == len(data)
    return chunk


def test_a_long_table_has_a_row_for_each_value() -> None:
    data = b"device,ts,metric,value\nf1,1,door,0\nf1,1,temperature,-70\nf2,1,door,1\nf2,2,door,1\nf2,2,door,0\n"
    assert read(data).records == [
        ("f1", 1000, {"door": "0", "temperature": "-70"}), ("f2", 1000, {"door": "1"}), ("f2", 2000, {"door": "1"}),
        ("f2", 2000, {"door": "0"}),
    ]  # fmt: skip


def test_a_wide_table_has_a_column_for_each_metric_and_an_empty_cell_is_no_value() -> None:
    header = "\ufefftime;device_id;door;temperature\r\n"
    data = (header + "1970-01-01T00:00:01Z;f1;0;-70,5\r\n2000;f1;;\r\n3000;f1;1;\r\n").encode()
    assert read(data).records == [
        ("f1", 1_000_000, {"door": "0", "temperature": "-70,5"}),
        ("f1", 3_000_000, {"door": "1"}),
    ]
    assert read(b"ts\tdoor\n1\t0\n", "f9").records == [("f9", 1000, {"door": "0"})]


def test_a_quoted_cell_may_hold_the_delimiter_and_an_open_quote_takes_no_other_line() -> None:
    chunk = read(b'device,ts,firmware\nf1,1,"a,b"\nf1,2,"open\nf1,3,c\n')
    assert [values["firmware"] for _, _, values in chunk.records] == ["a,b", "open", "c"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"f1,1,door", Reason.WRONG_SHAPE), (b"f1,1,door,0,0", Reason.WRONG_SHAPE),
        (b"f1,noon,door,0", Reason.WRONG_TYPE),
        (b"f1,,door,0", Reason.WRONG_TYPE), (b"\xff,1,door,0", Reason.WRONG_SHAPE),
        (b"f1,1,door," + b"1" * PAYLOAD_BYTES, Reason.TOO_LARGE), (b'f1,1,door,"' + b"1" * 140_000, Reason.WRONG_SHAPE),
    ],
)  # fmt: skip
def test_a_bad_row_is_a_misfit_alone(line: bytes, reason: Reason) -> None:
    chunk = read(b"device,ts,metric,value\nf1,1,door,0\n" + line + b"\nf1,2,door,1\n")
    assert [(misfit.raw, misfit.fault.reason) for misfit in chunk.misfits] == [(line, reason)]
    assert [ts for _, ts, _ in chunk.records] == [1000, 2000]


@pytest.mark.parametrize(
    ("header", "device", "said"),
    [
        (b"device,metric,value", None, "no column ts"), (b"ts,metric,value", None, "--device"),
        (b"device,ts,metric,value", "f1", "leave --device out"), (b"device,ts", None, "no column with values"),
        (b"device,ts,metric,value,unit", None, "unit"), (b"device,ts,door,door", None, "twice"),
        (b"device,ts,", None, "no name"), (b"\xff", None, "UTF-8"), (b"", "f1", "ts"),
    ],
)  # fmt: skip
def test_a_header_that_is_not_understood_says_what_would_be_right(header: bytes, device: str | None, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        CsvReader(io.BytesIO(header), total=None, device_id=device)


def test_reading_goes_on_after_the_rows_that_were_read() -> None:
    data = b"device,ts,door\n" + b"".join(b"f1,%d,0\n" % number for number in range(300_000))
    reader = CsvReader(io.BytesIO(data), total=len(data), device_id=None)
    chunks = list(reader.chunks(0))
    assert len(chunks) > 1
    again = list(CsvReader(io.BytesIO(data), total=len(data), device_id=None).chunks(chunks[0].position))
    assert again == chunks[1:]
    assert sum(len(chunk.records) for chunk in chunks) == 300_000
