"""The event log: append-only, with to-do rows that are worked off exactly once."""

from __future__ import annotations

import psycopg
import pytest

from iot_service import clock
from iot_service.db import Connection, Database
from iot_service.db.events import claim, record, work_off
from iot_service.model.event import Consumer, Event, EventType
from tests.factories import NOW


def opened(subject: str = "1") -> Event:
    return Event(EventType.NEED_OPENED, NOW, subject, "it became too warm", device_id="freezer-1")


def test_an_event_gets_a_todo_row_for_each_of_its_consumers(database: Database) -> None:
    with database.transaction() as connection:
        record(connection, opened())
        record(connection, Event(EventType.NEED_ACKNOWLEDGED, NOW, "1", "seen by the operator"))
        rows = connection.execute("SELECT consumer, count(*) FROM event_todo GROUP BY 1 ORDER BY 1").fetchall()
    assert rows == [{"consumer": "engage", "count": 1}, {"consumer": "notify", "count": 1}]


@pytest.mark.parametrize("statement", ["UPDATE event SET reason = 'other'", "DELETE FROM event"])
def test_the_log_can_only_grow(database: Database, statement: str) -> None:
    with database.transaction() as connection:
        record(connection, Event(EventType.NEED_ACKNOWLEDGED, NOW, "1", "seen by the operator"))
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"), database.transaction() as connection:
        connection.execute(psycopg.sql.SQL(statement))


def test_a_claimed_event_is_given_to_nobody_else_until_its_lease_ends(database: Database) -> None:
    with database.transaction() as connection:
        record(connection, opened())
        assert len(claim(connection, Consumer.ENGAGE, now=NOW)) == 1
        assert claim(connection, Consumer.ENGAGE, now=NOW) == []
        assert len(claim(connection, Consumer.ENGAGE, now=NOW.replace(hour=13))) == 1


def test_what_fails_is_kept_with_its_error_and_does_not_hold_up_the_others(database: Database) -> None:
    clock.freeze(NOW)
    seen = []

    def handle(_connection: Connection, event: Event) -> None:
        if event.subject_id == "bad":
            raise ValueError("nobody knows this")
        seen.append(event.subject_id)

    with database.transaction() as connection:
        for subject in ("a", "bad", "b"):
            record(connection, opened(subject))
    assert work_off(database, Consumer.ENGAGE, handle) == 2
    assert seen == ["a", "b"]
    with database.transaction() as connection:
        rows = connection.execute("SELECT error, attempts FROM event_todo WHERE consumer = 'engage'").fetchall()
    assert rows == [{"error": "ValueError: nobody knows this", "attempts": 1}]


def test_what_a_failed_handler_wrote_is_rolled_back(database: Database) -> None:
    clock.freeze(NOW)

    def handle(connection: Connection, _event: Event) -> None:
        record(connection, Event(EventType.NEED_ENGAGED, NOW, "1", "half done"))
        raise ValueError("it broke in the middle")

    with database.transaction() as connection:
        record(connection, opened())
    work_off(database, Consumer.ENGAGE, handle)
    with database.transaction() as connection:
        types = [row["type"] for row in connection.execute("SELECT type FROM event").fetchall()]
    assert types == ["need.opened"]
