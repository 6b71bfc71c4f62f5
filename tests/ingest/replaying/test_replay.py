"""Dead letters read again after a fix."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from iot_service import clock
from iot_service.config import load_settings
from iot_service.db import Connection, Database
from iot_service.ingest.batches import Context, addresses, build_batch
from iot_service.ingest.formats.router import Router, load_formats
from iot_service.ingest.importing.packing import Packer
from iot_service.ingest.importing.records import Chunk
from iot_service.ingest.importing.store import store_contents
from iot_service.ingest.micros import from_micros
from iot_service.ingest.replaying import store
from iot_service.ingest.replaying.replay import Outcome, Reader, replay
from iot_service.ingest.replaying.runner import replay_all
from iot_service.ingest.replaying.store import Search
from iot_service.ingest.source import Message
from iot_service.ingest.store import find_devices, store_batch
from iot_service.products.catalog import load_catalog
from tests.factories import make_device
from tests.ingest.examples import FIELDS, LIMITS, MILLIS, NOW, RECEIVED, telemetry
from tests.ingest.rows import count, rows

LATER = NOW + timedelta(days=2)
CONTEXT = Context({"freezer": FIELDS}, LIMITS)
WIDER = CONTEXT._replace(
    fields={
        "freezer": replace(FIELDS, by_name={**FIELDS.by_name, "window": FIELDS.by_name["door"]._replace(name="window")})
    }
)
"""After a fix: the product model knows one metric more."""
FORMATS = Router(load_formats(load_settings(formats="tasmota,thingsboard"), load_catalog()))


@pytest.fixture
def connection(connection: Connection) -> Connection:
    """The same as everywhere, two days after the messages came."""
    clock.freeze(LATER)
    return connection


def send(connection: Connection, *messages: Message) -> None:
    """Take messages in as ingest does."""
    with connection.transaction():
        said = {place: sents for place, one in enumerate(messages) if (sents := FORMATS.read(one)) is not None}
        devices = find_devices(connection, sorted(addresses(messages, said)))
        store_batch(connection, build_batch(messages, devices, CONTEXT, said), now=NOW)


def again(
    database: Database, search: Search | None = None, *, router: Router = FORMATS, **how: Any
) -> Counter[Outcome]:
    reader = Reader(WIDER, router)
    return replay_all(database, reader, search or Search(), actor="operator:1", stop=threading.Event(), **how)


def letters(database: Database) -> list[tuple[str, str, Any]]:
    found = rows(database, "dead_letter", "reason", "topic", "payload")
    return [(reason, topic, json.loads(payload)) for reason, topic, payload in found]


def test_what_can_be_stored_now_is_stored_as_of_then_and_its_letter_removed(
    database: Database, connection: Connection
) -> None:
    send(connection, telemetry({"window": 1, "door": 0}))
    assert again(database) == {Outcome.STORED: 1}
    assert rows(database, "reading", "metric", "ts", "value", "received_at") == [
        ("door", NOW, 0.0, NOW), ("window", NOW, 1.0, NOW),
    ]  # fmt: skip
    assert count(database, "dead_letter") == 0
    assert count(database, "touched") == 2
    assert rows(database, "event", "type", "old", "new", "actor", "device_id") == [
        ("dead_letter.replayed", "unknown_metric", "stored", "operator:1", "freezer-1")
    ]


def test_a_message_without_time_keeps_the_time_it_came_at(database: Database, connection: Connection) -> None:
    send(connection, Message("iot/v1/freezer-2/telemetry", b'{"values": {"door": 1}}', RECEIVED))
    make_device(connection, id="freezer-2")
    assert again(database) == {Outcome.STORED: 1}
    assert rows(database, "reading", "device_id", "ts", "ts_assumed") == [("freezer-2", NOW, True)]


def test_what_fails_again_stays_with_the_newest_reason(database: Database, connection: Connection) -> None:
    send(connection, telemetry({"window": 7}), telemetry({"shutter": 7}))
    assert again(database) == {Outcome.FAILED: 2}
    part = {"ts": MILLIS, "values": {"window": 7}}
    assert letters(database)[0] == ("out_of_range", "iot/v1/freezer-1/telemetry", part)
    assert [reason for reason, _, _ in letters(database)] == ["out_of_range", "unknown_metric"]
    assert count(database, "event") == 0


def test_of_a_message_that_is_half_good_only_the_bad_parts_stay(database: Database, connection: Connection) -> None:
    send(connection, telemetry({"door": 1, "window": 7, "shutter": 1, "temperature": -70}, device="freezer-2"))
    make_device(connection, id="freezer-2")
    assert again(database) == {Outcome.PARTLY: 1}
    assert {row[0] for row in rows(database, "reading", "metric")} == {"door", "temperature"}
    assert [(reason, payload["values"]) for reason, _, payload in letters(database)] == [
        ("out_of_range", {"window": 7}), ("unknown_metric", {"shutter": 1}),
    ]  # fmt: skip
    assert rows(database, "event", "new") == [("partly stored",)]


def test_a_conflict_stays_one_whatever_the_limits(database: Database, connection: Connection) -> None:
    for value in (1, 0):
        send(connection, *(telemetry({"door": value}, ts=MILLIS - number) for number in range(120)))
    assert count(database, "dead_letter") == 100
    assert again(database) == {Outcome.FAILED: 100}
    assert count(database, "dead_letter") == 100
    assert {(reason, payload["values"]["door"]) for reason, _, payload in letters(database)} == {("conflict", 0)}


def test_a_retained_message_without_time_is_not_taken_for_a_fresh_one(
    database: Database, connection: Connection
) -> None:
    send(connection, Message("iot/v1/freezer-1/telemetry", b'{"values": {"door": 1}}', RECEIVED, retained=True))
    assert again(database) == {Outcome.FAILED: 1}
    assert count(database, "reading") == 0


def test_events_and_states_are_read_again_as_well(database: Database, connection: Connection) -> None:
    event = json.dumps({"ts": MILLIS, "name": "DripTrayFull"}).encode()
    send(
        connection,
        Message("iot/v1/freezer-2/event", event, RECEIVED),
        Message("iot/v1/freezer-2/status", b"online", RECEIVED + 1),
    )
    make_device(connection, id="freezer-2")
    assert again(database) == {Outcome.STORED: 2}
    assert rows(database, "device_event", "name", "ts") == [("DripTrayFull", NOW)]
    assert rows(database, "connection", "online", "since") == [(True, from_micros(RECEIVED + 1))]


def test_a_part_of_a_message_in_another_format_is_in_the_shape_of_the_contract(
    database: Database, connection: Connection
) -> None:
    connection.execute(
        "INSERT INTO dead_letter (received_at, topic, device_id, payload, reason, detail) VALUES"
        " (%(at)s, 'spBv1.0/g/DDATA/n/d', 'freezer-1', %(telemetry)s, 'unknown_metric', 'no window'),"
        " (%(at)s, 'spBv1.0/g/DDATA/n/d', 'freezer-1', %(event)s, 'wrong_shape', 'no name'),"
        " (%(at)s, 'spBv1.0/g/DDATA/n/d', 'freezer-1', 'rubbish', 'not_json', 'rubbish')",
        {
            "at": NOW, "telemetry": json.dumps({"ts": MILLIS, "values": {"window": 1}}).encode(),
            "event": b'{"name": "Opened"}',
        },
    )  # fmt: skip
    assert again(database) == {Outcome.STORED: 2, Outcome.UNREADABLE: 1}
    assert rows(database, "reading", "metric") == [("window",)]


def test_a_message_of_another_format_is_read_again_as_that(database: Database, connection: Connection) -> None:
    payload = b'{"Time": "2026-11-21T12:00:00", "DS18B20": {"Temperature": -80.5}, "Switch1": "ON"}'
    send(connection, Message("tele/freezer-2/SENSOR", payload, RECEIVED))
    assert again(database) == {Outcome.FAILED: 1}
    make_device(connection, id="freezer-2")
    assert again(database) == {Outcome.STORED: 1}
    assert rows(database, "reading", "device_id", "metric", "ts", "value") == [
        ("freezer-2", "door", NOW, 1.0), ("freezer-2", "temperature", NOW, -80.5),
    ]  # fmt: skip
    assert count(database, "dead_letter") == 0


def test_a_message_about_many_devices_has_a_letter_for_each_and_none_more(
    database: Database, connection: Connection
) -> None:
    content = {name: [{"ts": MILLIS, "values": {"door": 1}}] for name in ("freezer-1", "freezer-2", "freezer-3")}
    send(connection, Message("v1/gateway/telemetry", json.dumps(content).encode(), RECEIVED))
    for _ in range(3):
        assert again(database) == {Outcome.FAILED: 2}
    assert rows(database, "dead_letter", "device_id") == [("freezer-2",), ("freezer-3",)]
    make_device(connection, id="freezer-3")
    assert again(database) == {Outcome.FAILED: 1, Outcome.STORED: 1}
    assert rows(database, "reading", "device_id") == [("freezer-1",), ("freezer-3",)]
    assert rows(database, "dead_letter", "device_id") == [("freezer-2",)]


@pytest.mark.parametrize(
    ("topic", "router", "what_to_do"),
    [
        ("spBv1.0/plant/DDATA/line-2/pump", FORMATS, "ask the edge node for its births"),
        ("tele/freezer-2/SENSOR", Router(()), "name the one that does in IOT_FORMATS"),
    ],
)
def test_a_letter_that_nobody_can_read_now_stays_as_it_was_and_it_is_said_what_to_do(
    database: Database, connection: Connection, topic: str, router: Router, what_to_do: str
) -> None:
    connection.execute(
        "INSERT INTO dead_letter (received_at, topic, device_id, payload, reason, detail)"
        " VALUES (%s, %s, 'plant/line-2/pump', '\\x0801'::bytea, 'unknown_device', 'it is not registered')",
        [NOW, topic],
    )
    before = rows(database, "dead_letter", "id", "topic", "payload", "reason", "detail")
    assert again(database, router=router) == {Outcome.UNREADABLE: 1}
    assert rows(database, "dead_letter", "id", "topic", "payload", "reason", "detail") == before
    letter = store.get(connection, before[0][0])
    assert letter is not None
    (failure,) = replay(connection, letter, Reader(WIDER, router), actor="operator:1", now=LATER).failures
    assert failure[0] == "unknown_device"
    assert what_to_do in failure[1]


def test_history_comes_in_as_history(database: Database, connection: Connection) -> None:
    chunk = Chunk([("freezer-1", RECEIVED, {"window": 1, "door": 7})], (), (), texts=False, position=1)
    packer = Packer(
        lambda ids: find_devices(connection, ids), CONTEXT, received=RECEIVED, historic=True, name="old.csv"
    )
    with connection.transaction():
        parcel = packer.pack(chunk)
        store_contents(connection, parcel, parcel.batch.letters, received=RECEIVED, judge=False, now=NOW)
    assert {topic for _, topic, _ in letters(database)} == {"import/v1/freezer-1/telemetry"}
    assert again(database) == {Outcome.STORED: 1, Outcome.FAILED: 1}
    assert rows(database, "reading", "metric", "historic") == [("window", True)]
    assert count(database, "touched") == 0
    assert [(reason, topic) for reason, topic, _ in letters(database)] == [
        ("out_of_range", "import/v1/freezer-1/telemetry")
    ]


def test_a_dry_run_changes_nothing(database: Database, connection: Connection) -> None:
    send(connection, telemetry({"window": 1}), telemetry({"shutter": 1}))
    assert again(database, dry_run=True) == {Outcome.STORED: 1, Outcome.FAILED: 1}
    assert (count(database, "dead_letter"), count(database, "reading"), count(database, "event")) == (2, 0, 0)


def test_a_search_finds_by_id_device_reason_and_time(database: Database, connection: Connection) -> None:
    send(
        connection,
        telemetry({"window": 1}),
        telemetry({"door": 7}, received=RECEIVED + 1),
        telemetry({"door": 1}, device="stranger", received=RECEIVED + 2),
    )
    found = {letter.reason: letter for letter in store.find(connection, Search(), limit=10)}
    assert found.keys() == {"unknown_device", "out_of_range", "unknown_metric"}
    assert store.count(connection, Search(reason="out_of_range")) == 1
    assert [letter.device_id for letter in store.find(connection, Search(device_id="stranger"), limit=10)] == [
        "stranger"
    ]
    assert len(store.find(connection, Search(since=from_micros(RECEIVED + 1)), limit=10)) == 2
    assert len(store.find(connection, Search(), limit=1)) == 1
    assert again(database, Search(ids=[found["unknown_metric"].id])) == {Outcome.STORED: 1}
    assert again(database, Search(device_id="nobody")) == {}
    assert store.get(connection, found["unknown_metric"].id) is None


def test_a_letter_that_the_database_refuses_stays_and_does_not_hold_up_the_others(
    database: Database, connection: Connection
) -> None:
    send(connection, telemetry({"window": 1}), telemetry({"window": 0}, ts=MILLIS + 1))
    connection.execute("ALTER TABLE reading ADD CHECK (value = 1)")
    assert again(database) == {Outcome.STORED: 1, Outcome.FAILED: 1}
    ((reason, _, payload),) = letters(database)
    assert (reason, payload["values"]) == ("refused", {"window": 0})
