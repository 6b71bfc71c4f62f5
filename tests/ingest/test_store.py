"""Batches become rows."""

from __future__ import annotations

import json
from datetime import timedelta

import psycopg
import pytest

from iot_service.db import Database
from iot_service.ingest.batches import Batch, Context, JsonValue, build_batch
from iot_service.ingest.limits import LETTERS_AN_HOUR
from iot_service.ingest.marker import write_marker
from iot_service.ingest.registry import Registered
from iot_service.ingest.source import Message
from iot_service.ingest.store import find_devices, is_about_data, lease_slot, store_batch
from iot_service.ingest.topics import client_id
from tests.factories import make_device, make_home
from tests.ingest.examples import FIELDS, LIMITS, MILLIS, NOW, RECEIVED, telemetry
from tests.ingest.rows import count, rows

DEVICES = {"freezer-1": Registered("freezer-1", "freezer", "anna")}


@pytest.fixture
def home(database: Database) -> Database:
    """A database with one registered freezer."""
    with database.transaction() as connection:
        make_home(connection)
    return database


def store(database: Database, *messages: Message) -> None:
    store_rows(database, build_batch(messages, DEVICES, Context({"freezer": FIELDS}, LIMITS, "0af3")))


def store_rows(database: Database, batch: Batch) -> None:
    with database.transaction() as connection:
        store_batch(connection, batch, now=NOW)


def test_readings_are_stored_as_they_were_measured(home: Database) -> None:
    store(
        home,
        telemetry({"temperature": -70.25, "door": True}, ts=MILLIS - 1500),
        Message("iot/v1/freezer-1/telemetry", b'{"values": {"energy": 1e-300}}', RECEIVED + 1),
    )
    earlier, later = NOW - timedelta(milliseconds=1500), NOW + timedelta(microseconds=1)
    assert rows(home, "reading", "device_id", "metric", "ts", "value", "received_at", "ts_assumed") == [
        ("freezer-1", "door", earlier, 1.0, NOW, False),
        ("freezer-1", "energy", later, 1e-300, later, True),
        ("freezer-1", "temperature", earlier, -70.25, NOW, False),
    ]
    assert rows(home, "touched", "device_id", "oldest_ts", "newest_ts", "received_at") == [
        ("freezer-1", earlier, later, later)
    ]


def test_a_redelivered_batch_changes_nothing(home: Database) -> None:
    messages = [
        telemetry({"temperature": -70, "codes": ["P0300"]}),
        Message("iot/v1/freezer-1/event", json.dumps({"ts": MILLIS, "name": "Opened"}).encode(), RECEIVED),
    ]
    store(home, *messages)
    again = [message._replace(received=RECEIVED + 7) for message in messages]
    store(home, *again, telemetry({"door": 1}))
    assert rows(home, "reading", "metric", "value", "received_at") == [
        ("door", 1.0, NOW),
        ("temperature", -70.0, NOW),
    ]
    assert rows(home, "attribute", "name", "value", "received_at") == [("codes", ["P0300"], NOW)]
    assert rows(home, "device_event", "name", "data", "received_at") == [("Opened", {}, NOW)]
    assert count(home, "dead_letter") == 0


def test_what_contradicts_a_stored_row_is_a_dead_letter_and_the_stored_row_stands(home: Database) -> None:
    event = {"ts": MILLIS, "name": "Opened", "data": {"by": 1}}
    store(
        home,
        telemetry({"temperature": -70, "codes": "a"}),
        Message("iot/v1/freezer-1/event", json.dumps(event).encode(), RECEIVED),
    )
    other = event | {"data": {"by": 2}}
    store(
        home,
        telemetry({"temperature": -60, "door": 0, "codes": "b"}),
        Message("iot/v1/freezer-1/event", json.dumps(other).encode(), RECEIVED),
    )
    assert rows(home, "reading", "metric", "value") == [("door", 0.0), ("temperature", -70.0)]
    assert rows(home, "attribute", "value") == [("a",)]
    assert rows(home, "device_event", "data") == [({"by": 1},)]
    letters = rows(home, "dead_letter", "topic", "reason", "payload")
    assert [(topic, reason, json.loads(payload)) for topic, reason, payload in letters] == [
        ("iot/v1/freezer-1/event", "conflict", other),
        ("iot/v1/freezer-1/telemetry", "conflict", {"ts": MILLIS, "values": {"codes": "b"}}),
        ("iot/v1/freezer-1/telemetry", "conflict", {"ts": MILLIS, "values": {"temperature": -60}}),
    ]


def test_dead_letters_are_kept_with_all_that_is_known(home: Database) -> None:
    store(home, Message("iot/v1/freezer-1/telemetry", b"\xffrubbish\x00", RECEIVED))
    assert rows(home, "dead_letter", "device_id", "topic", "payload", "reason", "received_at") == [
        ("freezer-1", "iot/v1/freezer-1/telemetry", b"\xffrubbish\x00", "not_json", NOW)
    ]
    assert rows(home, "dead_letter_count", "device_id", "reason", "kept", "dropped") == [
        ("freezer-1", "not_json", 1, 0)
    ]


def test_dead_letters_are_bounded_over_all_batches_of_an_hour(home: Database) -> None:
    for batch in range(4):
        bad = [Message("iot/v1/freezer-1/telemetry", b"rubbish", RECEIVED + batch * 100 + n) for n in range(60)]
        store(home, *bad)
    assert count(home, "dead_letter") == LETTERS_AN_HOUR
    assert rows(home, "dead_letter_count", "kept", "dropped") == [(LETTERS_AN_HOUR, 240 - LETTERS_AN_HOUR)]
    store(home, Message("iot/v1/freezer-1/telemetry", b"rubbish", RECEIVED + 3_600_000_000))
    assert count(home, "dead_letter") == LETTERS_AN_HOUR + 1


def test_online_and_offline_are_events_when_they_change(home: Database) -> None:
    words = [b"online", b"online", b"offline", b"offline", b"online"]
    store(home, *(Message("iot/v1/freezer-1/status", word, RECEIVED + n) for n, word in enumerate(words)))
    assert rows(home, "connection", "device_id", "online", "since") == [
        ("freezer-1", True, NOW + timedelta(microseconds=4))
    ]
    assert rows(home, "event", "id", "type", "customer_id", "new") == [
        (1, "device.online", "anna", "online"),
        (2, "device.offline", "anna", "offline"),
        (3, "device.online", "anna", "online"),
    ]


def test_a_marker_says_up_to_when_the_broker_has_been_emptied(home: Database) -> None:
    store(home, Message("iot/v1/$ingest/1", write_marker("0af3", RECEIVED), RECEIVED))
    assert rows(home, "ingest_slot", "client_id") == []  # nobody holds such a slot (any more)
    with home.transaction() as connection:
        lease_slot(connection, client_id("1"), holder="anybody", dead=[], until=NOW, now=NOW)
    for seconds in (0, 5):
        sent = RECEIVED + seconds * 1_000_000
        store(home, Message("iot/v1/$ingest/1", write_marker("0af3", sent), sent))
    assert rows(home, "ingest_slot", "client_id", "caught_up_at", "seen_at") == [
        ("iot-service-ingest-1", NOW + timedelta(seconds=5), NOW)
    ]


def test_the_rule_runner_is_woken_when_the_batch_is_committed(home: Database) -> None:
    with psycopg.connect(home.url, autocommit=True) as listener:
        listener.execute("LISTEN touched")
        store(home, telemetry({"door": 1}))
        heard = list(listener.notifies(timeout=5, stop_after=1))
    assert [notification.channel for notification in heard] == ["touched"]


def test_registered_devices_are_found(home: Database) -> None:
    with home.transaction() as connection:
        make_device(connection, id="car-1", product="car", parameters={})
        found = find_devices(connection, ["freezer-1", "car-1", "stranger"])
    assert found == {
        "freezer-1": Registered("freezer-1", "freezer", "anna"),
        "car-1": Registered("car-1", "car", "anna"),
    }


def test_a_row_that_the_database_refuses_is_about_data_and_a_lost_connection_is_not(home: Database) -> None:
    bad = Batch()
    bad.attributes["freezer-1", "codes", RECEIVED] = JsonValue('"nul\\u0000"', RECEIVED)
    with pytest.raises(psycopg.DataError) as refused:
        store_rows(home, bad)
    assert is_about_data(refused.value)
    long = Batch()
    long.events["freezer-1", "".join(map(chr, range(100, 9000))), RECEIVED] = JsonValue("{}", RECEIVED)
    with pytest.raises(psycopg.OperationalError) as too_long:
        store_rows(home, long)
    assert is_about_data(too_long.value)
    with pytest.raises(psycopg.OperationalError) as lost, home.transaction() as connection:
        connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert not is_about_data(lost.value)
    with home.transaction() as connection:
        connection.execute("ALTER TABLE reading RENAME TO elsewhere")
    with pytest.raises(psycopg.Error) as unmigrated:
        store(home, telemetry({"door": 1}))
    assert not is_about_data(unmigrated.value)
    assert is_about_data(RecursionError())
    assert not is_about_data(MemoryError())
