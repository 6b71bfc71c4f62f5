from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iot_service.errors import InvalidInputError
from iot_service.products.catalog import load_catalog
from simulators.mapping import SHIPPED, Column, RecordingMapping, TimeColumn, column_name, load_mapping


def _written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "mapping.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_shipped_mapping_gives_metrics_of_its_product(file: Path) -> None:
    mapping = load_mapping(file.stem)
    metrics = [column.metric for column in mapping.columns.values()] + list(mapping.counters)
    assert metrics
    assert set(metrics) <= set(load_catalog().products[mapping.product].metrics)


def test_a_short_column_and_a_long_one_and_an_empty_unit_in_a_header(tmp_path: Path) -> None:
    mapping = load_mapping(
        _written(
            tmp_path,
            "product: car\ninterval: 1s\ncolumns:\n  ENGINE_RPM (): engine_speed\n  T: {metric: ambient, unit: °F}\n",
        )
    )
    assert mapping.interval == timedelta(seconds=1)
    assert mapping.columns["ENGINE_RPM"].convert(900.0) == 900.0
    assert mapping.columns["T"].convert(212.0) == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("unit", "cell", "value"),
    [("°F", -40.0, -40.0), ("K", 273.15, 0.0), ("mph", 100.0, 160.9344), ("bar", 2.3, 230.0), ("mV", 12_600.0, 12.6)],
)
def test_units_are_converted(unit: str, cell: float, value: float) -> None:
    assert Column(metric="m", unit=unit).convert(cell) == pytest.approx(value)


def test_scale_and_offset_are_applied() -> None:
    assert Column(metric="m", scale=0.5, offset=-40.0).convert(100.0) == 10.0


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("product: car\ninterval: 1s\ncolumns:\n  A: {unit: V}\n", 4, "columns.A.metric: Field required"),
        ("product: car\ninterval: 1s\ncolumns:\n  A: x\n  B: {metric: y, unti: V}\n", 5, "columns.B.unti: Extra"),
        ("product: car\ninterval: 1 parsec\ncolumns: {A: x}\n", 2, "interval: is a number with a unit, such as 1s"),
        ("product: car\ninterval: 5\ncolumns: {A: x}\n", 2, "interval: is a number with a unit, such as 1s"),
        ("product: car\ncolumns: {A: x}\n", 1, "give either time .* or interval"),
        ("product: car\ninterval: 1s\n", 1, "name at least one of columns, attributes, counters"),
        ("product: car\ninterval: 1s\ncolumns: {A: x, B: x}\n", 1, "more than one column becomes x"),
        ("product: car\ninterval: 1s\ncolumns:\n  A: {metric: x, unit: furlong}\n", 4, "unit 'furlong' is not known"),
        ("product: car\ninterval: 1s\ncolumns:\n  A: {metric: x, unit: V, scale: 2}\n", 4, "either unit, or scale"),
        ("product: car\ntime:\n  column: t\n  zone: Oslo\ncolumns: {A: x}\n", 4, "there is no time zone 'Oslo'"),
        ("product: car\ninterval: 1s\nbatch: 0\ncolumns: {A: x}\n", 3, "batch: Input should be greater"),
        ("product: car\ninterval: 1s\nstart: 2024-01-01T00:00:00\ncolumns: {A: x}\n", 1, "start goes with interval"),
        ("- 1\n", 1, "mapping: Input should be a valid dictionary"),
        ("", 1, "mapping: Input should be a valid dictionary"),
    ],
)
def test_what_is_wrong_is_told_with_line_and_field(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(InvalidInputError, match=f"mapping.yaml:{line}: .*{words}"):
        load_mapping(_written(tmp_path, text))


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    text = "product: car\ninterval: soon\nbatch: many\ncolours: {}\n"
    with pytest.raises(InvalidInputError) as raised:
        load_mapping(_written(tmp_path, text))
    assert [part.split(": ")[1] for part in str(raised.value).splitlines()] == ["interval", "batch", "colours"]


def test_a_file_that_is_no_yaml_or_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="not YAML"):
        load_mapping(_written(tmp_path, "columns: [unclosed"))
    with pytest.raises(InvalidInputError, match="Shipped mappings: car_obd, coffee_sales, cold_room"):
        load_mapping("no_such_mapping")


@pytest.mark.parametrize(
    ("form", "zone", "cell", "instant"),
    [
        ("iso", "Europe/Oslo", "2024-07-01T12:00:00", datetime(2024, 7, 1, 10, tzinfo=UTC)),
        ("iso", "Europe/Oslo", "2024-07-01T12:00:00Z", datetime(2024, 7, 1, 12, tzinfo=UTC)),
        ("%d.%m.%Y %H.%M", "UTC", "01.07.2024 12.30", datetime(2024, 7, 1, 12, 30, tzinfo=UTC)),
        ("unix", "UTC", "1719835200", datetime(2024, 7, 1, 12, tzinfo=UTC)),
        ("unix_ms", "UTC", "1719835200500", datetime(2024, 7, 1, 12, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_their_format_and_zone(form: str, zone: str, cell: str, instant: datetime) -> None:
    assert TimeColumn(column="t", format=form, zone=zone).parse(cell) == instant


def test_a_column_is_found_whatever_stands_around_its_name() -> None:
    assert column_name(" ENGINE_RPM () ") == "ENGINE_RPM"
    assert column_name("Temperature (°C)") == "Temperature (°C)"


def test_a_mapping_cannot_be_changed() -> None:
    mapping = RecordingMapping.model_validate({"product": "car", "interval": "1s", "columns": {"A": "x"}})
    with pytest.raises(ValueError, match="frozen"):
        mapping.__setattr__("batch", 3)
