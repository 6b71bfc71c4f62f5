"""Parquet, by rows: the same columns as CSV, long or wide. Needs the extra ``parquet`` (pyarrow)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from iot_service.errors import InvalidInputError, StopError
from iot_service.ingest.importing.csv_rows import Columns, read_columns
from iot_service.ingest.importing.records import Chunk, Misfit, Record
from iot_service.ingest.importing.times import RIGHT, parse_time
from iot_service.ingest.jsontext import show
from iot_service.ingest.reasons import Fault, Reason

_ROWS = 20_000  # in one chunk, at the most
_VALUES = 80_000  # in one chunk, about


class ParquetReader:
    """Reads the file at ``path``. ``total`` and positions count rows; memory holds one row group at a time.

    Raises StopError where pyarrow is not installed, InvalidInputError where the file is no such table.
    """

    def __init__(self, path: Path, *, device_id: str | None) -> None:
        try:
            # An extra without type stubs: only who reads such files installs it.
            import pyarrow  # noqa: PLC0415
            import pyarrow.parquet  # noqa: PLC0415
        except ImportError:
            raise StopError("to read Parquet, install the extra: pip install 'iot-service[parquet]'") from None
        self._arrow: Any = pyarrow
        try:
            self._file: Any = pyarrow.parquet.ParquetFile(path)
        except (pyarrow.ArrowInvalid, OSError) as error:
            raise InvalidInputError(f"is no Parquet file: {str(error)[:200]}", field=str(path)) from None
        self._device_id = device_id
        self._columns = read_columns(self._file.schema_arrow.names, device_id=device_id)
        self.total: int | None = self._file.metadata.num_rows

    def chunks(self, position: int) -> Iterator[Chunk]:
        """Yield the file in pieces, from row ``position`` on."""
        rows = max(1, min(_ROWS, _VALUES // max(1, len(self._columns.names))))
        metadata = self._file.metadata
        begin = 0  # of the row group
        for number in range(metadata.num_row_groups):
            end = begin + metadata.row_group(number).num_rows
            if end > position:
                for batch in self._file.iter_batches(batch_size=rows, row_groups=[number]):
                    skipped = max(0, position - begin)
                    begin += batch.num_rows
                    if skipped < batch.num_rows:
                        yield self._chunk(batch.slice(skipped), begin)
            begin = end

    def _chunk(self, batch: Any, position: int) -> Chunk:
        columns = self._columns
        misfits: list[Misfit] = []
        times = self._times(batch.column(columns.ts))
        devices: Sequence[object] = [self._device_id] * batch.num_rows
        if columns.device is not None:
            devices = batch.column(columns.device).to_pylist()
        cells = {place: batch.column(place).to_pylist() for place in _value_places(columns)}
        records: list[Record] = []
        for row, (device_id, ts) in enumerate(zip(devices, times, strict=True)):
            if type(ts) is not int or type(device_id) is not str:
                misfits.append(_misfit(device_id, ts, {place: column[row] for place, column in cells.items()}))
            elif columns.metric is not None and columns.value is not None:
                metric = cells[columns.metric][row]
                records.append((device_id, ts, {metric if type(metric) is str else "": cells[columns.value][row]}))
            elif values := {name: cell for place, name in columns.names if (cell := cells[place][row]) is not None}:
                records.append((device_id, ts, values))
        return Chunk(records, (), misfits, texts=False, position=position)

    def _times(self, column: Any) -> list[object]:
        """Return instants in microseconds since 1970 UTC; what is no time stays as it is."""
        types = self._arrow.types
        if types.is_timestamp(column.type):
            zone = column.type.tz
            return list(column.cast(self._arrow.timestamp("us", tz=zone), safe=False).cast("int64").to_pylist())
        if types.is_integer(column.type):
            return [value * 1000 if value is not None else None for value in column.to_pylist()]
        found: list[object] = []
        for value in column.to_pylist():
            try:
                found.append(parse_time(value if isinstance(value, str) else str(value)))
            except ValueError:
                found.append(value)
        return found


def _value_places(columns: Columns) -> list[int]:
    if columns.metric is not None and columns.value is not None:
        return [columns.metric, columns.value]
    return [place for place, _ in columns.names]


def _misfit(device_id: object, ts: object, cells: dict[int, object]) -> Misfit:
    raw = ascii([device_id, ts, *cells.values()]).encode()
    if type(device_id) is not str:
        return Misfit(raw, Fault(Reason.WRONG_SHAPE, f"the row's device is {show(device_id)}; name it by its id"))
    return Misfit(raw, Fault(Reason.WRONG_TYPE, f"the time is {show(ts)}; {RIGHT}"))
