"""Finding what a device measured, and exporting it."""

from __future__ import annotations

import gzip
import io
import sys
from datetime import timedelta

import pytest
from pyarrow import parquet
from starlette.testclient import TestClient

from iot_service import clock
from iot_service.db import Database
from tests.api.callers import Callers, Headers
from tests.factories import NOW, make_home
from tests.history.readings import Reading, run_to_the_end, store

PATH = "/v1/devices/freezer-1/readings"
MINUTE = timedelta(minutes=1)
READINGS = [Reading(NOW - (12_345 - number) * MINUTE, number / 7, NOW) for number in range(12_345)]


@pytest.fixture
def headers(callers: Callers) -> Headers:
    return callers.integration


@pytest.fixture
def measured(database: Database) -> Database:
    with database.transaction() as connection:
        make_home(connection)
        store(connection, READINGS)
        store(connection, [Reading(NOW - HOUR, -70.0, NOW, metric="setpoint")])
    clock.freeze(NOW + 2 * MINUTE)
    run_to_the_end(database)
    clock.freeze(NOW)
    return database


HOUR = timedelta(hours=1)


def test_the_last_day_of_everything_is_answered_where_nothing_is_asked(
    client: TestClient, headers: Headers, measured: Database
) -> None:
    found = client.get(PATH, headers=headers).json()
    assert (found["device_id"], found["from"], found["to"]) == (
        "freezer-1", "2026-11-20T12:00:00Z", "2026-11-21T12:00:00Z",
    )  # fmt: skip
    assert [(each["metric"], each["unit"], each["resolution"], len(each["points"])) for each in found["series"]] == [
        ("temperature", "°C", "raw", 1440),
        ("setpoint", "°C", "raw", 1),
    ]
    assert found["series"][0]["gaps"] == []
    value = READINGS[-1].value
    assert found["series"][0]["points"][-1] == {
        "ts": "2026-11-21T11:59:00Z", "value": value, "min": value, "max": value, "count": 1,
    }  # fmt: skip


def test_a_long_span_is_answered_in_a_coarser_resolution(
    client: TestClient, headers: Headers, measured: Database
) -> None:
    span = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-21T12:00:00+00:00", "metric": "temperature"}
    (series,) = client.get(PATH, params=span, headers=headers).json()["series"]
    assert (series["resolution"], sum(point["count"] for point in series["points"])) == ("15m", 12_345)
    assert series["gaps"] == [{"from": "2026-11-01T00:00:00Z", "to": "2026-11-12T22:15:00Z"}]
    (series,) = client.get(PATH, params={**span, "points": 50}, headers=headers).json()["series"]
    assert (series["resolution"], len(series["points"])) == ("6h", 35)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"metric": "temprature"}, "metric"),
        ({"from": "2026-11-21T13:00:00Z", "to": "2026-11-21T12:00:00Z"}, "from"),
        ({"from": "2026-11-21T10:00:00"}, "from"),
        ({"resolution": "2m"}, "resolution"),
        ({"points": "0"}, "points"),
        ({"to": "0001-01-01T00:00:00Z"}, "to"),
        ({"format": "xml"}, "format"),
    ],
)
def test_what_cannot_be_answered_is_told_with_its_field(
    client: TestClient, headers: Headers, measured: Database, asked: dict[str, str], field: str
) -> None:
    answer = client.get(PATH, params=asked, headers=headers)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])


def test_all_of_time_may_be_asked_for(client: TestClient, headers: Headers, measured: Database) -> None:
    span = {"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T00:00:00Z", "metric": "temperature"}
    (series,) = client.get(PATH, params=span, headers=headers).json()["series"]
    assert (series["resolution"], sum(point["count"] for point in series["points"])) == ("15m", 12_345)


@pytest.mark.parametrize("packed", [True, False])
def test_a_csv_holds_every_reading_as_it_is_stored(
    client: TestClient, headers: Headers, measured: Database, packed: bool
) -> None:
    asked = {"format": "csv", "from": "2026-11-01T00:00:00Z"}
    coding = {"Accept-Encoding": "gzip" if packed else "identity"}
    with client.stream("GET", PATH, params=asked, headers={**headers, **coding}) as answer:
        body = b"".join(answer.iter_raw())
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    lines = (gzip.decompress(body) if packed else body).decode().splitlines()
    assert lines[0] == "metric,ts,value"
    rows = [line.split(",") for line in lines[1:]]
    expected = [["temperature", f"{each.ts:%Y-%m-%dT%H:%M:%SZ}", repr(each.value)] for each in READINGS]
    assert rows == [*expected, ["setpoint", "2026-11-21T11:00:00Z", "-70.0"]]


def test_a_csv_may_be_of_hours(client: TestClient, headers: Headers, measured: Database) -> None:
    asked = {"format": "csv", "from": "2026-11-21T10:30:00Z", "resolution": "1h", "metric": "temperature"}
    answer = client.get(PATH, params=asked, headers=headers)
    hour = READINGS[-60:]
    mean = sum(each.value for each in hour) / 60
    lines = answer.text.splitlines()
    assert (len(lines), lines[0]) == (3, "metric,ts,value,min,max,count")
    *names, value, low, high, count = lines[2].split(",")
    assert names == ["temperature", "2026-11-21T11:00:00Z"]
    assert (float(low), float(high), int(count)) == (hour[0].value, hour[-1].value, 60)
    assert float(value) == pytest.approx(mean)


def test_a_parquet_file_holds_every_reading_as_it_is_stored(
    client: TestClient, headers: Headers, measured: Database
) -> None:
    asked = {"format": "parquet", "from": "2026-11-01T00:00:00Z", "metric": "temperature"}
    answer = client.get(PATH, params=asked, headers=headers)
    assert answer.headers["content-disposition"] == 'attachment; filename="freezer-1.parquet"'
    table = parquet.read_table(io.BytesIO(answer.content))
    assert table.column("ts").to_pylist() == [each.ts for each in READINGS]
    assert table.column("value").to_pylist() == [each.value for each in READINGS]
    assert set(table.column("metric").to_pylist()) == {"temperature"}


def test_without_its_library_parquet_is_answered_with_what_to_install(
    client: TestClient, headers: Headers, measured: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "iot_service.history.parquet", None)
    answer = client.get(PATH, params={"format": "parquet"}, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (501, "application/problem+json")
    assert "iot-service[parquet]" in answer.json()["detail"]


def test_readings_of_a_device_that_nobody_knows_are_not_there(
    client: TestClient, headers: Headers, measured: Database
) -> None:
    for format_ in ("json", "csv", "parquet"):
        answer = client.get("/v1/devices/nobody/readings", params={"format": format_}, headers=headers)
        assert answer.status_code == 404
