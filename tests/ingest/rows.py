"""What the database holds after ingest, as plain values."""

from __future__ import annotations

from typing import Any

from psycopg.sql import SQL, Identifier

from iot_service.db import Database


def rows(database: Database, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """The columns of all rows of a table, sorted."""
    statement = SQL("SELECT {} FROM {}").format(SQL(", ").join(map(Identifier, columns)), Identifier(table))
    with database.transaction() as connection:
        return sorted(tuple(row.values()) for row in connection.execute(statement))


def count(database: Database, table: str) -> int:
    """How many rows a table has."""
    with database.transaction() as connection:
        row = connection.execute(SQL("SELECT count(*) AS n FROM {}").format(Identifier(table))).fetchone()
        assert row is not None
        return int(row["n"])
