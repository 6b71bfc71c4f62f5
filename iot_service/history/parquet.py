"""Exports as Parquet. Needs the extra ``parquet``; whoever imports this module handles its absence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO

import pyarrow
from pyarrow import parquet

from iot_service.history.bins import Bin
from iot_service.history.exports import Page
from iot_service.history.spans import RAW

_ROWS = 100_000  # in one group: what is in memory at once
_IN_MEMORY = 16_000_000  # bytes of the file; what is longer goes to the disk
_PIECE = 1_000_000
_READINGS = pyarrow.schema(
    [("metric", pyarrow.string()), ("ts", pyarrow.timestamp("us", tz="UTC")), ("value", pyarrow.float64())]
)
_BINS = pyarrow.schema([*_READINGS, ("min", pyarrow.float64()), ("max", pyarrow.float64()), ("count", pyarrow.int64())])


def write_parquet(pages: Iterable[Page], resolution: str) -> IO[bytes]:
    """Return ``pages`` as a Parquet file with the columns of the CSV, open at its beginning; closing removes it."""
    schema = _READINGS if resolution == RAW else _BINS
    file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  # the caller reads and closes it
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        group: list[tuple[str, Bin]] = []
        for metric, bins in pages:
            group += [(metric, each) for each in bins]
            if len(group) >= _ROWS:
                writer.write_table(_table(group, schema))
                group = []
        if group:
            writer.write_table(_table(group, schema))
    file.seek(0)
    return file


def as_parquet(pages: Iterable[Page], resolution: str) -> Iterator[bytes]:
    """Yield ``pages`` as a Parquet file in pieces; the first comes when all is read."""
    with write_parquet(pages, resolution) as file:
        while piece := file.read(_PIECE):
            yield piece


def _table(group: list[tuple[str, Bin]], schema: pyarrow.Schema) -> pyarrow.Table:
    columns = {
        "metric": [metric for metric, _ in group],
        "ts": [each.at for _, each in group],
        "value": [each.mean for _, each in group],
        "min": [each.lowest for _, each in group],
        "max": [each.highest for _, each in group],
        "count": [each.readings for _, each in group],
    }
    return pyarrow.table({name: columns[name] for name in schema.names}, schema=schema)
