"""Recordings as the past of a device: files as `import` takes them, and CSV files with a mapping, as `replay` does."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from iot_service.config import Settings
from iot_service.errors import InvalidInputError
from iot_service.ingest.fields import Field, compile_fields
from iot_service.ingest.importing.files import FileFormat, format_of, open_reader
from iot_service.ingest.importing.records import Record
from iot_service.ingest.limits import TimeLimits
from iot_service.model.reading import Sample, SampleKind
from iot_service.products.catalog import Catalog
from simulators.mapping import SHIPPED, RecordingMapping, column_name, load_mapping
from simulators.recording import read_messages

_BATCH = 20_000  # samples
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_START = datetime(2000, 1, 1, tzinfo=UTC)
"""Where rows without times begin, where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Recording:
    """The telemetry in a file: its product model, its first and last instant (UTC), and the time zone it says, if any.

    ``batches`` gives the samples anew each time, in order of time, each batch complete up to its last instant.
    ``left_out`` counts what is no value of the product, by why.
    """

    name: str
    first: datetime
    last: datetime
    zone: str | None
    batches: Callable[[], Iterator[list[Sample]]]
    left_out: Mapping[str, int]


def guess_mapping(path: Path, product: str | None, name: str | None) -> RecordingMapping | None:
    """Return the mapping called ``name``, or without one the shipped mapping of ``product`` that fits the file.

    None where a file needs none: it names metrics itself, or nothing fits. Raises InvalidInputError for a file or a
    mapping that cannot be read.
    """
    if name is not None:
        return load_mapping(name)
    if path.suffix.lower() not in (".csv", ".tsv", ".txt"):
        return None
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            line = stream.readline()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"cannot be read: {error}", field=str(path)) from None
    for file in sorted(SHIPPED.glob("*.yaml")):
        mapping = load_mapping(file)
        header = {column_name(cell) for cell in next(csv.reader([line], delimiter=mapping.delimiter), [])}
        wanted = {*mapping.columns, *mapping.attributes, *([mapping.time.column] if mapping.time else [])}
        own = mapping.columns or mapping.attributes
        if product in (None, mapping.product) and wanted <= header and (own or len(header) <= len(wanted) + 1):
            return mapping
    return None


def open_recording(
    settings: Settings,
    catalog: Catalog,
    path: Path,
    *,
    product: str,
    mapping: RecordingMapping | None,
    device: str | None,
    start: datetime | None,
) -> Recording:
    """Return what ``path`` holds of ``device`` (None: there is only one in it), a device of ``product``.

    Rows without times begin at ``start`` (UTC). Raises InvalidInputError with what is wrong and what would be right.
    """
    if not path.is_file():
        raise InvalidInputError("there is no such file", field=str(path))
    fields = compile_fields(catalog, TimeLimits.of(settings))[product].by_name
    if mapping is not None:
        if mapping.interval is not None and mapping.start is None:
            mapping = mapping.model_copy(update={"start": start or _START})
        source: _Source = _Mapped(_mapped(path, device or path.stem, mapping))
    else:
        source = _Table(path, device)
    scan = _scan(source.records(), fields)
    if device is not None and not scan.devices:
        raise InvalidInputError(f"there is nothing of {device} in it", field=str(path))
    if scan.first is None or scan.last is None:
        raise InvalidInputError(
            f"none of its values ({', '.join(scan.unknown[:20]) or 'there are none'}) is one of {product}: "
            f"{', '.join(catalog.products[product].metrics)}. Name a mapping by --mapping; there are "
            f"{', '.join(sorted(file.stem for file in SHIPPED.glob('*.yaml')))}, or write one",
            field=str(path),
        )
    source.check(scan)
    left_out: Counter[str] = Counter()

    def batches() -> Iterator[list[Sample]]:
        left_out.clear()
        records = source.records()
        return _Samples(fields, left_out).batches(records if scan.ordered else _sorted(records))

    zone = mapping.time.zone if mapping is not None and mapping.time is not None else None
    return Recording(device or path.stem, _instant(scan.first), _instant(scan.last), zone, batches, left_out)


@dataclass(slots=True)
class _Scan:
    """What a look at all records found: times of known values (microseconds since 1970 UTC), devices, other names."""

    first: int | None
    last: int | None
    ordered: bool
    devices: set[str]
    unknown: list[str]


def _scan(records: Iterable[Record], fields: Mapping[str, Field]) -> _Scan:
    scan = _Scan(None, None, True, set(), [])
    unknown: dict[str, None] = {}
    newest = -(2**63)
    for device, ts, values in records:
        scan.devices.add(device)
        scan.ordered = scan.ordered and ts >= newest
        newest = ts
        if fields.keys().isdisjoint(values):
            unknown |= dict.fromkeys(values)
            continue
        scan.first = ts if scan.first is None else min(scan.first, ts)
        scan.last = ts if scan.last is None else max(scan.last, ts)
    scan.unknown = list(unknown)
    return scan


def _sorted(records: Iterable[Record]) -> list[Record]:
    return sorted(records, key=lambda record: record[1])


def _instant(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


class _Source(Protocol):
    """A file's records of one device, as they stand in it, anew each time."""

    def records(self) -> Iterable[Record]:
        """Return them."""

    def check(self, scan: _Scan) -> None:
        """Raise InvalidInputError where the file holds other devices than is asked for."""


class _Mapped:
    """A recording that a mapping explains; it is of one device."""

    def __init__(self, records: list[Record]) -> None:
        self._records = records

    def records(self) -> list[Record]:
        """Return what was read."""
        return self._records

    def check(self, scan: _Scan) -> None:
        """It holds one device."""


def _mapped(path: Path, device: str, mapping: RecordingMapping) -> list[Record]:
    records: list[Record] = []
    for message in read_messages(path, device, mapping, shift_to=None):
        payload = message.payload
        rows = [payload] if isinstance(payload, Mapping) else payload
        for row in rows:
            assert isinstance(row, Mapping)
            ts, values = row["ts"], row["values"]
            assert isinstance(ts, int)
            assert isinstance(values, Mapping)
            records.append((device, ts * 1000, values))
    return records


class _Table:
    """A file that `import` reads."""

    def __init__(self, path: Path, device: str | None) -> None:
        self._path, self._device = path, device
        self._format = format_of(path)
        self._fallback = self._without_device(path)

    def records(self) -> Iterator[Record]:
        """Yield what the file holds of the device."""
        return (record for record in self._all() if self._device in (None, record[0]))

    def check(self, scan: _Scan) -> None:
        """Raise InvalidInputError where there are several devices, and none was chosen."""
        if len(scan.devices) > 1:
            some = ", ".join(sorted(scan.devices)[:5])
            raise InvalidInputError(
                f"it holds {len(scan.devices)} devices ({some}, …): choose one by --device", field=str(self._path)
            )

    def _without_device(self, path: Path) -> str | None:
        """Return whose the rows are that name no device; None for a table with a column that does."""
        own = self._device or path.stem
        if self._format is FileFormat.NDJSON:
            return own
        try:
            with open_reader(path, sys.stdin.buffer, file_format=self._format, device_id=None):
                return None
        except InvalidInputError:
            return own

    def _all(self) -> Iterator[Record]:
        with open_reader(self._path, sys.stdin.buffer, file_format=self._format, device_id=self._fallback) as reader:
            for chunk in reader.chunks(0):
                for misfit in chunk.misfits:
                    line = misfit.raw[:80].decode(errors="replace")
                    raise InvalidInputError(f"{misfit.fault.detail}: {line}", field=str(self._path))
                yield from chunk.records


class _Samples:
    """Turns records into samples, as ingest would have stored them: known names, plausible values, in our units."""

    def __init__(self, fields: Mapping[str, Field], left_out: Counter[str]) -> None:
        self._fields, self._left_out = fields, left_out

    def batches(self, records: Iterable[Record]) -> Iterator[list[Sample]]:
        """Yield the samples of ``records``, which are in order of time."""
        batch: list[Sample] = []
        for samples in self._instants(records):
            if len(batch) >= _BATCH:
                yield batch
                batch = []
            batch += samples
        if batch:
            yield batch

    def _instants(self, records: Iterable[Record]) -> Iterator[Iterable[Sample]]:
        """Yield what is known of each instant; the first value of a name in it stands."""
        now: int | None = None
        at, samples = _EPOCH, dict[str, Sample]()
        fields = self._fields
        for _, ts, values in records:
            if ts != now:
                if samples:
                    yield samples.values()
                now, at, samples = ts, _EPOCH + timedelta(microseconds=ts), {}
            for name, value in values.items():
                field = fields.get(name)
                if field is None:
                    self._left_out[f"'{name}' is no name of the product"] += 1
                elif field.name not in samples:
                    sample = self._reading(field, at, value) if field.is_metric else _attribute(field, at, value)
                    if sample is not None:
                        samples[field.name] = sample
        if samples:
            yield samples.values()

    def _reading(self, field: Field, at: datetime, value: Any) -> Sample | None:
        try:
            number = float(value) * field.scale
        except (TypeError, ValueError):
            self._left_out[f"{field.name} is no number"] += 1
            return None
        if not field.low <= number <= field.high:
            self._left_out[f"{field.name} is out of its range"] += 1
            return None
        return Sample(SampleKind.READING, field.name, at, at, number)


def _attribute(field: Field, at: datetime, value: object) -> Sample:
    text = tuple(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return Sample(SampleKind.ATTRIBUTE, field.name, at, at, text)
