"""One message by HTTP."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_service.config import load_settings
from iot_service.db import Connection, Database
from iot_service.errors import InvalidInputError, NotFoundError
from iot_service.ingest.http import HttpDoor, Taken, TooLargeError, bounded, decompressed
from iot_service.ingest.limits import PAYLOAD_BYTES
from iot_service.ingest.topics import TopicKind
from iot_service.products.catalog import load_catalog
from tests.factories import NOW
from tests.ingest.examples import MILLIS
from tests.ingest.rows import count, rows

DOOR = HttpDoor(load_catalog(), load_settings())


def post(connection: Connection, document: object, kind: TopicKind = TopicKind.TELEMETRY) -> Taken:
    with connection.transaction():
        return DOOR.take(connection, "freezer-1", kind, json.dumps(document).encode(), now=NOW)


def test_what_is_good_is_stored_and_what_is_not_is_told_and_kept(database: Database, connection: Connection) -> None:
    taken = post(connection, {"ts": MILLIS, "values": {"temperature": -70, "door": 7, "window": 1}})
    assert (taken.stored, taken.fault_count) == (1, 2)
    assert sorted(fault.reason for fault in taken.faults) == ["out_of_range", "unknown_metric"]
    assert rows(database, "reading", "metric", "ts", "historic") == [("temperature", NOW, False)]
    assert (count(database, "dead_letter"), count(database, "touched")) == (2, 1)


def test_a_backlog_of_thousands_of_values_goes_in_at_once(database: Database, connection: Connection) -> None:
    entries = [{"ts": MILLIS - number * 60_000, "values": {"door": 0}} for number in range(5_000)]
    assert post(connection, entries) == Taken(5_000, 5_000, [], {})
    assert post(connection, entries) == Taken(5_000, 5_000, [], {})
    assert count(database, "reading") == 5_000
    assert post(connection, [{"ts": MILLIS, "values": {"door": 1, "power": 1}}]).stored == 1  # the other is a conflict


def test_events_are_taken_as_well(database: Database, connection: Connection) -> None:
    assert post(connection, [{"ts": MILLIS, "name": "Opened"}, {"name": ""}], TopicKind.EVENT).stored == 1
    assert rows(database, "device_event", "name", "ts") == [("Opened", NOW)]


def test_messages_without_time_at_one_instant_get_instants_of_their_own(
    database: Database, connection: Connection
) -> None:
    assert [post(connection, {"values": {"door": number % 2}}).stored for number in range(4)] == [1] * 4
    assert count(database, "reading") == 4


def test_an_unknown_device_is_not_found(connection: Connection) -> None:
    with pytest.raises(NotFoundError):
        DOOR.take(connection, "freezer-2", TopicKind.TELEMETRY, b"{}", now=NOW)


@given(st.lists(st.binary(max_size=2_000), min_size=1, max_size=3))
def test_gzip_is_unpacked_in_one_part_or_several(parts: list[bytes]) -> None:
    assert decompressed(b"".join(gzip.compress(part) for part in parts)) == b"".join(parts)


def test_what_unpacks_to_more_than_a_message_may_have_is_refused_before_it_is_unpacked() -> None:
    assert len(decompressed(gzip.compress(b"x" * PAYLOAD_BYTES))) == PAYLOAD_BYTES
    bomb = gzip.compress(bytes(200_000_000), 9)
    assert len(bomb) < PAYLOAD_BYTES
    for body in (bomb, gzip.compress(b"x" * (PAYLOAD_BYTES + 1)), gzip.compress(b"") * 9_000 + bomb):
        with pytest.raises(TooLargeError):
            decompressed(body)


@pytest.mark.parametrize(
    "body",
    [b"{}", gzip.compress(b"{}")[:-1], gzip.compress(b"{}") + b"x", b"\x1f\x8b"],
    ids=["plain", "cut off", "longer", "only begun"],
)
def test_what_is_no_gzip_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInputError, match="the body"):
        decompressed(body)


def test_a_plain_payload_is_bounded_too() -> None:
    assert bounded(b"x" * PAYLOAD_BYTES)
    with pytest.raises(TooLargeError, match="at most"):
        bounded(b"x" * (PAYLOAD_BYTES + 1))
