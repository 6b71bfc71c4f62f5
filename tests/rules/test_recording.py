"""Outcomes as rows and events: how bad a need is, and what kept one from opening."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from iot_service.db import Connection, Database
from tests.factories import make_home
from tests.rules.running import at_minutes, events_of, freezers_with, last_event, needs_of, run, send, waiting_for
from tests.rules.telemetry import rule

LEVELS = [{"severity": "critical", "when": "temperature > -40"}]
CATALOG = freezers_with(rule("warm", levels=LEVELS))


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """One freezer, and a connection that commits each statement by itself."""
    with database._pool.connection() as connection:
        connection.autocommit = True
        make_home(connection)
        yield connection
        connection.autocommit = False


def severity(connection: Connection) -> str:
    row = connection.execute("SELECT severity FROM need ORDER BY id DESC LIMIT 1").fetchone()
    assert row is not None
    return str(row["severity"])


def test_an_open_need_becomes_worse_and_better_and_says_so(database: Database, connection: Connection) -> None:
    send(connection, "freezer-1", 0, temperature="-50 -50 -30")
    run(database, 3, CATALOG)
    assert severity(connection) == "critical"
    worse = last_event(connection, "need.escalated")
    assert (worse["old"], worse["new"], worse["need_id"]) == ("high", "critical", 1)
    assert worse["data"]["severity"] == "critical"
    assert worse["data"]["evidence"]["temperature"]["value"] == -30
    assert "critical now" in worse["reason"]
    send(connection, "freezer-1", 4, temperature="-50")
    run(database, 5, CATALOG)
    assert severity(connection) == "high"
    better = last_event(connection, "need.deescalated")
    assert (better["old"], better["new"]) == ("critical", "high")
    assert needs_of(connection) == [("freezer-1", "warm", "open")]
    for consumer in ("engage", "notify"):
        assert waiting_for(connection, consumer) == ["need.opened", "need.escalated"], "better only stands in the log"


def test_a_need_opens_as_bad_as_it_is(database: Database, connection: Connection) -> None:
    send(connection, "freezer-1", 0, temperature="-70 -30 -70")
    run(database, 3, CATALOG)
    assert events_of(connection) == ["need.opened", "need.resolved"]
    assert last_event(connection, "need.opened")["data"]["severity"] == "critical"
    assert severity(connection) == "critical"


def test_what_another_need_held_back_is_noted_and_opens_when_that_is_over(
    database: Database, connection: Connection
) -> None:
    catalog = freezers_with(
        rule("power_lost", when="power < 0.5", inhibits=["warm"]),
        rule("warm"),
        rule("warmer", when="temperature > -50"),
    )
    send(connection, "freezer-1", 0, power="0x3 1x3", temperature="-70 -55x6")
    run(database, 7, catalog)
    held = last_event(connection, "need.held_back")
    assert held["reason"].endswith("held back by power_lost")
    assert (held["actor"], held["data"]["rule"], held["data"]["held_by"]) == ("service", "warm", "power_lost")
    assert events_of(connection) == ["need.opened", "need.held_back", "need.resolved", "need.opened"]
    opened = connection.execute("SELECT opened_at FROM need WHERE rule = 'warm'").fetchone()
    assert opened is not None
    assert at_minutes(opened["opened_at"]) == 4
