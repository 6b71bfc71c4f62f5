"""From readings to what is done and said about them: rules, responses and messages, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from iot_service import clock
from iot_service.config import Settings
from iot_service.db import Connection, Database
from iot_service.engage.runner import EngageRunner
from iot_service.links import Links
from iot_service.notify.compose import ComposeRunner
from iot_service.products.catalog import Catalog
from iot_service.rules import maintenance
from iot_service.rules.runner import RuleRunner
from tests.engage.conftest import agree, engaged, states
from tests.factories import make_device, make_home, make_technician
from tests.rules.running import MINUTE, freezers_with, needs_of, send
from tests.rules.telemetry import SHIPPED, START, rule

FREEZERS = ("freezer-1", "freezer-2", "freezer-3")
LEVELS = [{"severity": "critical", "for": "10m"}]
WARM = rule(when="temperature > -60", service="freezer_repair", levels=LEVELS, clear="temperature < -65")


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """Three freezers at one site, a technician, and a customer who is coached; each statement is committed."""
    with database._pool.connection() as connection:
        connection.autocommit = True
        make_home(connection)
        for device in FREEZERS[1:]:
            make_device(connection, id=device)
        make_technician(connection)
        agree(connection, "fault", "coach")
        yield connection
        connection.autocommit = False


def work(database: Database, minutes: float, catalog: Catalog = SHIPPED) -> None:
    """Let everybody do what is to be done so many minutes after the start."""
    clock.freeze(START + minutes * MINUTE)
    links = Links("k" * 32, "https://service.example.com")
    for runner in (
        RuleRunner(database, catalog),
        EngageRunner(database, catalog, Settings()),
        ComposeRunner(database, catalog=catalog, links=links, mail_from="service@example.com"),
    ):
        while runner.run_once():
            pass


def told(connection: Connection) -> list[tuple[str, str]]:
    """Who was told what, in order."""
    rows: list[dict[str, Any]] = connection.execute(
        "SELECT recipient_id, template FROM notification ORDER BY id"
    ).fetchall()
    return [(row["recipient_id"], row["template"]) for row in rows]


def test_a_power_cut_at_a_site_is_one_need_with_one_message(database: Database, connection: Connection) -> None:
    for minute in range(8):
        for device in FREEZERS:
            send(connection, device, minute, power="1" if minute < 2 else "0", temperature="-70")
        work(database, minute + 0.1)
    assert [need[1:] for need in needs_of(connection)] == [("power_lost", "open")] * 3
    assert told(connection) == [("anna", "fault_urgent")]
    assert len(engaged(connection)) == 1
    for minute in range(8, 14):
        for place, device in enumerate(FREEZERS):
            send(connection, device, minute, power="1" if minute > 8 + place else "0", temperature="-70")
        work(database, minute + 0.1)
    assert {need[2] for need in needs_of(connection)} == {"resolved"}
    assert told(connection) == [("anna", "fault_urgent"), ("anna", "fault_over")]


def test_a_freezer_that_thaws_in_a_power_cut_is_a_need_of_its_own(database: Database, connection: Connection) -> None:
    for minute in range(16):
        warm = "-50" if minute > 2 else "-70"
        send(connection, "freezer-1", minute, power="0", temperature="-70")
        send(connection, "freezer-2", minute, power="0", temperature=warm)
        work(database, minute + 0.1)
    assert ("freezer-2", "temperature_high", "open") in needs_of(connection)
    assert states(connection, "job") == ["dispatched"]


def test_a_fault_that_becomes_critical_sends_a_technician_and_tells_the_customer_who_is_coached(
    database: Database, connection: Connection
) -> None:
    catalog = freezers_with(WARM)
    for minute in range(9):
        send(connection, "freezer-1", minute, temperature="-50")
        work(database, minute + 0.1, catalog)
    assert told(connection) == [("anna", "fault_urgent")]
    assert states(connection, "job") == []
    for minute in range(9, 14):
        send(connection, "freezer-1", minute, temperature="-50")
        work(database, minute + 0.1, catalog)
    assert states(connection, "job") == ["dispatched"]
    assert engaged(connection) == [("coach", "wait"), ("coach", "dispatch")]
    assert sorted(told(connection)[1:]) == [("anna", "need_worse"), ("kari", "job_dispatched")]


def test_nothing_is_done_or_said_during_maintenance_but_after_it_if_it_still_holds(
    database: Database, connection: Connection
) -> None:
    maintenance.plan(
        connection, site_id="anna-home", starts_at=START, ends_at=START + timedelta(minutes=30), reason="Defrosting",
        actor="operator:1", now=START,
    )  # fmt: skip
    for minute in range(36):
        send(connection, "freezer-1", minute, temperature="-20")
        send(connection, "freezer-2", minute, temperature="-20" if minute < 20 else "-70")
        work(database, minute + 0.1)
        if minute < 30:
            assert needs_of(connection) == []
    assert needs_of(connection) == [("freezer-1", "temperature_high", "open")]
    assert ("anna", "fault_urgent") in told(connection)
