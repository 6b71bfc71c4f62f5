"""Recordings of real devices as the messages those devices would have sent. Pure but for reading the file."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from iot_service.errors import InvalidInputError
from simulators.mapping import RecordingMapping, column_name
from simulators.message import TELEMETRY, Message, cut_to_milliseconds, to_milliseconds

_EMPTY = frozenset({"", "nan", "na", "n/a", "null", "none", "-"})
_WORDS = {"true": 1.0, "false": 0.0}
_MOST_FAULTS = 10
_NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)  # where rows without times begin until they are shifted


@dataclass(slots=True)
class _Point:
    ts: datetime
    values: dict[str, float | str]


def read_messages(
    file: Path, device_id: str, mapping: RecordingMapping, *, shift_to: datetime | None
) -> Iterator[Message]:
    """Yield the telemetry of ``device_id`` that the CSV ``file`` holds, in order of time.

    All times are moved by the same span, so that the last row's is ``shift_to`` (UTC; None leaves them). Rows of the
    same instant become one set of values, of which the last stands. Empty cells are left out.

    Raises InvalidInputError before the first message, with line and column of what cannot be understood; a missing
    column is told together with the columns there are.
    """
    if shift_to is None and mapping.interval is not None and mapping.start is None:
        raise InvalidInputError(
            "the recording has no times of its own: name a start, or have it shifted", field="start"
        )
    points = _merged(sorted(_points(file, mapping), key=lambda point: point.ts), mapping.counters)
    moved = timedelta(0)
    if shift_to is not None and points:
        moved = cut_to_milliseconds(shift_to) - points[-1].ts
    return _messages(points, device_id, moved, mapping.batch)


def _messages(points: Sequence[_Point], device_id: str, moved: timedelta, batch: int) -> Iterator[Message]:
    for first in range(0, len(points), batch):
        rows = [{"ts": to_milliseconds(p.ts + moved), "values": p.values} for p in points[first : first + batch]]
        last = points[min(first + batch, len(points)) - 1].ts + moved
        yield Message(last, TELEMETRY, rows[0] if batch == 1 else rows, device_id=device_id)


def _merged(points: Sequence[_Point], counters: Mapping[str, float]) -> list[_Point]:
    """Return one point for each instant that has values, with the counters as they are after it."""
    counts = dict(counters)
    result: list[_Point] = []
    for ts, same in itertools.groupby(points, key=lambda point: point.ts):
        values: dict[str, float | str] = {}
        for point in same:
            counts = {metric: count + 1 for metric, count in counts.items()}
            values |= point.values
        values |= counts
        if values:
            result.append(_Point(ts, values))
    return result


def _points(file: Path, mapping: RecordingMapping) -> list[_Point]:
    """Read and check the whole file; raises InvalidInputError with the first faults."""
    faults: list[str] = []
    points: list[_Point] = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream, delimiter=mapping.delimiter)
            reader = _Reader(file, [column_name(cell) for cell in next(rows, [])], mapping)
            for cells in rows:
                if len(faults) >= _MOST_FAULTS:
                    break
                if any(cell.strip() for cell in cells):
                    try:
                        points.append(reader.point(cells, len(points)))
                    except ValueError as error:
                        faults.append(f"{file}:{rows.line_num}: {error}")
    except OSError as error:
        raise InvalidInputError(f"{file} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInputError(f"{file} is no CSV file in UTF-8: {error}") from None
    if faults:
        raise InvalidInputError("\n".join(faults))
    return points


class _Reader:
    """Turns the cells of a row into a point."""

    def __init__(self, file: Path, header: Sequence[str], mapping: RecordingMapping) -> None:
        self._mapping, self._width = mapping, len(header)
        wanted = [*mapping.columns, *mapping.attributes] + ([mapping.time.column] if mapping.time else [])
        missing = [name for name in wanted if name not in header]
        if missing:
            there = ", ".join(name for name in header if name) or "none"
            raise InvalidInputError(f"{file}: no column {', '.join(missing)}; its columns are: {there}")
        self._place = {name: header.index(name) for name in wanted}

    def point(self, cells: Sequence[str], number: int) -> _Point:
        """Return the row ``number`` (from 0); raises ValueError for what cannot be understood."""
        cells = [cell.strip() for cell in cells]
        if len(cells) < self._width or any(cells[self._width :]):
            raise ValueError(f"the row has {len(cells)} cells, the header {self._width}")
        values: dict[str, float | str] = {}
        for name, column in self._mapping.columns.items():
            number_there = _number(name, cells[self._place[name]])
            if number_there is not None:
                values[column.metric] = column.convert(number_there)
        for name, attribute in self._mapping.attributes.items():
            if cells[self._place[name]].lower() not in _EMPTY:
                values[attribute] = cells[self._place[name]]
        return _Point(self._time(cells, number), values)

    def _time(self, cells: Sequence[str], number: int) -> datetime:
        mapping = self._mapping
        if mapping.time is None:
            return (mapping.start or _NO_TIME) + number * (mapping.interval or timedelta(0))
        cell = cells[self._place[mapping.time.column]]
        try:
            return cut_to_milliseconds(mapping.time.parse(cell))
        except (ValueError, OverflowError, OSError):
            raise ValueError(f"{mapping.time.column}: {cell!r} is no time of format {mapping.time.format}") from None


def _number(name: str, cell: str) -> float | None:
    """Return the number in a cell, None if it is empty; raises ValueError if it is something else."""
    word = cell.lower()
    if word in _EMPTY:
        return None
    if word in _WORDS:
        return _WORDS[word]
    try:
        value = float(cell)
    except ValueError:
        raise ValueError(f"{name}: {cell!r} is no number") from None
    if not math.isfinite(value):
        raise ValueError(f"{name}: {cell!r} is not finite")
    return value
