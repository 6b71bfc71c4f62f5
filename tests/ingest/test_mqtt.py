"""Ingest with a real broker: nothing lost, nothing twice, memory bounded, the marker tells the truth."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from iot_service import clock
from iot_service.config import Settings
from iot_service.db import Database
from iot_service.engines.broker import EmbeddedBroker
from iot_service.errors import StopError
from iot_service.ingest.micros import to_micros
from iot_service.ingest.mqtt import MqttSource
from iot_service.ingest.mqtt.plan import working
from iot_service.ingest.runner import IngestRunner
from iot_service.ingest.topics import SUBSCRIPTION
from iot_service.products.catalog import Catalog, load_catalog
from tests.factories import make_device, make_home
from tests.ingest.proxy import Proxy
from tests.ingest.publisher import make_settings, publisher, wait_until
from tests.ingest.rows import count, rows
from tests.ingest.running import running
from tests.servers.mosquitto import MosquittoServer

TOPIC = "iot/v1/freezer-1/telemetry"
_slots = itertools.count(1)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture
def home(database: Database) -> Database:
    """A database with one registered freezer."""
    with database.transaction() as connection:
        make_home(connection)
    return database


def settings_for(url: str, **over: Any) -> Settings:
    """Settings of an ingest process that the broker has never seen."""
    return make_settings(mqtt_url=url, mqtt_slot=f"mqtt-{next(_slots)}", **over)


def readings(first: int, last: int) -> list[tuple[str, bytes]]:
    """Messages with one reading each, a millisecond apart, all in the last minutes."""
    start = to_micros(clock.now()) // 1000 - 200_000
    return [
        (TOPIC, json.dumps({"ts": start + number, "values": {"temperature": number / 1000}}).encode())
        for number in range(first, last)
    ]


def caught_up_at(database: Database) -> datetime | None:
    found = rows(database, "ingest_slot", "caught_up_at")
    return found[0][0] if found else None


class WatchedSource(MqttSource):
    """Remembers how many messages waited at most."""

    most = 0

    def receive(self, limit: int, timeout: float) -> Any:
        WatchedSource.most = max(WatchedSource.most, self.waiting)
        return super().receive(limit, timeout)


def test_what_is_published_while_ingest_is_down_is_stored_after_its_start(
    mosquitto_server: MosquittoServer, home: Database, catalog: Catalog
) -> None:
    settings = settings_for(mosquitto_server.url)
    with publisher(mosquitto_server.port) as device:
        with running(IngestRunner(settings, home, catalog)):
            wait_until(lambda: caught_up_at(home))
        device.publish_all(readings(0, 500))
        assert count(home, "reading") == 0
        with running(IngestRunner(settings, home, catalog)):
            wait_until(lambda: count(home, "reading") == 500)
            device.publish_all(readings(500, 600))
            wait_until(lambda: count(home, "reading") == 600)


def test_a_crash_between_storing_and_acknowledging_stores_nothing_twice(
    mosquitto_server: MosquittoServer, home: Database, catalog: Catalog
) -> None:
    class CrashingSource(MqttSource):
        """Never gets as far as acknowledging."""

        def _acknowledge(self, _messages: object) -> None:
            pass

    settings = settings_for(mosquitto_server.url)
    with publisher(mosquitto_server.port) as device:
        with running(IngestRunner(settings, home, catalog, source=CrashingSource)):
            wait_until(lambda: caught_up_at(home))
            device.publish_all(readings(0, 200))
            wait_until(lambda: count(home, "reading") == 200)
            before = rows(home, "reading", "metric", "ts", "value", "received_at")
        with running(IngestRunner(settings, home, catalog)):
            last = (TOPIC, json.dumps({"values": {"door": 1}}).encode())
            device.publish(*last)
            wait_until(lambda: count(home, "reading") == 201)
    assert [row for row in rows(home, "reading", "metric", "ts", "value", "received_at") if row[0] != "door"] == before
    assert count(home, "dead_letter") == 0


def test_what_a_resumed_session_delivers_before_the_subscription_is_answered_is_acknowledged_too(
    mosquitto_server: MosquittoServer,
) -> None:
    settings = settings_for(mosquitto_server.url)

    def everything() -> list[bytes]:
        """Take and acknowledge what comes, from the first instant of the connection until it is quiet."""
        found: list[bytes] = []
        quiet = 0
        with MqttSource(settings, linger=0) as source:
            source.open(working(settings.mqtt_slot or "1", (SUBSCRIPTION,), None))
            while quiet < 3:
                delivery = source.receive(10, 0.2)
                delivery.acknowledge()
                found += [message.payload for message in delivery.messages if message.topic == TOPIC]
                quiet = 0 if delivery.messages and found else quiet + source.connected
        return found

    assert everything() == []
    with publisher(mosquitto_server.port) as device:
        device.publish_all([(TOPIC, b"%d" % number) for number in range(100)])
    assert everything() == [b"%d" % number for number in range(100)]
    assert everything() == []


@contextmanager
def behind(proxy: Proxy, database: Database) -> Iterator[Database]:
    """The same database as seen through ``proxy``."""
    address = urlsplit(database.url)
    netloc = address.netloc.replace(f":{address.port}", f":{proxy.port}")
    with Database(urlunsplit(address._replace(netloc=netloc))) as far:
        yield far


def test_while_the_database_is_away_the_broker_keeps_what_does_not_fit_into_memory(
    mosquitto_server: MosquittoServer, home: Database, catalog: Catalog
) -> None:
    settings = settings_for(mosquitto_server.url, queue_messages=100, batch_messages=50)
    WatchedSource.most = 0
    with (
        publisher(mosquitto_server.port) as device,
        Proxy(urlsplit(home.url).port or 5432) as proxy,
        behind(proxy, home) as far,
        running(IngestRunner(settings, far, catalog, source=WatchedSource)),
    ):
        wait_until(lambda: caught_up_at(home))
        proxy.cut()
        device.publish_all(readings(0, 1000))
        stood_still = caught_up_at(home)
        threading.Event().wait(1.0)
        assert caught_up_at(home) == stood_still
        assert count(home, "reading") == 0
        proxy.mend()
        wait_until(lambda: count(home, "reading") == 1000)
    assert 0 < WatchedSource.most <= 100
    assert count(home, "dead_letter") == 0


def test_the_marker_advances_while_connected_and_stands_still_while_not(
    mosquitto_server: MosquittoServer, home: Database, catalog: Catalog
) -> None:
    with Proxy(mosquitto_server.port) as proxy:
        settings = settings_for(f"mqtt://127.0.0.1:{proxy.port}")
        with running(IngestRunner(settings, home, catalog)):
            wait_until(lambda: caught_up_at(home))
            first = caught_up_at(home)
            assert first is not None
            wait_until(lambda: (caught_up_at(home) or first) > first)
            proxy.cut()
            seen: list[datetime | None] = [first]

            def stands_still() -> bool:  # what was under way when the connection was cut may still arrive
                threading.Event().wait(1.2)
                seen.append(caught_up_at(home))
                return seen[-1] == seen[-2]

            wait_until(stands_still)
            still = seen[-1]
            assert still is not None
            assert still <= clock.now()
            with publisher(mosquitto_server.port) as device:
                device.publish_all(readings(0, 10))
            proxy.mend()
            wait_until(lambda: count(home, "reading") == 10)
            wait_until(lambda: (caught_up_at(home) or still) > still)


def test_two_processes_with_a_shared_subscription_store_everything_once(
    mosquitto_server: MosquittoServer, home: Database, catalog: Catalog
) -> None:
    share = f"share-{next(_slots)}"  # members that went away with their session would still be dealt messages
    one, other = (settings_for(mosquitto_server.url, mqtt_share=share) for _ in range(2))
    with (
        running(IngestRunner(one, home, catalog)),
        running(IngestRunner(other, home, catalog)),
        publisher(mosquitto_server.port) as device,
    ):
        wait_until(lambda: count(home, "ingest_slot") == 2)
        device.publish_all(readings(0, 400))
        wait_until(lambda: count(home, "reading") == 400)
    assert count(home, "touched") >= 2
    assert count(home, "dead_letter") == 0


def test_two_processes_with_one_slot_say_so_and_do_not_throw_each_other_out_without_end(
    mosquitto_server: MosquittoServer, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(mosquitto_server.url)
    with MqttSource(settings) as one, MqttSource(settings) as other:
        for source in (one, other):
            source.open(working(settings.mqtt_slot or "1", (SUBSCRIPTION,), None))
        threading.Event().wait(4)
        assert 2 <= one.connections + other.connections <= 12
    said = capsys.readouterr()
    assert "IOT_MQTT_SLOT" in said.out + said.err


def test_what_cannot_be_understood_is_a_dead_letter_and_the_rest_goes_on(
    mosquitto_server: MosquittoServer, home: Database, catalog: Catalog
) -> None:
    with running(IngestRunner(settings_for(mosquitto_server.url), home, catalog)):
        wait_until(lambda: caught_up_at(home))
        with publisher(mosquitto_server.port) as device:
            device.publish("iot/v1/stranger/telemetry", b'{"values": {"temperature": 1}}')
            device.publish(TOPIC, b"rubbish")
            device.publish("iot/v1/freezer-1/telemetri", b'{"values": {"temperature": 1}}')
            device.publish("iot/v1/freezer-1/command", b'{"id": "1", "name": "defrost"}')
            device.publish("iot/v1/freezer-1/status", b"online")
            device.publish(TOPIC, b'{"values": {"temperature": 1, "window": 1}}')
            wait_until(lambda: count(home, "reading") == 1)
    assert rows(home, "dead_letter", "reason", "device_id") == [
        ("not_json", "freezer-1"),
        ("unknown_device", "stranger"),
        ("unknown_metric", "freezer-1"),
        ("unknown_topic", None),
    ]
    assert rows(home, "connection", "device_id", "online") == [("freezer-1", True)]


def test_retained_telemetry_without_a_time_is_a_dead_letter(
    mosquitto_server: MosquittoServer, home: Database, catalog: Catalog
) -> None:
    with home.transaction() as connection:
        make_device(connection, id="freezer-7")
    topic = "iot/v1/freezer-7/telemetry"
    with publisher(mosquitto_server.port) as device:
        device.publish(topic, b'{"values": {"temperature": 1}}', retained=True)
        try:
            with running(IngestRunner(settings_for(mosquitto_server.url), home, catalog)):
                wait_until(lambda: count(home, "dead_letter"))
        finally:
            device.publish(topic, b"", retained=True)
    assert ("freezer-7", "retained_without_time") in rows(home, "dead_letter", "device_id", "reason")
    assert count(home, "reading") == 0


def test_the_embedded_broker_of_last_resort_serves_as_well(home: Database, catalog: Catalog, tmp_path: Any) -> None:
    with EmbeddedBroker(tmp_path / "broker", mosquitto=None) as broker:
        assert broker.kind == "amqtt"
        with running(IngestRunner(settings_for(broker.url), home, catalog)), publisher(broker.port) as device:
            wait_until(lambda: caught_up_at(home))
            device.publish_all(readings(0, 50))
            wait_until(lambda: count(home, "reading") == 50)


def test_with_passwords_and_the_shipped_access_list_ingest_gets_everything_it_needs(
    home: Database, catalog: Catalog
) -> None:
    server = MosquittoServer(passwords={"iot-service": "secret", "freezer-1": "other"})
    server.start()
    try:
        settings = settings_for(server.url, mqtt_username="iot-service", mqtt_password="secret", mqtt_share="ingest")
        with running(IngestRunner(settings, home, catalog)):
            wait_until(lambda: caught_up_at(home))
        assert caught_up_at(home) is not None
    finally:
        server.stop()


def test_a_source_without_a_broker_says_which_setting_is_missing() -> None:
    with pytest.raises(StopError, match="IOT_MQTT_URL"):
        MqttSource(make_settings(mqtt_url=None))
