"""The comparison runner: what hourly rollups say of a fleet becomes facts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest

from iot_service import clock
from iot_service.db import Connection, Database
from iot_service.history.fleet import ComparisonRunner
from tests.factories import NOW, make_customer, make_device, make_site
from tests.rules.telemetry import SHIPPED

HOUR = timedelta(hours=1)


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """A connection that commits each statement by itself."""
    with database._pool.connection() as connection:
        connection.autocommit = True
        make_customer(connection)
        make_site(connection)
        yield connection
        connection.autocommit = False


def make_freezer(
    connection: Connection, name: str, *, share: float, temperature: float = -70.0, hours: int = 100, **over: str
) -> None:
    """A freezer whose compressor ran ``share`` of the time at 20 °C, more in the warmth of the afternoon."""
    chance = random.Random(name)
    make_device(connection, id=name, **over)
    rows = []
    for hour in range(hours):
        warm = 4.0 if hour % 24 > 11 else 0.0
        means = {
            "compressor": min(1.0, share * (1 + warm / 20) * chance.uniform(0.95, 1.05)),
            "ambient": 20 + warm + chance.uniform(-0.4, 0.4),
            "temperature": temperature + chance.uniform(-1, 1),
        }
        rows += [(name, metric, NOW - (hour + 1) * HOUR, mean) for metric, mean in means.items()]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO reading_hour (device_id, metric, bucket, readings, total, lowest, highest, last, first_at, "
            "last_at) VALUES (%s, %s, %s, 60, 60 * %s, 0, 1, 0, now(), now())", rows,
        )  # fmt: skip


def facts(connection: Connection) -> dict[tuple[str, str], float | None]:
    newest = "SELECT DISTINCT ON (device_id, name) * FROM device_fact ORDER BY device_id, name, at DESC"
    rows = connection.execute(newest).fetchall()
    return {(row["device_id"], row["name"]): row["value"] for row in rows}


def test_the_freezer_that_works_a_third_more_stands_out(database: Database, connection: Connection) -> None:
    for number in range(7):
        make_freezer(connection, f"freezer-{number}", share=0.45 + number / 500)
    make_freezer(connection, "dirty", share=0.62)
    make_freezer(connection, "colder", share=0.8, temperature=-80)
    make_freezer(connection, "thawing", share=1.0, service_state="out_of_service")
    clock.freeze(NOW)
    runner = ComparisonRunner(database, SHIPPED)
    assert (runner.run_once(), runner.run_once()) == (8, 0)
    found = facts(connection)
    assert found["dirty", "compressor_share_vs_peers"] == pytest.approx(1.36, abs=0.03)
    assert found["dirty", "compressor_share_peers"] == 7
    assert found["freezer-3", "compressor_share_vs_peers"] == pytest.approx(1.0, abs=0.04)
    assert not {name for name, _ in found} & {"colder", "thawing"}
    woken = connection.execute("SELECT device_id FROM rule_state WHERE wake_at = %s", [NOW]).fetchall()
    assert {row["device_id"] for row in woken} == {"dirty", *(f"freezer-{number}" for number in range(7))}


def test_what_hardly_changed_is_not_written_again(database: Database, connection: Connection) -> None:
    for number in range(7):
        make_freezer(connection, f"freezer-{number}", share=0.45)
    clock.freeze(NOW)
    ComparisonRunner(database, SHIPPED).run_once()
    before = connection.execute("SELECT count(*) AS facts FROM device_fact").fetchone()
    clock.freeze(NOW + HOUR)
    assert ComparisonRunner(database, SHIPPED).run_once() == 0
    assert connection.execute("SELECT count(*) AS facts FROM device_fact").fetchone() == before


def test_a_device_that_lost_its_peers_is_unknown(database: Database, connection: Connection) -> None:
    for number in range(6):
        make_freezer(connection, f"freezer-{number}", share=0.45)
    clock.freeze(NOW)
    runner = ComparisonRunner(database, SHIPPED)
    assert runner.run_once() == 6
    connection.execute("UPDATE device SET service_state = 'out_of_service' WHERE id = 'freezer-5'")
    clock.freeze(NOW + HOUR)
    assert runner.run_once() == 6
    assert set(facts(connection).values()) == {None}


def test_what_was_said_long_ago_is_forgotten_but_for_what_still_holds(
    database: Database, connection: Connection
) -> None:
    for number in range(6):
        make_freezer(connection, f"freezer-{number}", share=0.45)
    for days in (900, 800, 3):
        connection.execute(
            "INSERT INTO device_fact (device_id, name, at, value, source) "
            "VALUES ('freezer-0', 'compressor_share_vs_peers', %s, 1.0, 'comparison')", [NOW - timedelta(days=days)],
        )  # fmt: skip
    clock.freeze(NOW)
    ComparisonRunner(database, SHIPPED).run_once()
    kept = connection.execute(
        "SELECT at FROM device_fact WHERE name = 'compressor_share_vs_peers' AND device_id = 'freezer-0' ORDER BY at"
    ).fetchall()
    assert [row["at"] for row in kept] == [NOW - timedelta(days=800), NOW - timedelta(days=3)]
