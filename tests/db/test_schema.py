"""The schema: `schema.sql` equals the migrations, and what each engine adds is there."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from iot_service.db import Database
from iot_service.db.migrate import migrate
from iot_service.engines.binaries import postgres_programs

GOLDEN = Path(__file__).parent.parent.parent / "iot_service" / "db" / "schema.sql"
PG_DUMP = postgres_programs(None) / "pg_dump"


def dump(url: str) -> str:
    """The schema as SQL, without what changes from server to server."""
    parts = urlsplit(url)
    text = subprocess.run(
        [PG_DUMP, "--schema-only", "--no-owner", "--no-privileges", "--exclude-table=*yoyo*", url],
        env={**os.environ, "PGPASSWORD": parts.password or ""},
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    noise = re.compile(r"^(--|SET |SELECT pg_catalog|\\(un)?restrict)")
    lines = [line for line in text.splitlines() if line.strip() and not noise.match(line)]
    return "\n".join(lines) + "\n"


def test_the_golden_schema_equals_the_migrations(database_url: str, engine: str) -> None:
    """After a new migration, run with --engine embedded and IOT_TEST_WRITE_SCHEMA=1, and look at the difference."""
    if engine == "timescale":
        with Database(database_url) as database, database.transaction() as connection:
            row = connection.execute(
                "SELECT num_dimensions, (SELECT time_interval FROM timescaledb_information.dimensions"
                " WHERE hypertable_name = 'reading') AS chunk FROM timescaledb_information.hypertables"
                " WHERE hypertable_name = 'reading'"
            ).fetchone()
        assert row is not None
        assert (row["num_dimensions"], row["chunk"].days) == (1, 7)
        return
    found = dump(database_url)
    if os.environ.get("IOT_TEST_WRITE_SCHEMA"):
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    assert migrate(database_url) == []


@pytest.mark.parametrize("table", ["reading", "need", "event", "delivery"])
def test_both_engines_have_the_same_columns(table: str, database: Database) -> None:
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_name = %s AND table_schema = 'public' ORDER BY ordinal_position",
            [table],
        ).fetchall()
    golden = re.search(rf"CREATE TABLE public\.{table} \((.*?)^\);", GOLDEN.read_text(), re.DOTALL | re.MULTILINE)
    assert golden is not None
    for row in rows:
        assert re.search(rf"^    {row['column_name']} {row['data_type']}", golden[1], re.MULTILINE), row
