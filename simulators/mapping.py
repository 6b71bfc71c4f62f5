"""How the columns of a recording become what a device reports: a YAML file, checked before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from iot_service.errors import InvalidInputError

SHIPPED = Path(__file__).parent / "mappings"
"""Folder of the mappings that come with the product."""

_UNITS: Mapping[str, tuple[float, float]] = {
    "°F": (5 / 9, -160 / 9),
    "K": (1.0, -273.15),
    "mph": (1.609344, 0.0),
    "mi": (1.609344, 0.0),
    "m": (0.001, 0.0),
    "bar": (100.0, 0.0),
    "psi": (6.894757, 0.0),
    "mV": (0.001, 0.0),
} | dict.fromkeys(("°C", "V", "km/h", "km", "rpm", "kPa", "mm", "d", "1"), (1.0, 0.0))
"""Unit of a column → (factor, summand) that give the unit of our metrics (°C, km/h, km, kPa, V)."""

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)")
_SPANS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}


def _span(value: object) -> object:
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError("is a number with a unit, such as 1s, 10s, 5min or 1h")
    return timedelta(seconds=float(found[1]) * _SPANS[found[2]])


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(f"there is no time zone {value!r}; one is called UTC, another Europe/Oslo")
    return value


def column_name(header: str) -> str:
    """Return a column's name without blanks around it and without an empty unit, as in ``ENGINE_RPM ()``."""
    return re.sub(r"\s*\(\s*\)$", "", header.strip())


def _names(value: object) -> object:
    return {column_name(str(key)): item for key, item in value.items()} if isinstance(value, dict) else value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Strict):
    """One column that becomes readings of ``metric``: cell x factor + summand.

    They come from ``unit``, the unit of the column where it is another than the metric's, or from ``scale`` and
    ``offset``.
    """

    metric: str = Field(min_length=1)
    unit: str | None = None
    scale: float = 1.0
    offset: float = 0.0

    @model_validator(mode="after")
    def _one_way_to_convert(self) -> Column:
        if self.unit is not None and self.unit not in _UNITS:
            raise ValueError(
                f"unit {self.unit!r} is not known; known are {', '.join(_UNITS)}; or give scale and offset"
            )
        if self.unit is not None and (self.scale, self.offset) != (1.0, 0.0):
            raise ValueError("give either unit, or scale and offset")
        return self

    def convert(self, cell: float) -> float:
        """Return the value of a cell in the metric's unit."""
        factor, summand = _UNITS[self.unit] if self.unit is not None else (self.scale, self.offset)
        return round(cell * factor + summand, 9)


class TimeColumn(_Strict):
    """The column with the time of a row.

    ``format``: ``iso``, ``unix`` (seconds), ``unix_ms``, or a pattern of strptime. ``zone`` is that of times without
    an offset of their own.
    """

    column: Annotated[str, AfterValidator(column_name)]
    format: str = "iso"
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"

    def parse(self, cell: str) -> datetime:
        """Return the instant that ``cell`` names; raises ValueError if it names none."""
        zone = ZoneInfo(self.zone)
        if self.format in ("unix", "unix_ms"):
            return datetime.fromtimestamp(float(cell) / (1000 if self.format == "unix_ms" else 1), ZoneInfo("UTC"))
        parsed = (
            datetime.fromisoformat(cell) if self.format == "iso" else datetime.strptime(cell, self.format)  # noqa: DTZ007  # the zone follows
        )
        local = parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)
        return local.astimezone(ZoneInfo("UTC"))


def _short_form(value: object) -> object:
    return {"metric": value} if isinstance(value, str) else value


class RecordingMapping(_Strict):
    """What a recording's columns mean.

    Either ``time`` names the column with the time, or ``interval`` says how far the rows are apart (from ``start`` on,
    which is needed only to replay without shifting). ``columns`` and ``attributes`` are by the column's name. Each row
    adds one to each of ``counters`` (metric → value before the first row). ``batch`` rows make one message.
    """

    product: str
    time: TimeColumn | None = None
    interval: Annotated[timedelta, BeforeValidator(_span)] | None = None
    start: datetime | None = None
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    columns: Annotated[dict[str, Annotated[Column, BeforeValidator(_short_form)]], BeforeValidator(_names)] = {}
    attributes: Annotated[dict[str, str], BeforeValidator(_names)] = {}
    counters: dict[str, float] = {}
    batch: int = Field(default=1, ge=1, le=1000)

    @model_validator(mode="after")
    def _makes_sense(self) -> RecordingMapping:
        if (self.time is None) == (self.interval is None):
            raise ValueError("give either time (a column) or interval (rows without times)")
        if self.start is not None and (self.start.tzinfo is None or self.interval is None):
            raise ValueError("start goes with interval, and has an offset, as in 2024-03-01T08:00:00Z")
        targets = [column.metric for column in self.columns.values()] + list(self.counters)
        if not targets and not self.attributes:
            raise ValueError("name at least one of columns, attributes, counters")
        twice = sorted({metric for metric in targets if targets.count(metric) > 1})
        if twice:
            raise ValueError(f"more than one column becomes {', '.join(twice)}")
        return self


def load_mapping(name: Path | str) -> RecordingMapping:
    """Read a mapping from a file, or a shipped one by its name (``car_obd``).

    Raises InvalidInputError that names file, line and field of all that is wrong at once.
    """
    path = Path(name)
    if not path.suffix and not path.exists():
        path = SHIPPED / f"{name}.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        shipped = ", ".join(sorted(file.stem for file in SHIPPED.glob("*.yaml")))
        raise InvalidInputError(f"{path} cannot be read: {error}. Shipped mappings: {shipped}") from None
    try:
        node, content = yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidInputError(f"{path}: not YAML: {error}") from None
    try:
        return RecordingMapping.model_validate(content)
    except ValidationError as error:
        faults = [
            f"{path}:{_line(node, each['loc'])}: {'.'.join(map(str, each['loc'])) or 'mapping'}: "
            f"{each['msg'].removeprefix('Value error, ')}"
            for each in error.errors()
        ]
        raise InvalidInputError("\n".join(faults)) from None


def _line(node: yaml.Node | None, location: tuple[int | str, ...]) -> int:
    """Return the line of the innermost thing of ``location`` that stands in the file."""
    line = node.start_mark.line if node is not None else 0
    for step in location:
        items = node.value if isinstance(node, yaml.MappingNode) else []
        for key, value in items:
            if column_name(str(key.value)) == str(step):
                line, node = key.start_mark.line, value
                break
        else:
            break
    return line + 1
