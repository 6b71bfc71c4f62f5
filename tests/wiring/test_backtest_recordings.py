"""Recordings as the past of a device: what `import` reads, and what a mapping explains."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iot_service.config import Settings
from iot_service.errors import InvalidInputError
from iot_service.model.reading import Sample, SampleKind
from iot_service.wiring.backtest_recordings import Recording, guess_mapping, open_recording
from tests.recordings import recording
from tests.rules.telemetry import SHIPPED

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
WIDE = "ts,temperature,door\n2026-01-01T00:00:00Z,-70.5,0\n2026-01-01T00:01:00Z,-70.0,1\n"
LONG = (
    "ts,metric,value\n2026-01-01T00:01:00Z,temperature,-70.0\n2026-01-01T00:00:00Z,temperature,-70.5\n"
    "2026-01-01T00:00:00Z,door,0\n2026-01-01T00:01:00Z,door,1\n"
)
NDJSON = (
    '{"device": "f-1", "ts": 1767225600000, "values": {"temperature": -70.5, "door": false}}\n'
    '{"device": "f-1", "ts": 1767225660000, "values": {"temperature": -70.0, "door": true, "firmware": "7.1"}}\n'
)


def opened(
    path: Path, *, product: str = "freezer", device: str | None = None, start: datetime | None = None
) -> Recording:
    mapping = guess_mapping(path, product, None)
    return open_recording(Settings(), SHIPPED, path, product=product, mapping=mapping, device=device, start=start)


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def all_of(found: Recording) -> list[Sample]:
    return [sample for batch in found.batches() for sample in batch]


@pytest.mark.parametrize(("name", "text"), [("wide.csv", WIDE), ("long.csv", LONG), ("some.ndjson", NDJSON)])
def test_whatever_can_be_imported_can_be_judged_in_order_of_time(tmp_path: Path, name: str, text: str) -> None:
    found = opened(written(tmp_path, name, text))
    values = sorted((sample.name, sample.ts, sample.value) for sample in all_of(found))
    minute = NEW_YEAR + timedelta(minutes=1)
    assert values == [
        ("door", NEW_YEAR, 0), ("door", minute, 1), ("temperature", NEW_YEAR, -70.5), ("temperature", minute, -70.0),
    ]  # fmt: skip
    assert (found.first, found.last) == (NEW_YEAR, minute)
    assert all_of(found) == all_of(found)


def test_names_of_the_standards_are_scaled_and_texts_are_attributes(tmp_path: Path) -> None:
    text = "ts,Vehicle.Speed,Vehicle.Diagnostics.DTCList\n2026-01-01T00:00:00Z,50,P0301\n"
    samples = all_of(opened(written(tmp_path, "car.csv", text), product="car"))
    assert [(sample.kind, sample.name, sample.value) for sample in sorted(samples)] == [
        (SampleKind.ATTRIBUTE, "trouble_codes", "P0301"),
        (SampleKind.READING, "speed", 50),
    ]


def test_what_ingest_would_refuse_is_left_out_and_counted(tmp_path: Path) -> None:
    text = "ts,temperature,note\n2026-01-01T00:00:00Z,-500,x\n2026-01-01T00:01:00Z,cold,\n2026-01-01T00:02:00Z,-70,\n"
    found = opened(written(tmp_path, "bad.csv", text))
    assert [sample.value for sample in all_of(found)] == [-70]
    assert found.left_out == {
        "temperature is out of its range": 1, "temperature is no number": 1, "'note' is no name of the product": 1,
    }  # fmt: skip


def test_of_several_devices_one_is_chosen(tmp_path: Path) -> None:
    text = "device,ts,temperature\na,2026-01-01T00:00:00Z,-70\nb,2026-01-01T00:01:00Z,-60\n"
    path = written(tmp_path, "two.csv", text)
    assert [sample.value for sample in all_of(opened(path, device="b"))] == [-60]
    with pytest.raises(InvalidInputError, match=r"holds 2 devices \(a, b, …\): choose one by --device"):
        opened(path)
    with pytest.raises(InvalidInputError, match="there is nothing of c in it"):
        opened(path, device="c")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("other.csv", "ts,pressure\n2026-01-01T00:00:00Z,1\n", r"none of its values \(pressure\) is one of freezer"),
        ("empty.csv", "ts,temperature\n", r"none of its values \(there are none\)"),
        ("none.csv", "temperature\n-70\n", "has no column ts"),
        ("line.csv", "ts,temperature\nyesterday,-70\n", "the time is"),
        ("some.xls", "ts,temperature\n", "the name says no format"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, text: str, problem: str) -> None:
    with pytest.raises(InvalidInputError, match=problem):
        opened(written(tmp_path, name, text))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="cannot be read"):
        opened(tmp_path / "none.csv")
    with pytest.raises(InvalidInputError, match="no such file"):
        opened(tmp_path / "none.ndjson")


def test_a_mapping_that_fits_is_found_by_the_columns() -> None:
    for name, product in (
        ("car/long10.csv", "car"),
        ("freezer/asset_135_1570_sample.csv", "freezer"),
        ("coffee/vending_machine_2024.csv", "coffee_machine"),
    ):
        mapping = guess_mapping(recording(name), None, None)
        assert mapping is not None
        assert mapping.product == product
    assert guess_mapping(recording("machine/machine_temperature_system_failure.csv"), "freezer", None) is None


def test_rows_without_times_begin_where_they_are_said_to() -> None:
    found = opened(recording("car/idle22.csv"), product="car", start=NEW_YEAR)
    assert found.first == NEW_YEAR
    samples = all_of(found)
    assert {sample.name for sample in samples} == {"battery_voltage", "engine_speed", "speed", "coolant_temperature"}
    assert samples[4].ts == NEW_YEAR + timedelta(seconds=1)


def test_a_recording_with_gaps_of_months_keeps_its_times() -> None:
    found = opened(recording("freezer/asset_135_1570_sample.csv"))
    assert (found.first.year, found.last.year, found.zone) == (2022, 2023, "UTC")
