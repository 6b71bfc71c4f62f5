"""Files to import."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from iot_service.errors import InvalidInputError
from iot_service.ingest.importing.csv_rows import CsvReader
from iot_service.ingest.importing.files import FileFormat, format_of, identity, open_reader
from iot_service.ingest.importing.ndjson import NdjsonReader

ROW = b"device,ts,door\nf1,1,0\n"


def known_as(path: Path, **how: object) -> str:
    named = {"file_format": FileFormat.CSV, "device_id": None, "judge": False, **how}
    return identity(path, **named)  # type: ignore[arg-type]  # each is given its own type above


def test_a_file_is_known_by_what_it_holds_and_how_it_is_read(tmp_path: Path) -> None:
    one, moved, longer = tmp_path / "one.csv", tmp_path / "moved.csv", tmp_path / "longer.csv"
    one.write_bytes(ROW)
    moved.write_bytes(ROW)
    longer.write_bytes(ROW + b"f1,2,0\n")
    assert known_as(one) == known_as(moved)
    others = {known_as(longer), known_as(one, judge=True), known_as(one, device_id="f1")}
    assert len({known_as(one), *others}) == 4


def test_a_large_file_is_known_by_its_beginning_its_end_and_its_size(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path, data in zip(paths, (b"x" * 3_000_000, b"x" * 2_999_999 + b"y", b"x" * 3_000_001), strict=True):
        path.write_bytes(data)
    assert len({known_as(path) for path in paths}) == 3


@pytest.mark.parametrize(
    ("name", "found"),
    [("a.ndjson", "ndjson"), ("a.JSONL", "ndjson"), ("a.csv", "csv"), ("a.b.tsv", "csv"), ("a.parquet", "parquet")],
)
def test_the_format_is_told_by_the_name(name: str, found: str) -> None:
    assert format_of(Path(name)) == found


def test_a_name_that_says_no_format_is_asked_about() -> None:
    with pytest.raises(InvalidInputError, match="--format"):
        format_of(Path("readings"))


def test_files_and_streams_are_opened_alike_but_for_parquet(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_bytes(ROW)
    with open_reader(path, io.BytesIO(), file_format=FileFormat.CSV, device_id=None) as reader:
        assert isinstance(reader, CsvReader)
        assert reader.total == len(ROW)
    with open_reader(None, io.BytesIO(ROW), file_format=FileFormat.CSV, device_id=None) as reader:
        (chunk,) = reader.chunks(0)
        assert chunk.records == [("f1", 1000, {"door": "0"})]
    with open_reader(None, io.BytesIO(), file_format=FileFormat.NDJSON, device_id=None) as reader:
        assert isinstance(reader, NdjsonReader)
    with (
        pytest.raises(InvalidInputError, match="file only"),
        open_reader(None, io.BytesIO(), file_format=FileFormat.PARQUET, device_id=None),
    ):
        pass
