"""Labelled recordings: a series from a CSV file, and the windows in which it is known to be anomalous."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from iot_service.errors import StopError


class Reading(NamedTuple):
    """One reading: when (UTC), its value, and its time as it is written in the file."""

    at: datetime
    value: float
    text: str = ""


Window = tuple[datetime, datetime]

_AROUND = 0.1  # the share of a file that the windows around labelled instants take together, as the benchmark has it


def read_series(path: Path) -> list[Reading]:
    """Return the readings of the CSV file at ``path``, with the columns ``timestamp`` (ISO 8601) and ``value``.

    Times without an offset are taken for UTC. Raises StopError that names line and column for what is wrong.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            missing = {"timestamp", "value"} - set(rows.fieldnames or ())
            if missing:
                raise StopError(f"{path}:1: there is no column {' and no '.join(sorted(missing))}")
            readings = [_reading(path, rows.line_num, row) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StopError(f"{path}: cannot be read: {error}") from error
    if not readings:
        raise StopError(f"{path}: there is no reading in it")
    return readings


def _reading(path: Path, line: int, row: dict[str, Any]) -> Reading:
    at = _time(f"{path}:{line}: timestamp", row["timestamp"])
    try:
        value = float(row["value"])
    except (TypeError, ValueError):
        value = float("nan")
    if not isfinite(value):
        raise StopError(f"{path}:{line}: value: {row['value']!r} is no finite number")
    return Reading(at, value, row["timestamp"].strip())


def _time(where: str, text: object) -> datetime:
    try:
        at = datetime.fromisoformat(str(text).strip())
    except ValueError as error:
        raise StopError(f"{where}: {text!r} is no time; write 2026-11-21 12:00:00 or 2026-11-21T12:00:00Z") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def read_windows(path: Path, recording: Path, readings: Sequence[Reading]) -> list[Window]:
    """Return the labelled windows of ``recording`` from the JSON file at ``path``, in order of time.

    The file is a list, or an object with one for each recording by its name. The list holds windows (pairs of times, or
    objects with ``start`` and ``end``), or instants, around which windows are made as the benchmark does: a tenth of
    the recording, shared by all. Raises StopError that says where it is none of this.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise StopError(f"{path}: cannot be read: {error}") from error
    if isinstance(data, dict):
        data = _of_recording(path, recording, data)
    if not isinstance(data, list):
        raise StopError(f"{path}: write a list of [start, end], or an object with one for each recording")
    if any(isinstance(item, str) for item in data):
        half = (readings[-1].at - readings[0].at) * _AROUND / max(len(data), 1) / 2
        instants = [_time(f"{path}: label {place}", item) for place, item in enumerate(data)]
        return _apart([(at - half, at + half) for at in sorted(instants)])
    return _apart(sorted(_window(path, place, item) for place, item in enumerate(data)))


def _of_recording(path: Path, recording: Path, data: dict[str, Any]) -> object:
    named = [name for name in data if PurePosixPath(name).name == recording.name]
    named = named or [name for name in data if PurePosixPath(name).stem == recording.stem]
    if not named and len(data) == 1:
        named = list(data)
    if not named:
        raise StopError(f"{path}: has no labels of {recording.name}; there are those of {', '.join(sorted(data)[:10])}")
    return data[named[0]]


def _window(path: Path, place: int, item: object) -> Window:
    where = f"{path}: window {place}"
    if isinstance(item, dict) and {"start", "end"} <= item.keys():
        item = [item["start"], item["end"]]
    if not isinstance(item, list) or len(item) != 2:
        raise StopError(f"{where}: {item!r} is no window; write [start, end]")
    start, end = (_time(where, each) for each in item)
    if end < start:
        raise StopError(f"{where}: it ends before it starts")
    return start, end


def _apart(windows: Sequence[Window]) -> list[Window]:
    """Return ``windows``, which are in order, with those that touch made one."""
    found: list[Window] = []
    for start, end in windows:
        if found and start - found[-1][1] <= timedelta(0):
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found
