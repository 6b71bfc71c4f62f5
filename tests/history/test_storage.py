"""How the server keeps readings: chunks, their size, compression where the licence allows it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iot_service.db import Connection, Database
from iot_service.history.chunks import chunk_span, fit_chunks
from iot_service.history.storage import Storage, enable_columnstore, look
from tests.factories import NOW
from tests.history.readings import Reading, store

GB = 2**30


@pytest.mark.parametrize(
    ("readings_per_day", "memory", "span"),
    [
        (40_000 * 86_400, 8 * GB, timedelta(hours=1)),
        (1000 * 86_400, 8 * GB, timedelta(hours=8)),
        (1_000_000, 2 * GB, timedelta(days=7)),
        (1000, GB, timedelta(days=30)),
    ],
)
def test_a_chunk_stays_in_memory(readings_per_day: int, memory: int, span: timedelta) -> None:
    assert chunk_span(readings_per_day, memory) == span


def test_chunks_are_fitted_to_what_is_expected_or_comes(database: Database, engine: str) -> None:
    with database.transaction() as connection:
        assert fit_chunks(connection, None) is None
        fitted = fit_chunks(connection, 2_000_000)
        assert fitted == look(connection).chunk_span
        assert (fitted is not None) == (engine == "timescale")
        store(connection, [Reading(NOW + number * timedelta(seconds=1), 1.0, NOW) for number in range(100)])
        connection.execute("UPDATE rollup_progress SET received_until = %s", [NOW])
        assert fit_chunks(connection, None) == (timedelta(days=14) if engine == "timescale" else None)


def test_what_an_engine_misses_is_told(database: Database, engine: str) -> None:
    with database.transaction() as connection:
        storage = look(connection)
    if engine == "timescale":
        assert (storage.license, storage.chunk_span, storage.compressed) == ("apache", timedelta(days=7), False)
        assert "community licence" in storage.missed
    else:
        assert (storage.version, storage.chunk_span) == (None, None)
        assert "plain PostgreSQL" in storage.missed


@pytest.mark.parametrize(("compressed", "missed"), [(True, ""), (False, "run `iot-service migrate`")])
def test_with_the_community_licence_nothing_is_missed(compressed: bool, missed: str) -> None:
    storage = Storage("2.19.3", "timescale", timedelta(days=7), 3, compressed, NOW)
    assert missed in storage.missed
    assert bool(storage.missed) != compressed


def pretend_community(connection: Connection) -> None:
    """Let the statements of the community edition leave a trace instead: this server does not know them."""
    connection.execute("CREATE TABLE done (what text)")
    connection.execute(
        "CREATE OR REPLACE FUNCTION columnstore_statements() RETURNS SETOF text LANGUAGE sql IMMUTABLE AS"
        " $$ VALUES ('INSERT INTO done VALUES (1)'), ('INSERT INTO done VALUES (2)') $$"
    )


def test_compression_is_switched_on_only_where_the_licence_allows_it(database: Database) -> None:
    with database.transaction() as connection:
        assert enable_columnstore(connection) is False
        pretend_community(connection)
        for license_ in ("apache", None):
            row = connection.execute("SELECT enable_columnstore(%s) AS enabled", [license_]).fetchone()
            assert row == {"enabled": False}
        assert connection.execute("SELECT FROM done").fetchall() == []
        row = connection.execute("SELECT enable_columnstore('timescale') AS enabled").fetchone()
        assert (row, len(connection.execute("SELECT FROM done").fetchall())) == ({"enabled": True}, 2)


def test_compression_keeps_the_readings_of_one_series_side_by_side(database: Database) -> None:
    """What the community edition would run; the columns are those of the unique index, or late readings would fail."""
    with database.transaction() as connection:
        rows = connection.execute("SELECT columnstore_statements() AS statement").fetchall()
    first, second = (row["statement"] for row in rows)
    assert first == (
        "ALTER TABLE reading SET (timescaledb.compress, timescaledb.compress_segmentby = 'device_id, metric',"
        " timescaledb.compress_orderby = 'ts')"
    )
    assert second == "SELECT add_compression_policy('reading', INTERVAL '7 days', if_not_exists => true)"
