"""A power cut at a site is one need, not one per freezer."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest

from iot_service import clock
from iot_service.db import Connection, Database
from iot_service.errors import ConflictError
from iot_service.model.device import ServiceState
from iot_service.rules import needs
from iot_service.rules.runner import RuleRunner
from iot_service.rules.service_state import set_service_state
from tests.factories import make_customer, make_device, make_home, make_site
from tests.rules.running import (
    MINUTE,
    at_minutes,
    events_of,
    freezers_with,
    last_event,
    needs_of,
    run,
    send,
    waiting_for,
)
from tests.rules.telemetry import START, rule

FREEZERS = ("freezer-1", "freezer-2", "freezer-3")
POWER = rule("power_lost", when="power < 0.5", clear="power >= 0.5", per="site")
CATALOG = freezers_with(POWER)


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """Three freezers at one site, and a connection that commits each statement by itself."""
    with database._pool.connection() as connection:
        connection.autocommit = True
        make_home(connection)
        for device in FREEZERS[1:]:
            make_device(connection, id=device)
        yield connection
        connection.autocommit = False


def power_cut(database: Database, connection: Connection) -> None:
    """All three lose power, a minute apart."""
    for place, device in enumerate(FREEZERS):
        send(connection, device, place, power="1 0x5")
        run(database, place + 7, CATALOG)


def family(connection: Connection) -> list[dict[str, Any]]:
    return connection.execute(
        "SELECT device_id, state, parent_id, cleared_at, closed_at, severity, reason, evidence FROM need ORDER BY id"
    ).fetchall()


def withdraw(connection: Connection, device: str) -> None:
    row = connection.execute("SELECT id FROM need WHERE device_id = %s AND state = 'open'", [device]).fetchone()
    assert row is not None
    needs.withdraw(connection, row["id"], reason="A fuse, seen to", actor="operator:1", now=clock.now())


def test_a_power_cut_at_a_site_is_one_need_with_a_child_per_further_freezer(
    database: Database, connection: Connection
) -> None:
    power_cut(database, connection)
    parent, *children = family(connection)
    assert parent["parent_id"] is None
    assert [child["parent_id"] for child in children] == [1, 1]
    assert waiting_for(connection, "engage") == waiting_for(connection, "notify") == ["need.opened"]
    assert events_of(connection) == ["need.opened", "need.joined", "need.joined"]
    assert parent["reason"].endswith("; at 3 devices of this site")
    assert parent["evidence"]["devices"]["value"] == 3
    assert last_event(connection, "need.joined")["data"]["parent_id"] == 1


def test_it_is_over_when_it_is_over_at_every_freezer(database: Database, connection: Connection) -> None:
    power_cut(database, connection)
    send(connection, "freezer-1", 10, power="1")
    run(database, 10, CATALOG)
    parent = family(connection)[0]
    assert (parent["state"], at_minutes(parent["cleared_at"])) == ("open", 10)
    send(connection, "freezer-2", 12, power="1")
    run(database, 12, CATALOG)
    assert [need["state"] for need in family(connection)] == ["open", "resolved", "open"]
    send(connection, "freezer-3", 14, power="1")
    run(database, 14, CATALOG)
    parent, *_ = family(connection)
    assert [need["state"] for need in family(connection)] == ["resolved"] * 3
    assert at_minutes(parent["closed_at"]) == 14
    assert events_of(connection)[3:] == ["need.left", "need.left", "need.left", "need.resolved"]
    assert last_event(connection, "need.resolved")["reason"].startswith("It is over at all devices of this site.")
    assert waiting_for(connection, "notify") == ["need.opened", "need.resolved"]


def test_the_first_freezer_may_have_it_again_meanwhile(database: Database, connection: Connection) -> None:
    power_cut(database, connection)
    send(connection, "freezer-1", 10, power="1 0")
    run(database, 11, CATALOG)
    assert needs_of(connection)[0] == ("freezer-1", "power_lost", "open")
    assert family(connection)[0]["cleared_at"] is None
    assert events_of(connection, "freezer-1") == ["need.opened", "need.left", "need.joined"]
    for device in FREEZERS[1:]:
        send(connection, device, 12, power="1")
    run(database, 12, CATALOG)
    assert [need["state"] for need in family(connection)] == ["open", "resolved", "resolved"]
    send(connection, "freezer-1", 13, power="1")
    run(database, 13, CATALOG)
    assert family(connection)[0]["state"] == "resolved"


def test_withdrawing_it_withdraws_it_everywhere_until_the_power_was_back(
    database: Database, connection: Connection
) -> None:
    power_cut(database, connection)
    withdraw(connection, "freezer-1")
    assert [need["state"] for need in family(connection)] == ["withdrawn"] * 3
    assert waiting_for(connection, "notify") == ["need.opened", "need.withdrawn"]
    for device in FREEZERS:
        send(connection, device, 10, power="0x1")
    run(database, 11, CATALOG)
    assert len(needs_of(connection)) == 3, "each rule is latched"
    for device in FREEZERS:
        send(connection, device, 12, power="1 0")
    run(database, 13, CATALOG)
    assert [need["state"] for need in family(connection)[3:]] == ["open"] * 3


def test_withdrawing_a_child_leaves_the_others_open(database: Database, connection: Connection) -> None:
    power_cut(database, connection)
    withdraw(connection, "freezer-2")
    assert [need["state"] for need in family(connection)] == ["open", "withdrawn", "open"]
    assert waiting_for(connection, "notify") == ["need.opened"]
    send(connection, "freezer-1", 10, power="1")
    run(database, 10, CATALOG)
    withdraw(connection, "freezer-3")
    assert family(connection)[0]["state"] == "resolved", "its own freezer has power, and nobody else is left"


def test_a_freezer_that_leaves_service_leaves_the_need_to_the_others(
    database: Database, connection: Connection
) -> None:
    power_cut(database, connection)
    for device in ("freezer-1", "freezer-2"):
        set_service_state(
            connection, device, ServiceState.OUT_OF_SERVICE, reason="Scrapped", actor="operator:1", now=clock.now()
        )
    assert [need["state"] for need in family(connection)] == ["open", "withdrawn", "open"]
    send(connection, "freezer-3", 10, power="1")
    run(database, 10, CATALOG)
    assert [need["state"] for need in family(connection)] == ["resolved", "withdrawn", "resolved"]


def test_what_is_over_cannot_be_withdrawn_with_its_parent(database: Database, connection: Connection) -> None:
    power_cut(database, connection)
    withdraw(connection, "freezer-1")
    with pytest.raises(ConflictError, match="withdrawn already"):
        needs.withdraw(connection, 2, reason="Again", actor="operator:1", now=clock.now())


def test_other_sites_customers_and_devices_without_a_site_have_needs_of_their_own(
    database: Database, connection: Connection
) -> None:
    make_site(connection, id="cabin")
    make_customer(connection, id="bo")
    make_device(connection, id="at-cabin", site_id="cabin")
    make_device(connection, id="of-bo", customer_id="bo")
    make_device(connection, id="nowhere", site_id=None)
    for device in ("freezer-1", "at-cabin", "of-bo", "nowhere"):
        send(connection, device, 0, power="0x3")
    run(database, 3, CATALOG)
    assert [need["parent_id"] for need in family(connection)] == [None] * 4
    send(connection, "nowhere", 4, power="1")
    run(database, 4, CATALOG)
    assert sorted(need["state"] for need in family(connection)) == ["open", "open", "open", "resolved"]


def test_two_runners_that_find_it_at_once_agree_on_one_parent(database: Database, connection: Connection) -> None:
    for device in FREEZERS:
        send(connection, device, 0, power="1 0x5")
    clock.freeze(START + 7 * MINUTE)
    runners = [RuleRunner(database, CATALOG, devices_at_once=1) for _ in FREEZERS]
    threads = [Thread(target=runner.run_once) for runner in runners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run(database, 7, CATALOG)
    assert len(needs_of(connection)) == 3
    assert [need["parent_id"] for need in family(connection)].count(None) == 1
    assert waiting_for(connection, "notify") == ["need.opened"]


def test_it_is_as_bad_as_it_is_at_the_worst_freezer(database: Database, connection: Connection) -> None:
    levels = [{"severity": "critical", "when": "power < 0.1"}]
    catalog = freezers_with(rule("power_lost", when="power < 0.5", per="site", levels=levels))
    send(connection, "freezer-1", 0, power="0.3x5")
    send(connection, "freezer-2", 1, power="0.3x1 0x1")
    run(database, 5, catalog)
    parent, child = family(connection)
    assert (parent["severity"], child["severity"]) == ("critical", "critical")
    escalated = connection.execute("SELECT device_id FROM event WHERE type = 'need.escalated' ORDER BY id").fetchall()
    assert [row["device_id"] for row in escalated] == ["freezer-2", "freezer-1"]
    send(connection, "freezer-2", 6, power="0.3x3")
    run(database, 10, catalog)
    assert [need["severity"] for need in family(connection)] == ["high", "high"]


def test_it_is_no_worse_than_it_is_at_those_that_still_have_it(database: Database, connection: Connection) -> None:
    levels = [{"severity": "critical", "when": "power < 0.1"}]
    catalog = freezers_with(rule("power_lost", when="power < 0.5", per="site", levels=levels))
    send(connection, "freezer-1", 0, power="0.3x2")
    send(connection, "freezer-2", 1, power="0x1")
    send(connection, "freezer-3", 1, power="0.3x1")
    run(database, 3, catalog)
    assert family(connection)[0]["severity"] == "critical"
    send(connection, "freezer-2", 5, power="1")
    run(database, 7, catalog)
    assert family(connection)[0]["severity"] == "high"
    send(connection, "freezer-1", 8, power="0")
    run(database, 9, catalog)
    assert family(connection)[0]["severity"] == "critical"
    send(connection, "freezer-1", 9, power="1")
    run(database, 10, catalog)
    assert (family(connection)[0]["cleared_at"] is not None, family(connection)[0]["severity"]) == (True, "high")


def test_the_first_freezer_that_has_it_again_may_have_it_worse(database: Database, connection: Connection) -> None:
    levels = [{"severity": "critical", "when": "power < 0.1"}]
    catalog = freezers_with(rule("power_lost", when="power < 0.5", per="site", levels=levels))
    send(connection, "freezer-1", 0, power="0.3x2")
    send(connection, "freezer-2", 1, power="0.3x8")
    run(database, 9, catalog)
    send(connection, "freezer-1", 9, power="1")
    run(database, 10, catalog)
    assert family(connection)[0]["cleared_at"] is not None
    send(connection, "freezer-1", 10, power="0")
    run(database, 12, catalog)
    assert (family(connection)[0]["cleared_at"], family(connection)[0]["severity"]) == (None, "critical")
    assert events_of(connection, "freezer-1")[-2:] == ["need.joined", "need.escalated"]
