"""Lines of JSON become records."""

from __future__ import annotations

import io

import pytest

from iot_service.ingest.importing.ndjson import NdjsonReader
from iot_service.ingest.importing.records import Chunk, Oddity
from iot_service.ingest.limits import PAYLOAD_BYTES
from iot_service.ingest.reasons import Reason


def read(data: bytes, device_id: str | None = None) -> Chunk:
    (chunk,) = NdjsonReader(io.BytesIO(data + b"\n"), total=None, device_id=device_id).chunks(0)
    return chunk


def test_a_line_is_a_record() -> None:
    chunk = read(
        b'{"device": "f1", "ts": 1795262400000, "values": {"door": 0}}\n\n  \n{"ts":1.5,"values":{"a":1}}', "f2"
    )
    assert chunk.records == [("f1", 1_795_262_400_000_000, {"door": 0}), ("f2", 1500, {"a": 1})]
    assert (chunk.oddities, chunk.misfits, chunk.texts) == ([], [], False)


@pytest.mark.parametrize(
    "line",
    [
        b'{"device": "f1", "ts": "noon", "values": {"door": 0}}', b'{"device": "f1", "ts": 1, "values": {}}',
        b'{"device": "f1", "ts": 1, "values": {"door": 0}, "unit": "K"}', b'{"device": "f1", "ts": 1}',
        b'{"device": "f1", "ts": NaN, "values": {"door": 0}}', b'{"device": "f1", "ts": 1e300, "values": {"door": 0}}',
    ],
)  # fmt: skip
def test_what_is_no_plain_record_goes_the_long_way_with_its_device(line: bytes) -> None:
    (oddity,) = read(line).oddities
    assert isinstance(oddity, Oddity)
    assert oddity.device_id == "f1"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", Reason.NOT_JSON), (b"\xff", Reason.NOT_JSON), (b"[]", Reason.WRONG_SHAPE), (b"{}", Reason.WRONG_SHAPE),
        (b'{"device": 1, "ts": 1, "values": {"door": 0}}', Reason.WRONG_SHAPE),
        (b'{"device": "f1", "values": {"door": 0}}', Reason.WRONG_SHAPE),
        (b'{"device": "f1", "ts": 1, "values": {"door": 0, "door": 1}}', Reason.WRONG_SHAPE),
        (b'"' + b"x" * PAYLOAD_BYTES + b'"', Reason.TOO_LARGE),
    ],
)  # fmt: skip
def test_a_line_that_says_nothing_of_a_device_at_a_time_is_a_misfit_alone(line: bytes, reason: Reason) -> None:
    chunk = read(
        b'{"device": "f1", "ts": 1, "values": {"a": 1}}\n' + line + b'\n{"device":"f1","ts":2,"values":{"a":1}}'
    )
    (misfit,) = chunk.misfits
    assert (misfit.raw, misfit.fault.reason) == (line, reason)
    assert len(chunk.records) == 2
