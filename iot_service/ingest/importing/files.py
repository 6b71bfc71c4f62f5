"""Files to import: what they are, which format they have, and opening them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from iot_service.errors import InvalidInputError
from iot_service.ingest.importing.csv_rows import CsvReader
from iot_service.ingest.importing.ndjson import NdjsonReader
from iot_service.ingest.importing.parquet import ParquetReader
from iot_service.ingest.importing.records import Reader

_ENDS = 1024 * 1024  # bytes of a file's beginning and of its end that tell it from others


class FileFormat(StrEnum):
    """What a file is written in."""

    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"


_SUFFIXES = {
    ".ndjson": FileFormat.NDJSON, ".jsonl": FileFormat.NDJSON, ".json": FileFormat.NDJSON, ".csv": FileFormat.CSV,
    ".tsv": FileFormat.CSV, ".txt": FileFormat.CSV, ".parquet": FileFormat.PARQUET, ".pq": FileFormat.PARQUET,
}  # fmt: skip


def format_of(path: Path) -> FileFormat:
    """Return the format that the file's name says; raises InvalidInputError where it says none."""
    try:
        return _SUFFIXES[path.suffix.lower()]
    except KeyError:
        known = ", ".join(FileFormat)
        raise InvalidInputError(f"the name says no format: add --format ({known})", field=str(path)) from None


def identity(path: Path, *, file_format: FileFormat, device_id: str | None, judge: bool) -> str:
    """Return what a file is known by: a digest of its size, its beginning and its end, and of how it is read.

    A file that was moved or renamed is the same one; one that has grown is another.
    """
    size = path.stat().st_size
    digest = hashlib.sha256(f"{file_format} {device_id} {judge} {size} ".encode())
    with path.open("rb") as stream:
        digest.update(stream.read(_ENDS))
        if size > _ENDS:
            stream.seek(max(_ENDS, size - _ENDS))
            digest.update(stream.read(_ENDS))
    return digest.hexdigest()


@contextmanager
def open_reader(
    path: Path | None, stdin: BinaryIO, *, file_format: FileFormat, device_id: str | None
) -> Iterator[Reader]:
    """Open a file, or ``stdin`` where ``path`` is None. Raises InvalidInputError, and StopError without pyarrow."""
    if file_format is FileFormat.PARQUET:
        if path is None:
            raise InvalidInputError("Parquet is read from a file only: its index stands at the end", field="-")
        yield ParquetReader(path, device_id=device_id)
        return
    made = NdjsonReader if file_format is FileFormat.NDJSON else CsvReader
    if path is None:
        yield made(stdin, total=None, device_id=device_id)
        return
    with path.open("rb") as stream:
        yield made(stream, total=path.stat().st_size, device_id=device_id)
