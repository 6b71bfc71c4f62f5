from __future__ import annotations

from collections.abc import Iterator

import pytest

from iot_service.db import Connection, Database
from tests.factories import make_home


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """A connection that commits each statement by itself, with a freezer in service."""
    with database._pool.connection() as connection:
        connection.autocommit = True
        make_home(connection)
        yield connection
        connection.autocommit = False
