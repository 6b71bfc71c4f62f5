"""Online and offline tell the truth: last wills, retained statuses, two connections, several ingest processes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from iot_service.db import Database
from iot_service.ingest.batches import Batch, StatusChange
from iot_service.ingest.micros import to_micros
from iot_service.ingest.runner import IngestRunner
from iot_service.ingest.store import store_batch
from iot_service.products.catalog import Catalog, load_catalog
from tests.factories import NOW, make_home
from tests.ingest.publisher import make_settings, wait_until
from tests.ingest.rows import count, rows
from tests.ingest.running import running
from tests.servers.mosquitto import MosquittoServer
from tests.servers.plugin import running as running_server

STATUS = "iot/v1/freezer-1/status"
RECEIVED = to_micros(NOW)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="module")
def broker(pytestconfig: pytest.Config) -> Iterator[MosquittoServer]:
    """A broker of our own: what is retained must not reach other tests, and it is restarted."""
    with running_server(pytestconfig, MosquittoServer()) as server:
        yield server


@pytest.fixture
def home(database: Database) -> Database:
    with database.transaction() as connection:
        make_home(connection)
    return database


def store(database: Database, *statuses: tuple[bool, int]) -> None:
    """Store statuses (online, microseconds after NOW) as one batch."""
    batch = Batch()
    batch.statuses += [StatusChange("freezer-1", "anna", online, RECEIVED + after) for online, after in statuses]
    with database.transaction() as connection:
        store_batch(connection, batch, now=NOW)


def told(database: Database) -> list[str]:
    """What the log says of the device's connection, in order."""
    return [new for _, new in rows(database, "event", "id", "new")]


def test_a_status_that_another_process_stores_too_late_is_void(home: Database) -> None:
    """It came before the repeated online, though after the first one."""
    store(home, (True, 0))
    store(home, (True, 20))
    store(home, (False, 10))
    assert [online for (online,) in rows(home, "connection", "online")] == [True]
    assert told(home) == ["online"]


def test_a_repeated_status_changes_nothing_but_how_new_it_is(home: Database) -> None:
    for after in (0, 10, 20):
        store(home, (False, after))
    assert [since for (since,) in rows(home, "connection", "since")] == [NOW]
    assert told(home) == ["offline"]


@contextmanager
def device(broker: MosquittoServer, client_id: str = "freezer-1") -> Iterator[Client]:
    """A device as the contract wants it: the will says offline, then it says online."""
    client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv311)
    client.will_set(STATUS, b"offline", qos=1, retain=True)
    client.connect("127.0.0.1", broker.port, keepalive=5)
    client.loop_start()
    client.publish(STATUS, b"online", qos=1, retain=True).wait_for_publish(10)
    try:
        yield client
    finally:
        drop(client)
        client.loop_stop()


def drop(client: Client) -> None:
    """Cut the line: without a goodbye, so that the broker speaks the will; and without a reconnect."""
    sock = client.socket()
    client.loop_stop()
    if isinstance(sock, socket.socket):
        sock.close()


def test_a_device_that_is_cut_off_is_offline_and_one_that_returns_is_online(
    broker: MosquittoServer, home: Database, catalog: Catalog
) -> None:
    with running(IngestRunner(make_settings(mqtt_url=broker.url, mqtt_slot="status-1"), home, catalog)):
        wait_until(lambda: count(home, "ingest_slot"))
        with device(broker):
            wait_until(lambda: told(home) == ["online"])
        wait_until(lambda: told(home) == ["online", "offline"])
        with device(broker):
            wait_until(lambda: told(home) == ["online", "offline", "online"])


def test_a_new_connection_of_the_same_device_leaves_it_online(
    broker: MosquittoServer, home: Database, catalog: Catalog
) -> None:
    """The broker throws the old one out and speaks its will before the new one says online."""
    with running(IngestRunner(make_settings(mqtt_url=broker.url, mqtt_slot="status-2"), home, catalog)):
        wait_until(lambda: count(home, "ingest_slot"))
        with device(broker) as old:
            wait_until(lambda: told(home)[-1:] == ["online"])
            before = len(told(home))
            old.loop_stop()  # it hangs: no goodbye, and it does not connect again
            with device(broker):
                wait_until(lambda: len(told(home)) == before + 2)
                assert told(home)[-2:] == ["offline", "online"]
                assert [online for (online,) in rows(home, "connection", "online")] == [True]


def test_what_the_broker_retained_is_told_once_to_a_new_ingest_process_and_not_again_after_a_restart(
    broker: MosquittoServer, home: Database, catalog: Catalog
) -> None:
    with device(broker) as client:
        client.publish(STATUS, b"online", qos=1, retain=True).wait_for_publish(10)
        with running(IngestRunner(make_settings(mqtt_url=broker.url, mqtt_slot="status-3"), home, catalog)):
            wait_until(lambda: told(home) == ["online"])
            client.loop_stop()
            before = rows(home, "ingest_slot", "caught_up_at")
            broker.restart()
            wait_until(lambda: rows(home, "ingest_slot", "caught_up_at") > before, timeout=30)
            assert told(home) in (["online"], ["online", "offline"])  # a broker that stops in order speaks wills
