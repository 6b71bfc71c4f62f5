"""The ingest runner: what is stored, what is acknowledged, and what happens when something fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from iot_service import clock
from iot_service.db import Database
from iot_service.ingest.micros import to_micros
from iot_service.ingest.runner import IngestRunner
from iot_service.products.catalog import Catalog, load_catalog
from tests.factories import make_device, make_home
from tests.ingest.fake_source import FakeBroker
from tests.ingest.proxy import Proxy
from tests.ingest.publisher import make_settings, wait_until
from tests.ingest.rows import count, rows
from tests.ingest.running import running

TOPIC = "iot/v1/freezer-1/telemetry"
START = to_micros(clock.now()) // 1000 - 60_000


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture
def home(database: Database) -> Database:
    """A database with one registered freezer."""
    with database.transaction() as connection:
        make_home(connection)
    return database


@pytest.fixture
def broker() -> FakeBroker:
    return FakeBroker()


def ingest(broker: FakeBroker, database: Database, catalog: Catalog, **settings: Any) -> IngestRunner:
    return IngestRunner(make_settings(**settings), database, catalog, source=broker.open)


def reading(number: int, **values: Any) -> bytes:
    """A message whose time is a minute ago and ``number`` milliseconds."""
    return json.dumps({"ts": START + number, "values": values or {"temperature": -70.0}}).encode()


@contextmanager
def emptied(broker: FakeBroker, runner: IngestRunner) -> Iterator[None]:
    """Run until everything that was published is acknowledged, and then the block."""
    with running(runner):
        wait_until(lambda: not broker.kept)
        yield


def test_what_is_published_is_stored_and_acknowledged(broker: FakeBroker, home: Database, catalog: Catalog) -> None:
    for number in range(50):
        broker.publish(TOPIC, reading(number))
    with emptied(broker, ingest(broker, home, catalog, batch_messages=20)):
        assert count(home, "reading") == 50


def test_a_message_that_the_database_refuses_stands_alone_as_a_dead_letter(
    broker: FakeBroker, home: Database, catalog: Catalog
) -> None:
    with home.transaction() as connection:
        connection.execute("ALTER TABLE reading ADD CHECK (value <> 13)")
    for number in range(20):
        broker.publish(TOPIC, reading(number, temperature=13 if number == 7 else 12))
    with emptied(broker, ingest(broker, home, catalog)):
        assert count(home, "reading") == 19
    ((reason, device_id, payload, detail),) = rows(home, "dead_letter", "reason", "device_id", "payload", "detail")
    assert (reason, device_id, json.loads(payload)["values"]) == ("refused", "freezer-1", {"temperature": 13})
    assert "CheckViolation" in detail


def test_a_topic_that_the_database_cannot_hold_stops_nothing(
    broker: FakeBroker, home: Database, catalog: Catalog
) -> None:
    for device in ("a\x00b", "a\ud800b"):
        broker.publish(f"iot/v1/{device}/telemetry", reading(1))
    broker.publish(TOPIC, reading(1))
    with emptied(broker, ingest(broker, home, catalog)):
        assert count(home, "reading") == 1
    assert rows(home, "dead_letter", "device_id", "reason") == [
        ("a\\0b", "unknown_device"),
        ("a\\ud800b", "unknown_device"),
    ]


def test_while_a_table_is_missing_messages_wait_and_none_becomes_a_dead_letter(
    broker: FakeBroker, home: Database, catalog: Catalog
) -> None:
    with home.transaction() as connection:
        connection.execute("ALTER TABLE reading RENAME TO elsewhere")
    broker.publish(TOPIC, reading(1))
    with running(ingest(broker, home, catalog)):
        with pytest.raises(AssertionError):
            wait_until(lambda: not broker.kept, timeout=0.5)
        with home.transaction() as connection:
            connection.execute("ALTER TABLE elsewhere RENAME TO reading")
        wait_until(lambda: not broker.kept)
    assert (count(home, "reading"), count(home, "dead_letter")) == (1, 0)


def test_a_runner_that_is_stopped_before_it_could_store_acknowledges_nothing(
    broker: FakeBroker, home: Database, catalog: Catalog
) -> None:
    with home.transaction() as connection:
        connection.execute("ALTER TABLE reading RENAME TO elsewhere")
    broker.publish(TOPIC, reading(1))
    with running(ingest(broker, home, catalog)):
        broker.publish(TOPIC, reading(2))
    assert len(broker.kept) == 2


def test_a_device_that_was_registered_a_moment_ago_is_let_in(
    broker: FakeBroker, home: Database, catalog: Catalog
) -> None:
    topic = "iot/v1/freezer-2/telemetry"
    broker.publish(topic, reading(1))
    with emptied(broker, ingest(broker, home, catalog)):
        assert rows(home, "dead_letter", "reason", "device_id") == [("unknown_device", "freezer-2")]
        with home.transaction() as connection:
            make_device(connection, id="freezer-2")

        def let_in() -> bool:
            broker.publish(topic, reading(2))
            return count(home, "reading") == 1

        wait_until(let_in, timeout=2)


def test_when_the_database_comes_back_what_waited_is_stored_once(
    broker: FakeBroker, home: Database, catalog: Catalog
) -> None:
    address = urlsplit(home.url)
    with Proxy(address.port or 5432) as proxy:
        netloc = address.netloc.replace(f":{address.port}", f":{proxy.port}")
        with Database(urlunsplit(address._replace(netloc=netloc))) as far:
            runner = ingest(broker, far, catalog)
            broker.publish(TOPIC, reading(1))
            with emptied(broker, runner):
                proxy.cut()
                for number in range(2, 30):
                    broker.publish(TOPIC, reading(number))
                with pytest.raises(AssertionError):
                    wait_until(lambda: not broker.kept, timeout=1)
                proxy.mend()
                wait_until(lambda: not broker.kept)
    assert count(home, "reading") == 29
    assert count(home, "dead_letter") == 0
