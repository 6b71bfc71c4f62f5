"""Rows of Parquet files become records."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from iot_service.errors import InvalidInputError, StopError
from iot_service.ingest.importing.parquet import ParquetReader
from iot_service.ingest.reasons import Reason

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MICROS = 1_795_262_400_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.parquet"


def write(path: Path, *, groups: int = 1_000_000, **columns: Any) -> None:
    pyarrow.parquet.write_table(pyarrow.table(columns), path, row_group_size=groups)


def test_a_wide_table_gives_its_values_and_nulls_are_none(path: Path) -> None:
    write(path, device=["f1", "f1"], ts=[NOON, NOON], door=[0, None], temperature=[-70.5, None], firmware=["1", "2"])
    (chunk,) = ParquetReader(path, device_id=None).chunks(0)
    assert chunk.records == [
        ("f1", MICROS, {"door": 0, "temperature": -70.5, "firmware": "1"}),
        ("f1", MICROS, {"firmware": "2"}),
    ]
    assert chunk.texts is False


@pytest.mark.parametrize(
    "times",
    [
        [NOON], pyarrow.array([MICROS * 1000], pyarrow.timestamp("ns")), [MICROS // 1000], ["2026-11-21T12:00:00Z"],
        [MICROS / 1000], pyarrow.array([MICROS // 1_000_000], pyarrow.timestamp("s", tz="Europe/Oslo")),
    ],
)  # fmt: skip
def test_times_come_in_many_types(path: Path, times: Any) -> None:
    write(path, ts=times, metric=["door"], value=[1.0])
    (chunk,) = ParquetReader(path, device_id="f1").chunks(0)
    assert chunk.records == [("f1", MICROS, {"door": 1.0})]


def test_a_row_without_device_or_time_is_a_misfit_alone(path: Path) -> None:
    write(path, device=["f1", None, "f1"], ts=[None, "noon", "1000"], door=[0, 1, 0])
    (chunk,) = ParquetReader(path, device_id=None).chunks(0)
    assert [misfit.fault.reason for misfit in chunk.misfits] == [Reason.WRONG_TYPE, Reason.WRONG_SHAPE]
    assert chunk.records == [("f1", 1_000_000, {"door": 0})]


def test_reading_goes_on_in_the_middle_of_a_row_group(path: Path) -> None:
    write(path, groups=30_000, device=["f1"] * 70_000, ts=list(range(70_000)), door=[0] * 70_000)
    reader = ParquetReader(path, device_id=None)
    chunks = list(reader.chunks(0))
    assert (reader.total, chunks[-1].position) == (70_000, 70_000)
    assert sum(len(chunk.records) for chunk in chunks) == 70_000
    for place, chunk in enumerate(chunks):
        assert list(ParquetReader(path, device_id=None).chunks(chunk.position)) == chunks[place + 1 :]
    later = list(ParquetReader(path, device_id=None).chunks(31_000))
    assert later[0].records[0][1] == 31_000_000
    assert sum(len(chunk.records) for chunk in later) == 39_000


def test_a_file_of_another_kind_is_refused(path: Path) -> None:
    path.write_bytes(b"device,ts,door\n")
    with pytest.raises(InvalidInputError, match="no Parquet file"):
        ParquetReader(path, device_id=None)


def test_without_pyarrow_it_is_said_what_to_install(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(StopError, match=r"iot-service\[parquet\]"):
        ParquetReader(path, device_id=None)
