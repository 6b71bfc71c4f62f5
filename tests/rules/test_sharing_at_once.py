"""Shared needs, judged by several runners at once while operators close them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from threading import Thread

import pytest

from iot_service import clock
from iot_service.db import Connection, Database
from iot_service.errors import ConflictError
from iot_service.rules import needs
from iot_service.rules.runner import RuleRunner
from tests.factories import make_customer, make_device, make_site
from tests.rules.running import MINUTE, freezers_with, send
from tests.rules.telemetry import START, rule

SITES, FREEZERS, MINUTES = 4, 4, 12
CATALOG = freezers_with(
    rule("power_lost", when="power < 0.5", clear="power >= 0.5", per="site"),
    rule("ambient_high", when="ambient > 30", per="site"),
)


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """Some sites with some freezers each, and a connection that commits each statement by itself."""
    with database._pool.connection() as connection:
        connection.autocommit = True
        make_customer(connection)
        for site in range(SITES):
            make_site(connection, id=f"site-{site}")
            for place in range(FREEZERS):
                make_device(connection, id=f"freezer-{place}-{site}", site_id=f"site-{site}")
        yield connection
        connection.autocommit = False


def withdraw_some(database: Database) -> None:
    """Withdraw an open need here and there, each in a transaction of its own."""
    chance = random.Random(7)
    for _ in range(40):
        try:
            with database.transaction() as connection:
                rows = connection.execute("SELECT id FROM need WHERE state = 'open'").fetchall()
                if rows:
                    need_id = chance.choice(rows)["id"]
                    needs.withdraw(connection, need_id, reason="Seen to", actor="operator:1", now=clock.now())
        except ConflictError:
            continue


def test_runners_and_operators_at_once_leave_needs_that_make_sense(database: Database, connection: Connection) -> None:
    chance = random.Random(1)
    runners = [RuleRunner(database, CATALOG, devices_at_once=5) for _ in range(3)]
    for minute in range(MINUTES):
        last = minute == MINUTES - 1
        for site in range(SITES):
            for place in range(FREEZERS):
                power, ambient = (1, 20) if last else (chance.randint(0, 1), chance.choice((20, 35)))
                send(connection, f"freezer-{place}-{site}", minute, power=str(power), ambient=str(ambient))
        clock.freeze(START + (minute + 0.5) * MINUTE)
        threads = [Thread(target=lambda at=runner: [at.run_once() for _ in range(8)]) for runner in runners]
        if minute % 3 == 1:
            threads.append(Thread(target=withdraw_some, args=(database,)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for runner in runners:
            while runner.run_once():
                pass
        errors = connection.execute("SELECT error FROM rule_state WHERE error IS NOT NULL").fetchall()
        assert errors == []
        orphans = connection.execute(
            "SELECT child.id FROM need child JOIN need parent ON parent.id = child.parent_id"
            " WHERE child.state = 'open' AND parent.state <> 'open'"
        ).fetchall()
        assert orphans == [], "what is open has a parent that is open"
        stuck = connection.execute(
            "SELECT parent.id FROM need parent WHERE parent.state = 'open' AND parent.cleared_at IS NOT NULL AND NOT"
            " EXISTS (SELECT FROM need child WHERE child.parent_id = parent.id AND child.state = 'open')"
        ).fetchall()
        assert stuck == [], "a parent whose device has recovered is open for somebody"
    counted = connection.execute("SELECT state, count(*) AS count FROM need GROUP BY state").fetchall()
    assert {row["state"] for row in counted} == {"resolved", "withdrawn"}, "at the end all is well everywhere"
