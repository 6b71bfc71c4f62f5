"""Edge nodes kept over restarts."""

from __future__ import annotations

from datetime import timedelta

from iot_service.db import Database
from iot_service.ingest.source import Message
from iot_service.ingest.sparkplug.reader import Reading, SparkplugReader
from iot_service.ingest.sparkplug.store import find_nodes, save_nodes
from iot_service.ingest.sparkplug.topics import NodeKey
from tests.ingest.examples import NOW
from tests.ingest.rows import rows
from tests.ingest.sparkplug.edge import KEY, Edge


def reader_of(database: Database) -> SparkplugReader:
    """A reader after a restart."""
    with database.transaction() as connection:
        nodes = find_nodes(connection, [KEY, NodeKey("plant", "stranger")])
    return SparkplugReader(lambda keys: {key: nodes[key] for key in keys if key in nodes})


def store(database: Database, reader: SparkplugReader, *messages: Message, seconds: float = 0) -> Reading:
    reading = reader.read(messages)
    with database.transaction() as connection:
        save_nodes(connection, reading.changes, now=NOW + timedelta(seconds=seconds))
    reader.keep(reading)
    return reading


def test_a_session_comes_back_as_it_was(database: Database) -> None:
    edge = Edge(bd_seq=3)
    first = reader_of(database)
    store(database, first, edge.node_birth(voltage=12.0), edge.device_birth("pump", temperature=20.0))
    store(database, first, edge.data("pump", temperature=1.0), seconds=5)
    with database.transaction() as connection:
        found = find_nodes(connection, [KEY])
    assert found == {KEY: first.read([edge.node_death(99)]).sessions[KEY]}
    assert rows(database, "sparkplug_node", "group_id", "node_id", "bd_seq", "seq", "updated_at") == [
        ("plant", "edge", 3, 2, NOW + timedelta(seconds=5))
    ]


def test_data_with_aliases_is_read_after_a_restart_without_a_rebirth(database: Database) -> None:
    edge = Edge()
    store(database, reader_of(database), edge.node_birth(), edge.device_birth("pump", temperature=20.0))
    reading = store(database, reader_of(database), edge.short_data("pump", a100=21.0))
    assert reading.sent[0][1][0].entries[0].values == {"temperature": 21.0}
    assert reading.rebirths == []


def test_devices_that_are_not_born_again_are_still_awaited_after_a_restart(database: Database) -> None:
    edge = Edge()
    births = (edge.node_birth(), edge.device_birth("pump", temperature=20.0))
    store(database, reader_of(database), *births, edge.node_birth())
    reading = store(database, reader_of(database), edge.data())
    assert [(sent.device_id, sent.online) for sent in reading.sent[0][1]] == [
        ("plant/edge/pump", False),
        ("plant/edge", None),
    ]


def test_a_dead_node_is_kept_without_its_births(database: Database) -> None:
    edge = Edge()
    store(database, reader_of(database), edge.node_birth(voltage=1.0), edge.node_death())
    assert rows(database, "sparkplug_node", "bd_seq", "seq", "births") == [(0, None, {})]


def test_numbers_beyond_all_bounds_can_be_kept(database: Database) -> None:
    edge = Edge(bd_seq=(1 << 63) - 1, millis=(1 << 63) - 10_000)
    message = edge.node_birth()._replace(received=1)
    store(database, reader_of(database), message)
    edge.millis = (1 << 64) - 10_000
    store(database, reader_of(database), edge.data()._replace(received=2))
    assert rows(database, "sparkplug_node", "bd_seq", "sent_at") == [((1 << 63) - 1, None)]
