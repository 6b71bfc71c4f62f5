"""Exports are read in pages, and what they write reads back."""

from __future__ import annotations

import gzip
import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_service import clock
from iot_service.db import Database
from iot_service.history.exports import Export, Page, as_csv, gzipped, read_pages
from iot_service.history.series import single
from iot_service.history.spans import DAY, HOUR, MINUTE
from iot_service.model.device import Device, ServiceState
from iot_service.products.catalog import load_catalog
from tests.factories import NOW
from tests.history.readings import Reading, run_to_the_end, store, summed

FREEZER = Device("freezer-1", "freezer", "anna", None, "Fryser", ServiceState.IN_SERVICE)
READINGS = [Reading(NOW - (25_001 - number) * MINUTE, float(number % 91), NOW) for number in range(25_001)]


@pytest.fixture
def measured(database: Database) -> Database:
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO reading (device_id, metric, ts, value, received_at)"
            " SELECT 'freezer-1', 'temperature', %(now)s - (25001 - n) * interval '1 minute', n %% 91, %(now)s"
            " FROM generate_series(0, 25000) AS n",
            {"now": NOW},
        )
    clock.freeze(NOW + 2 * MINUTE)
    run_to_the_end(database)
    return database


def pages(database: Database, resolution: str) -> list[Page]:
    product = load_catalog().products["freezer"]
    export = Export(FREEZER, product, ["temperature", "ambient"], NOW - 100 * DAY, NOW, resolution)
    return list(read_pages(database, export, now=NOW))


def test_readings_come_in_pages_that_join_without_a_seam(measured: Database) -> None:
    found = pages(measured, "raw")
    assert [(metric, len(bins)) for metric, bins in found] == [
        ("temperature", 10_000), ("temperature", 10_000), ("temperature", 5001),
    ]  # fmt: skip
    assert [each for _, bins in found for each in bins] == [single(each.ts, each.value) for each in READINGS]


def test_a_page_is_read_when_it_is_asked_for(measured: Database) -> None:
    """So whoever reads slowly holds neither a connection nor a transaction."""
    product = load_catalog().products["freezer"]
    reading = read_pages(measured, Export(FREEZER, product, ["temperature"], NOW - 100 * DAY, NOW), now=NOW)
    assert next(reading)[1][0].at == READINGS[0].ts
    late = Reading(NOW - MINUTE / 2, 99.0, NOW)
    with measured.transaction() as connection:
        store(connection, [late])
    rest = [each for _, bins in reading for each in bins]
    assert rest[-1] == single(late.ts, 99.0)


@pytest.mark.parametrize(("resolution", "width"), [("1m", MINUTE), ("1h", HOUR), ("1d", DAY)])
def test_rollups_come_in_pages_as_well(measured: Database, resolution: str, width: timedelta) -> None:
    found = pages(measured, resolution)
    assert all(len(bins) <= 5000 for _, bins in found)
    assert [each for _, bins in found for each in bins] == summed(READINGS, width)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=50))
def test_a_csv_reads_back_as_it_was(values: list[float]) -> None:
    bins = [single(NOW + number * MINUTE, value) for number, value in enumerate(values)]
    packed = b"".join(gzipped(as_csv([("temperature", bins)], "raw")))
    lines = gzip.decompress(packed).decode().splitlines()[1:]
    assert [float(line.split(",")[2]) for line in lines] == values
    assert all(math.isfinite(float(line.split(",")[2])) for line in lines)
