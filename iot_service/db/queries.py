"""Named queries: each package keeps its SQL in ``queries.sql``, and calls it by name.

The file is a list of blocks ``-- name: NAME`` (followed by one comment line that says what it does) and one statement
with ``%(parameter)s`` places. No statement is put together at run time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from psycopg.rows import tuple_row
from psycopg.sql import SQL

from iot_service.db.pool import Connection

_BLOCK = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Query:
    """One statement, with the ways to run it. Parameters are passed by name."""

    name: str
    text: str

    def all(self, connection: Connection, **parameters: Any) -> list[dict[str, Any]]:
        """Run it and return every row."""
        return connection.execute(self._sql(), parameters).fetchall()

    def tuples(self, connection: Connection, **parameters: Any) -> list[tuple[Any, ...]]:
        """Run it and return every row as a plain tuple, which for many rows costs a third of :meth:`all`."""
        with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
            return cursor.execute(self._sql(), parameters).fetchall()

    def first(self, connection: Connection, **parameters: Any) -> dict[str, Any] | None:
        """Run it and return the first row, or None where there is none."""
        return connection.execute(self._sql(), parameters).fetchone()

    def one(self, connection: Connection, **parameters: Any) -> dict[str, Any]:
        """Run it and return its row; raises LookupError where there is none."""
        row = self.first(connection, **parameters)
        if row is None:
            raise LookupError(f"query {self.name} gave no row")
        return row

    def run(self, connection: Connection, **parameters: Any) -> int:
        """Run it and return how many rows it touched."""
        return connection.execute(self._sql(), parameters).rowcount

    def many(self, connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run it once for each mapping of parameters, in one round trip."""
        with connection.cursor() as cursor:
            cursor.executemany(self._sql(), rows)

    def _sql(self) -> SQL:
        return SQL(self.text)  # read from our own files, never built at run time


def load_queries(package: str) -> dict[str, Query]:
    """Return the queries of ``package`` by name, from its file ``queries.sql``.

    Raises ValueError when a name stands twice or text stands before the first name.
    """
    text = resources.files(package).joinpath("queries.sql").read_text(encoding="utf-8")
    head, *parts = _BLOCK.split(text)
    if re.sub(r"--.*", "", head).strip():
        raise ValueError(f"{package}/queries.sql: a statement stands before the first '-- name:'")
    queries: dict[str, Query] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if name in queries:
            raise ValueError(f"{package}/queries.sql: {name} stands twice")
        queries[name] = Query(name, body.strip().rstrip(";"))
    return queries
