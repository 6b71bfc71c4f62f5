"""CSV: long (device, ts, metric, value) or wide (device, ts and a column for each metric), told by the header."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from iot_service.errors import InvalidInputError
from iot_service.ingest.importing.blocks import Block, read_blocks
from iot_service.ingest.importing.records import Chunk, Misfit, Record
from iot_service.ingest.importing.times import RIGHT, parse_time
from iot_service.ingest.jsontext import show
from iot_service.ingest.limits import PAYLOAD_BYTES
from iot_service.ingest.reasons import Fault, Reason

_DEVICE = ("device", "device_id")
_TIME = ("ts", "time", "timestamp")
_LONG = {"metric", "value"}
_SHAPE = "a header is device,ts,metric,value or device,ts and the names of metrics (device may be given by --device)"


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a table are: places (from 0) of device, ts, and metric with value or else of each name."""

    count: int
    device: int | None
    ts: int
    metric: int | None
    value: int | None
    names: Sequence[tuple[int, str]]


def read_columns(header: Sequence[str], *, device_id: str | None) -> Columns:
    """Return what the columns named by ``header`` are; raises InvalidInputError with what would be right."""
    names = [name.strip() for name in header]
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles or "" in names:
        said = f"the column {show(doubles[0])} stands twice" if doubles and doubles[0] else "a column has no name"
        raise InvalidInputError(f"{said}; {_SHAPE}", field="header")
    device = next((names.index(name) for name in _DEVICE if name in names), None)
    ts = next((names.index(name) for name in _TIME if name in names), None)
    if ts is None:
        raise InvalidInputError(f"{show(','.join(names))} has no column ts; {_SHAPE}", field="header")
    if (device is None) == (device_id is None):
        said = "there is no column device: say whose the readings are by --device"
        if device is not None:
            said = "there is a column device: leave --device out"
        raise InvalidInputError(said, field="header")
    others = [(place, name) for place, name in enumerate(names) if place not in {device, ts}]
    if {name for _, name in others} >= _LONG:
        if extra := [name for _, name in others if name not in _LONG]:
            raise InvalidInputError(f"the column {show(extra[0])} is not understood; {_SHAPE}", field="header")
        return Columns(len(names), device, ts, names.index("metric"), names.index("value"), ())
    if not others:
        raise InvalidInputError(f"there is no column with values; {_SHAPE}", field="header")
    return Columns(len(names), device, ts, None, None, others)


class CsvReader:
    """Reads ``stream``, a table with a header, separated by commas, semicolons or tabs. ``total`` is its bytes.

    One line is one row: a cell holds no line end. ``device_id`` is whose the rows are where no column says so. Raises
    InvalidInputError at the header.
    """

    def __init__(self, stream: BinaryIO, *, total: int | None, device_id: str | None) -> None:
        self.total = total
        self._stream = stream
        self._device_id = device_id
        first = stream.readline(PAYLOAD_BYTES)
        self._begin = len(first)
        try:
            text = first.decode("utf-8-sig").rstrip("\r\n")
        except UnicodeDecodeError:
            raise InvalidInputError(f"is not UTF-8; {_SHAPE}", field="header") from None
        self._delimiter = max(",;\t", key=text.count)
        self._columns = read_columns(next(csv.reader([text], delimiter=self._delimiter), []), device_id=device_id)

    def chunks(self, position: int) -> Iterator[Chunk]:
        """Yield the file in pieces, from ``position`` (in bytes) on; 0 is the row after the header."""
        position = max(position, self._begin)
        if position > self._begin:
            self._stream.seek(position)
        for block in read_blocks(self._stream, position):
            records: list[Record] = []
            misfits: list[Misfit] = []
            rows = self._rows(block, misfits)
            (self._take_long if self._columns.metric is not None else self._take_wide)(rows, records, misfits)
            yield Chunk(records, (), misfits, texts=True, position=block.end)

    def _rows(self, block: Block, misfits: list[Misfit]) -> Iterator[tuple[str, list[str]]]:
        """Yield each good row with its line; one with a cell too few or too many is a misfit."""
        count, delimiter = self._columns.count, self._delimiter
        for line in _lines(block.data, misfits):
            cells = line.split(delimiter) if '"' not in line else _unquoted(line, delimiter)
            if len(cells) == count:
                yield line, cells
            elif line and not line.isspace():
                detail = f"{len(cells)} cells where the header has {count}; quote a cell that holds {delimiter!r}"
                misfits.append(Misfit(line.encode(), Fault(Reason.WRONG_SHAPE, detail)))

    def _take_long(self, rows: Iterator[tuple[str, list[str]]], records: list[Record], misfits: list[Misfit]) -> None:
        columns = self._columns
        at_device, at_ts, at_metric, at_value = columns.device, columns.ts, columns.metric, columns.value
        assert at_metric is not None
        assert at_value is not None
        device_id = self._device_id or ""
        before: tuple[str, str] | None = None
        ts, values = 0, dict[str, object]()
        for line, cells in rows:
            if at_device is not None:
                device_id = cells[at_device]
            if before != (instant := (device_id, cells[at_ts])) or cells[at_metric] in values:
                if before is None or before[1] != instant[1]:
                    before = None
                    try:
                        ts = parse_time(cells[at_ts])
                    except ValueError:
                        misfits.append(_without_time(line, cells[at_ts]))
                        continue
                before, values = instant, {}
                records.append((device_id, ts, values))
            values[cells[at_metric]] = cells[at_value]

    def _take_wide(self, rows: Iterator[tuple[str, list[str]]], records: list[Record], misfits: list[Misfit]) -> None:
        columns = self._columns
        at_device, at_ts, names = columns.device, columns.ts, columns.names
        device_id = self._device_id or ""
        before: str | None = None
        ts = 0
        for line, cells in rows:
            if at_device is not None:
                device_id = cells[at_device]
            if cells[at_ts] != before:
                try:
                    ts = parse_time(cells[at_ts])
                except ValueError:
                    misfits.append(_without_time(line, cells[at_ts]))
                    continue
                before = cells[at_ts]
            if values := {name: cells[place] for place, name in names if cells[place]}:
                records.append((device_id, ts, values))


def _lines(data: bytes, misfits: list[Misfit]) -> list[str]:
    """Return the lines as text; one that is not UTF-8, or longer than a payload may be, is a misfit."""
    try:
        lines = data.decode().split("\n")
        if len(data) <= PAYLOAD_BYTES or max(map(len, lines)) <= PAYLOAD_BYTES // 4:
            return lines
    except UnicodeDecodeError:
        pass
    lines = []
    for line in data.split(b"\n"):
        try:
            if len(line) > PAYLOAD_BYTES:
                detail = f"the line has more than {PAYLOAD_BYTES} bytes: write several"
                misfits.append(Misfit(line, Fault(Reason.TOO_LARGE, detail)))
                continue
            lines.append(line.decode())
        except UnicodeDecodeError as error:
            detail = f"byte {error.start} of the line is not UTF-8"
            misfits.append(Misfit(line, Fault(Reason.WRONG_SHAPE, detail)))
    return lines


def _unquoted(line: str, delimiter: str) -> list[str]:
    """Return the cells of one line alone: a quote that nobody closed takes no other line with it."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a cell beyond what the parser takes
        return []


def _without_time(line: str, ts: str) -> Misfit:
    return Misfit(line.encode(), Fault(Reason.WRONG_TYPE, f"the time is {show(ts)}; {RIGHT}"))
