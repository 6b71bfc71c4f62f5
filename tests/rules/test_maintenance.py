"""Planned maintenance: nothing opens during it, what still holds opens after it, and people see why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from iot_service import clock
from iot_service.db import Connection, Database
from iot_service.errors import InvalidInputError, NotFoundError
from iot_service.rules import maintenance
from iot_service.rules.maintenance_windows import MaintenanceWindow
from iot_service.rules.runner import RuleRunner
from tests.factories import NOW, make_customer, make_device, make_home, make_site
from tests.rules.running import MINUTE, at_minutes, events_of, freezers_with, last_event, needs_of, run, send
from tests.rules.telemetry import START, rule, series, store

SECOND = 1 / 60
CATALOG = freezers_with(rule("warm", **{"for": "2m"}), rule("silent", absent_for="15m", absent=["temperature"]))


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """One freezer at home, and a connection that commits each statement by itself."""
    clock.freeze(START)
    with database._pool.connection() as connection:
        connection.autocommit = True
        make_home(connection)
        yield connection
        connection.autocommit = False


def plan(connection: Connection, start: float, end: float, now: float = 0, **over: Any) -> MaintenanceWindow:
    """Plan maintenance from and to so many minutes after the start."""
    values: dict[str, Any] = {"device_id": "freezer-1", "reason": "compressor swap", "actor": "operator:1", **over}
    return maintenance.plan(
        connection, starts_at=START + start * MINUTE, ends_at=START + end * MINUTE, now=START + now * MINUTE, **values
    )


def opened(connection: Connection) -> list[tuple[str, float]]:
    rows = connection.execute("SELECT rule, opened_at FROM need ORDER BY id").fetchall()
    return [(row["rule"], at_minutes(row["opened_at"])) for row in rows]


@pytest.mark.parametrize("target", [{}, {"device_id": None, "site_id": "anna-home"},
                                    {"device_id": None, "customer_id": "anna"}])  # fmt: skip
def test_nothing_opens_during_maintenance_and_what_still_holds_opens_after_it(
    database: Database, connection: Connection, target: dict[str, Any]
) -> None:
    plan(connection, 5, 20, **target)
    for minute in range(24):
        send(connection, "freezer-1", minute, temperature="-70" if minute < 7 else "-50")
        run(database, minute + 2 * SECOND, CATALOG)
    assert opened(connection) == [("warm", 20)]
    assert events_of(connection) == ["maintenance.planned", "need.held_back", "need.opened"]
    held = last_event(connection, "need.held_back")
    assert held["reason"].endswith("held back by maintenance 'compressor swap'")
    assert (held["actor"], held["need_id"], held["data"]["maintenance_id"]) == ("operator:1", None, 1)


@pytest.mark.parametrize("step", [1, 3, 8, 40])
@pytest.mark.parametrize("remembers", [True, False])
def test_however_its_readings_come_and_whoever_judges_them_the_same_needs_open(
    database: Database, connection: Connection, step: int, remembers: bool
) -> None:
    for start, end in ((3, 9), (8, 15), (20, 23), (30, 33)):
        plan(connection, start, end)
    runner = RuleRunner(database, CATALOG)
    samples = series(temperature="-50x10 -70 -50x10 -70 -50x17")
    for place in range(0, len(samples), step):
        part = samples[place : place + step]
        store(connection, "freezer-1", part)
        run(database, at_minutes(part[-1].ts) + 2 * SECOND, CATALOG, runner if remembers else None)
    assert opened(connection) == [("warm", 2), ("warm", 15), ("warm", 26)]
    assert events_of(connection).count("need.held_back") == 1


def test_what_is_over_by_the_end_of_maintenance_never_was(database: Database, connection: Connection) -> None:
    plan(connection, 5, 20)
    send(connection, "freezer-1", 0, temperature="-70x6 -50x7 -70x10")
    run(database, 26, CATALOG)
    assert opened(connection) == []
    assert "need.held_back" in events_of(connection)


def test_the_edges_wake_a_device_of_which_nothing_comes(database: Database, connection: Connection) -> None:
    send(connection, "freezer-1", 0, temperature="-70")
    plan(connection, 5, 20)
    for minute in (0, 5, 16, 20):
        run(database, minute + 2 * SECOND, CATALOG)
    assert opened(connection) == [("silent", 20)], "it was missed from minute 15 on, and muted"
    state = connection.execute("SELECT state FROM rule_state").fetchone()
    assert state is not None
    assert state["state"]["facts"]["maintenance"] == 0


def test_planned_late_it_is_judged_from_now_on(database: Database, connection: Connection) -> None:
    send(connection, "freezer-1", 0, temperature="-70 -50x5")
    run(database, 6, CATALOG)
    assert opened(connection) == [("warm", 3)]
    plan(connection, 1, 20, now=6)
    send(connection, "freezer-1", 7, temperature="-50x4 -70 -50x6")
    run(database, 19.5, CATALOG)
    assert needs_of(connection) == [("freezer-1", "warm", "resolved")], "it had opened before; the next one is muted"
    send(connection, "freezer-1", 20, temperature="-50x1")
    run(database, 22, CATALOG)
    assert opened(connection) == [("warm", 3), ("warm", 20)]


def test_ended_early_what_it_held_back_opens(database: Database, connection: Connection) -> None:
    window = plan(connection, 0, 60)
    send(connection, "freezer-1", 0, temperature="-50x9")
    run(database, 10, CATALOG)
    assert opened(connection) == []
    ended = maintenance.end(connection, window.id, reason="Done", actor="operator:2", now=START + 10 * MINUTE)
    assert (at_minutes(ended.ends_at), ended.ended_by) == (10, "operator:2")
    run(database, 10 + 2 * SECOND, CATALOG)
    assert opened(connection) == [("warm", 10)]
    assert last_event(connection, "maintenance.ended")["reason"] == "Done"


def test_called_off_before_it_began_it_never_was(database: Database, connection: Connection) -> None:
    window = plan(connection, 5, 60)
    send(connection, "freezer-1", 0, temperature="-70")
    run(database, 1, CATALOG)
    maintenance.end(connection, window.id, reason="Not today", actor="operator:1", now=START + MINUTE)
    send(connection, "freezer-1", 6, temperature="-50x4")
    run(database, 11, CATALOG)
    assert opened(connection) == [("warm", 8)]
    assert maintenance.list_windows(connection, ahead_of=START) == []
    again = maintenance.end(connection, window.id, reason="Twice", actor="operator:1", now=START + 2 * MINUTE)
    assert again.ended_at == START + MINUTE, "to end it twice changes nothing"


def test_windows_that_overlap_or_touch_are_one(database: Database, connection: Connection) -> None:
    plan(connection, 0, 10)
    plan(connection, 5, 15, device_id=None, site_id="anna-home")
    plan(connection, 15, 30, device_id=None, customer_id="anna")
    for minute in range(34):
        send(connection, "freezer-1", minute, temperature="-50")
        run(database, minute + 2 * SECOND, CATALOG)
    assert opened(connection) == [("warm", 30)]


def test_others_are_judged_as_ever(database: Database, connection: Connection) -> None:
    make_device(connection, id="freezer-2")
    make_site(connection, id="cabin")
    make_device(connection, id="freezer-3", site_id="cabin")
    plan(connection, 0, 30)
    plan(connection, 0, 30, device_id=None, site_id="cabin")
    for device in ("freezer-1", "freezer-2", "freezer-3"):
        send(connection, device, 0, temperature="-50x5")
    run(database, 6, CATALOG)
    assert needs_of(connection) == [("freezer-2", "warm", "open")]


def test_a_rule_may_say_that_maintenance_does_not_matter(database: Database, connection: Connection) -> None:
    plan(connection, 0, 30)
    send(connection, "freezer-1", 0, temperature="-50x5")
    run(database, 6, freezers_with(rule("warm", in_maintenance="judge")))
    assert opened(connection) == [("warm", 0)]


def test_those_of_a_device_are_also_those_of_its_site_and_its_customer(connection: Connection) -> None:
    make_customer(connection, id="bo")
    plan(connection, 0, 5)
    plan(connection, 0, 10, device_id=None, site_id="anna-home")
    plan(connection, 0, 15, device_id=None, customer_id="anna")
    plan(connection, 0, 20, device_id=None, customer_id="bo")

    def ids(**asked: Any) -> list[int]:
        return [window.id for window in maintenance.list_windows(connection, **asked)]

    assert ids(device_id="freezer-1") == [3, 2, 1]
    assert ids(site_id="anna-home") == [2]
    assert ids(customer_id="bo") == [4]
    assert ids(ahead_of=START + 10 * MINUTE) == [4, 3]
    assert ids(before=3, limit=1) == [2]
    assert maintenance.get(connection, 4).customer_id == "bo"


@pytest.mark.parametrize(
    ("over", "wrong"),
    [
        ({"site_id": "anna-home"}, "give one of"),
        ({"device_id": None}, "give one of"),
        ({"reason": "  "}, "reason: say why"),
        ({"end": 0}, "ends_at: must come after"),
        ({"now": 11}, "ends_at: must lie ahead"),
        ({"end": 367 * 24 * 60}, "at most 366 days"),
    ],
)
def test_what_makes_no_sense_is_refused(connection: Connection, over: dict[str, Any], wrong: str) -> None:
    with pytest.raises(InvalidInputError, match=wrong):
        plan(connection, **{"start": 0, "end": 10, **over})


@pytest.mark.parametrize("target", ["device", "site", "customer"])
def test_what_is_not_there_cannot_be_maintained(connection: Connection, target: str) -> None:
    values: dict[str, Any] = {"device_id": None, f"{target}_id": "nobody"}
    with pytest.raises(NotFoundError, match=f"there is no {target} 'nobody'"):
        plan(connection, 0, 10, **values)
    with pytest.raises(NotFoundError):
        maintenance.end(connection, 404, reason="Gone", actor="operator:1", now=NOW + timedelta(days=1))
    with pytest.raises(NotFoundError):
        maintenance.get(connection, 404)
