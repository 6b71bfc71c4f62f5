"""Commands through a real broker: down to a device, its answer up through ingest, and nothing stale."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from iot_service import clock
from iot_service.commands import sending
from iot_service.commands.runner import CommandRunner
from iot_service.db import Database
from iot_service.errors import RetryError
from iot_service.ingest.runner import IngestRunner
from iot_service.model.command import CommandState
from iot_service.products.catalog import Catalog
from iot_service.worker import Job, Worker
from tests.factories import make_home
from tests.ingest.publisher import make_settings, wait_until
from tests.ingest.running import running
from tests.servers.mosquitto import MosquittoServer
from tests.servers.plugin import running as running_server


@pytest.fixture(scope="module")
def broker(pytestconfig: pytest.Config) -> Iterator[MosquittoServer]:
    with running_server(pytestconfig, MosquittoServer()) as server:
        yield server


class Device:
    """A freezer with a persistent session that does what it is told, once per id, and answers each repetition."""

    def __init__(self, broker: MosquittoServer, client_id: str = "freezer-1") -> None:
        self._broker, self._client_id = broker, client_id
        self.received: list[dict[str, Any]] = []
        self.done: list[str] = []

    @contextmanager
    def connected(self, *, deaf_for: int = 0) -> Iterator[Client]:
        """Be there; the first ``deaf_for`` commands are not answered."""
        client = Client(CallbackAPIVersion.VERSION2, client_id=self._client_id, protocol=MQTTProtocolVersion.MQTTv5)
        there = threading.Event()

        def on_message(_client: Client, _data: object, message: MQTTMessage) -> None:
            command = json.loads(message.payload)
            self.received.append(command)
            if len(self.received) <= deaf_for:
                return
            if command["id"] not in self.done:
                self.done.append(command["id"])
            client.publish(f"{message.topic}/ack", json.dumps({"id": command["id"], "ok": True}), qos=1)

        def on_connect(_client: Client, _data: object, _flags: object, _code: object, _properties: object) -> None:
            client.subscribe("iot/v1/freezer-1/command", qos=1)

        client.on_message = on_message
        client.on_connect = on_connect
        client.on_subscribe = lambda *_: there.set()
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has no types there
        properties.SessionExpiryInterval = 3600
        client.connect("127.0.0.1", self._broker.port, clean_start=False, properties=properties)
        client.loop_start()
        try:
            assert there.wait(5)
            yield client
        finally:
            client.disconnect()
            client.loop_stop()


@contextmanager
def service(broker: MosquittoServer, database: Database, catalog: Catalog) -> Iterator[IngestRunner]:
    """Ingest with its command runner, as one process has them."""
    ingest = IngestRunner(make_settings(mqtt_url=broker.url, mqtt_slot="commands"), database, catalog)
    worker = Worker(database, [Job("commands", CommandRunner(database, ingest).run_once, 0.5, ("command",))])
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        with running(ingest):
            wait_until(lambda: ingest.connected)
            yield ingest
    finally:
        stop.set()
        thread.join()


def send(database: Database, catalog: Catalog, timeout: float) -> int:
    with database.transaction() as connection:
        return sending.send(
            connection, "freezer-1", "defrost", {}, catalog=catalog, actor="test", now=clock.now(),
            timeout=timedelta(seconds=timeout),
        )  # fmt: skip


def state(database: Database, command_id: int) -> tuple[CommandState, int]:
    with database.transaction() as connection:
        command = sending.get(connection, command_id)
        return command.state, command.attempts


def test_a_command_goes_down_its_answer_comes_up_and_a_repetition_is_known_by_its_id(
    broker: MosquittoServer, database: Database, catalog: Catalog
) -> None:
    with database.transaction() as connection:
        make_home(connection)
    device = Device(broker)
    with service(broker, database, catalog), device.connected(deaf_for=1):
        command_id = send(database, catalog, timeout=1)
        wait_until(lambda: state(database, command_id)[0] is CommandState.ACKNOWLEDGED)
    assert [command["id"] for command in device.received] == [str(command_id)] * 2
    assert device.done == [str(command_id)]
    assert state(database, command_id) == (CommandState.ACKNOWLEDGED, 2)


def test_a_device_that_comes_back_too_late_finds_no_stale_command(
    broker: MosquittoServer, database: Database, catalog: Catalog
) -> None:
    device = Device(broker)
    with device.connected():
        pass
    with service(broker, database, catalog) as ingest:
        ingest.publish("iot/v1/freezer-1/command", b'{"id": "1", "name": "defrost", "args": {}}', expiry_seconds=1)
        ingest.publish("iot/v1/freezer-1/command", b'{"id": "2", "name": "defrost", "args": {}}', expiry_seconds=60)
        threading.Event().wait(2.1)
        with device.connected():
            wait_until(lambda: device.received)
    assert [command["id"] for command in device.received] == ["2"]


def test_without_a_connection_nothing_is_taken_for_sent(database: Database, catalog: Catalog) -> None:
    with pytest.raises(RetryError):
        IngestRunner(make_settings(), database, catalog).publish("iot/v1/x/command", b"{}", expiry_seconds=5)
