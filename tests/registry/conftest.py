from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from iot_service.db import Connection, Database
from iot_service.engines.reload import reload_broker
from iot_service.engines.topic_rights import DEVICE_RIGHTS, TopicRights
from iot_service.products.catalog import Catalog, load_catalog
from iot_service.registry.new_device import NewDevice
from iot_service.registry.register import register
from iot_service.registry.runner import BrokerFilesRunner
from tests.factories import NOW, make_customer, make_site
from tests.servers.mosquitto import MosquittoServer
from tests.servers.plugin import running

SAID: dict[str, Any] = {"reason": "a test", "actor": "operator:1", "now": NOW}
SERVICE_PASSWORD = "the password of the service"


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """A transaction of a database with one customer, who has a site."""
    with database.transaction() as connection:
        make_customer(connection)
        make_site(connection)
        yield connection


@dataclass
class Fleet:
    """Devices of one customer, and the runner that tells a real broker of them."""

    database: Database
    catalog: Catalog
    server: MosquittoServer
    runner: BrokerFilesRunner

    def add(self, *ids: str) -> dict[str, str]:
        """Register freezers, and return their secrets by id."""
        devices = [NewDevice(each, "freezer", "anna", "anna-home", each) for each in ids]
        with self.database.transaction() as connection:
            return register(connection, devices, catalog=self.catalog, **SAID)

    @property
    def port(self) -> int:
        return self.server.port


@pytest.fixture
def fleet(pytestconfig: pytest.Config, database: Database, catalog: Catalog) -> Iterator[Fleet]:
    """A customer without devices, and a Mosquitto of this test's own that reads our files."""
    with speaking(pytestconfig, database, catalog, DEVICE_RIGHTS) as fleet:
        yield fleet


def files_runner(database: Database, server: MosquittoServer, devices: TopicRights) -> BrokerFilesRunner:
    """What tells a running Mosquitto who may connect."""
    pid_file = server.folder / "mosquitto.pid"
    pid_file.write_text(str(server.pid))
    return BrokerFilesRunner(
        database,
        server.folder,
        lambda: reload_broker(f"pidfile:{pid_file}"),
        devices=devices,
        service_password=SERVICE_PASSWORD,
    )


@contextmanager
def speaking(config: pytest.Config, database: Database, catalog: Catalog, devices: TopicRights) -> Iterator[Fleet]:
    """The same, where each device has the rights ``devices``."""
    with database.transaction() as connection:
        make_customer(connection)
        make_site(connection)
    with running(config, MosquittoServer({})) as server:
        runner = files_runner(database, server, devices)
        runner.run_once()
        yield Fleet(database, catalog, server, runner)
