"""Labelled recordings."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from iot_service.anomaly.recording import Reading, read_series, read_windows
from iot_service.errors import StopError


def at(hour: int) -> datetime:
    return datetime(2026, 11, 1, hour, tzinfo=UTC)


READINGS = [Reading(at(hour), 1.0) for hour in range(0, 21, 5)]


def labels(folder: Path, data: object) -> Path:
    path = folder / "labels.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_times_are_kept_as_they_are_written_and_taken_for_utc(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("timestamp,value\n2026-11-01 00:00:00,1.5\n2026-11-01T06:00:00+01:00,2\n", encoding="utf-8")
    assert read_series(file) == [
        Reading(at(0), 1.5, "2026-11-01 00:00:00"),
        Reading(at(5), 2.0, "2026-11-01T06:00:00+01:00"),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("time,value\n", ":1: there is no column timestamp"),
        ("timestamp,value\n2026-11-01,warm\n", ":2: value: 'warm' is no finite number"),
        ("timestamp,value\n2026-11-01,nan\n", ":2: value: 'nan' is no finite number"),
        ("timestamp,value\nyesterday,1\n", ":2: timestamp: 'yesterday' is no time"),
        ("timestamp,value\n", "there is no reading in it"),
    ],
)
def test_what_is_wrong_with_a_recording_is_named_by_line_and_column(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StopError, match=problem):
        read_series(file)


WINDOW = ["2026-11-01 05:00:00.000000", "2026-11-01T07:00:00Z"]


@pytest.mark.parametrize(
    "data",
    [
        [WINDOW],
        {"folder/a.csv": [WINDOW], "folder/b.csv": []},
        {"a": [WINDOW], "b": []},
        {"anything": [WINDOW]},
        [{"start": WINDOW[0], "end": WINDOW[1]}],
        [["2026-11-01 06:00:00", WINDOW[1]], [WINDOW[0], "2026-11-01 06:30:00"]],
    ],
)
def test_windows_may_be_written_in_several_ways(tmp_path: Path, data: object) -> None:
    assert read_windows(labels(tmp_path, data), Path("a.csv"), READINGS) == [(at(5), at(7))]


def test_windows_around_single_times_share_a_tenth_of_the_recording(tmp_path: Path) -> None:
    windows = read_windows(labels(tmp_path, ["2026-11-01 10:00:00", "2026-11-01 15:00:00"]), Path("a.csv"), READINGS)
    assert [(end - start).total_seconds() for start, end in windows] == [3600, 3600]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"b.csv": [], "c.csv": []}, "has no labels of a.csv; there are those of b.csv, c.csv"),
        ([["2026-11-01"]], "window 0: .* is no window"),
        ([["2026-11-02", "2026-11-01"]], "window 0: it ends before it starts"),
        (3, "write a list"),
    ],
)
def test_what_is_wrong_with_labels_is_said(tmp_path: Path, data: object, problem: str) -> None:
    with pytest.raises(StopError, match=problem):
        read_windows(labels(tmp_path, data), Path("a.csv"), READINGS)
