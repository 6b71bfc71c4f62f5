from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from iot_service import clock
from iot_service.commands import sending
from iot_service.commands.command import Command
from iot_service.commands.runner import CommandRunner
from iot_service.db import Database, Jsonb
from iot_service.products.catalog import Catalog, load_catalog
from tests.commands.fake_publisher import FakePublisher
from tests.factories import NOW, insert, make_device, make_home


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()


class Fleet:
    """A freezer and what people, devices and the runner do, on a clock that is set by hand."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self.database, self.catalog = database, catalog
        self.broker = FakePublisher()
        self.runner = CommandRunner(database, self.broker)

    def run(self) -> int:
        return self.runner.run_once()

    def send(self, name: str = "defrost", args: dict[str, object] | None = None, **over: Any) -> int:
        with self.database.transaction() as connection:
            values: dict[str, Any] = {"catalog": self.catalog, "actor": "operator:1", "now": clock.now(), **over}
            device_id = values.pop("device_id", "freezer-1")
            return sending.send(connection, device_id, name, args or {}, **values)

    def get(self, command_id: int) -> Command:
        with self.database.transaction() as connection:
            return sending.get(connection, command_id)

    def cancel(self, command_id: int) -> Command:
        with self.database.transaction() as connection:
            return sending.cancel(connection, command_id, reason="not any more", actor="operator:1", now=clock.now())

    def answer(self, document: dict[str, Any], device_id: str = "freezer-1") -> None:
        """Store an answer where ingest stores it."""
        at = clock.now()
        with self.database.transaction() as connection:
            values = {"name": "command/ack", "ts": at, "data": Jsonb(document), "received_at": at}
            insert(connection, "device_event", device_id=device_id, **values)

    def status(self, *, online: bool, device_id: str = "freezer-1") -> None:
        """Store a status where ingest stores it."""
        with self.database.transaction() as connection:
            connection.execute(
                "INSERT INTO connection (device_id, online, since) VALUES (%(id)s, %(online)s, %(at)s) "
                "ON CONFLICT (device_id) DO UPDATE SET online = excluded.online, since = excluded.since",
                {"id": device_id, "online": online, "at": clock.now()},
            )

    def events(self, command_id: int) -> list[str]:
        with self.database.transaction() as connection:
            rows = connection.execute(
                "SELECT type FROM event WHERE type LIKE 'command.%%' AND subject_id = %s ORDER BY id", [str(command_id)]
            )
            return [row["type"].removeprefix("command.") for row in rows]


def later(seconds: float) -> None:
    """Let time pass."""
    clock.freeze(clock.now() + timedelta(seconds=seconds))


@pytest.fixture
def fleet(database: Database, catalog: Catalog) -> Iterator[Fleet]:
    clock.freeze(NOW)
    with database.transaction() as connection:
        make_home(connection)
        make_device(connection, id="freezer-2")
        make_device(connection, id="car-1", product="car", parameters={})
        connection.execute("UPDATE device SET parameters = %s WHERE id = 'car-1'", [Jsonb({})])
    yield Fleet(database, catalog)
    clock.thaw()
