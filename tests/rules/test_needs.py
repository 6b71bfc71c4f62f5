"""What people do to needs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from iot_service.db import Connection, Database
from iot_service.errors import ConflictError, InvalidInputError, NotFoundError
from iot_service.rules import needs
from tests.factories import NOW, make_home, make_need

LATER = NOW + timedelta(hours=1)


def events(connection: Connection) -> list[tuple[str, str, str]]:
    rows = connection.execute("SELECT type, actor, reason FROM event ORDER BY id").fetchall()
    return [(row["type"], row["actor"], row["reason"]) for row in rows]


def need(connection: Connection) -> dict[str, Any]:
    row = connection.execute("SELECT * FROM need").fetchone()
    assert row is not None
    return row


def test_the_first_who_acknowledges_stands(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        need_id = make_need(connection)["id"]
        needs.acknowledge(connection, need_id, actor="operator 1", now=NOW)
        needs.acknowledge(connection, need_id, actor="operator 2", now=LATER)
        assert (need(connection)["acknowledged_by"], need(connection)["acknowledged_at"]) == ("operator 1", NOW)
        assert events(connection) == [("need.acknowledged", "operator 1", "Acknowledged by operator 1")]


def test_a_need_is_put_aside_with_a_reason(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        need_id = make_need(connection)["id"]
        needs.snooze(connection, need_id, until=LATER, reason="Being moved", actor="operator 1", now=NOW)
        assert need(connection)["snoozed_until"] == LATER
        assert events(connection) == [("need.snoozed", "operator 1", "Being moved")]


def test_a_withdrawn_need_is_closed_and_those_who_acted_on_it_hear_of_it(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        need_id = make_need(connection)["id"]
        needs.withdraw(connection, need_id, reason="Defrosting", actor="operator 1", now=LATER)
        assert (need(connection)["state"], need(connection)["closed_at"]) == ("withdrawn", LATER)
        assert events(connection) == [("need.withdrawn", "operator 1", "Defrosting")]
        consumers = connection.execute("SELECT consumer FROM event_todo").fetchall()
        assert sorted(row["consumer"] for row in consumers) == ["engage", "notify"]


ACTS: list[Callable[[Connection, int], None]] = [
    lambda connection, need_id: needs.acknowledge(connection, need_id, actor="a", now=NOW),
    lambda connection, need_id: needs.snooze(connection, need_id, until=LATER, reason="r", actor="a", now=NOW),
    lambda connection, need_id: needs.withdraw(connection, need_id, reason="r", actor="a", now=NOW),
]


@pytest.mark.parametrize("act", ACTS)
def test_only_an_open_need_that_exists_can_be_changed(
    database: Database, act: Callable[[Connection, int], None]
) -> None:
    with database.transaction() as connection:
        make_home(connection)
        closed = make_need(connection, state="resolved", closed_at=NOW)["id"]
        with pytest.raises(ConflictError, match="is resolved already"):
            act(connection, closed)
        with pytest.raises(NotFoundError):
            act(connection, closed + 1)
        assert events(connection) == []


def test_a_reason_and_a_time_to_come_are_needed(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        need_id = make_need(connection)["id"]
        with pytest.raises(InvalidInputError, match="reason"):
            needs.withdraw(connection, need_id, reason=" ", actor="a", now=NOW)
        with pytest.raises(InvalidInputError, match="until"):
            needs.snooze(connection, need_id, until=NOW, reason="r", actor="a", now=NOW)
        assert need(connection)["state"] == "open"
