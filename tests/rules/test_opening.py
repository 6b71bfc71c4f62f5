"""Needs that open at once on many devices."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from iot_service import clock
from iot_service.db import Connection, Database
from iot_service.model.device import ServiceState
from iot_service.model.need import Severity
from iot_service.rules.opening import Opening, open_together, opens_alone
from iot_service.rules.outcomes import Outcome, OutcomeKind
from iot_service.rules.runner import RuleRunner
from iot_service.rules.state import DeviceState
from iot_service.rules.store import Claimed
from iot_service.rules.versions.version import Mode, RuleInForce
from tests.factories import make_customer, make_device, make_home, make_site
from tests.rules.telemetry import SHIPPED, START, rule, series, store

MINUTE = timedelta(minutes=1)


def claimed(device_id: str, **over: Any) -> Claimed:
    values: dict[str, Any] = {
        "device_id": device_id, "product": "freezer", "customer_id": "anna", "site_id": "anna-home",
        "state": DeviceState(ServiceState.IN_SERVICE), "newest_ts": None, "newest_received": None, "late_readings": 0,
        "parameters": {}, "lead_days": None, "facts": {}, "changes": [], "open_rules": set(), "shadow_rules": set(),
    }  # fmt: skip
    return Claimed(**{**values, **over})


def opening(device_id: str = "freezer-1", rule_id: str = "warm", **over: Any) -> Opening:
    evidence = {"temperature": {"value": -50.0, "ts": START.isoformat()}}
    outcome = Outcome(OutcomeKind.OPENED, rule_id, START, f"{rule_id} on {device_id}", evidence)
    return Opening(claimed(device_id), replace(outcome, **over), RuleInForce(rule(rule_id)))


def rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in connection.execute(query).fetchall()]


def test_needs_are_written_with_their_events_in_their_order_and_those_that_are_open_left_out(
    database: Database,
) -> None:
    with database.transaction() as connection:
        make_home(connection)
        make_device(connection, id="freezer-2")
        first = open_together(connection, [opening("freezer-2")], now=START)
        assert first == {("freezer-2", "warm")}
        asked = [
            opening("freezer-2"), opening("freezer-1", "hot", severity=Severity.CRITICAL), opening("freezer-1"),
        ]  # fmt: skip
        assert open_together(connection, asked, now=START + MINUTE) == {("freezer-1", "hot"), ("freezer-1", "warm")}
        found = rows(
            connection,
            "SELECT need.device_id, rule, need.severity, state, type, event.new, actor, data ->> 'severity' AS told,"
            " ARRAY[need.reason = event.reason, subject_id = need.id::text, data -> 'evidence' = evidence,"
            " event.at = created_at] AS same FROM event JOIN need ON need.id = need_id ORDER BY event.id",
        )
        consumers = rows(connection, "SELECT count(*) AS rows, count(DISTINCT event_id) AS events FROM event_todo")
    written = ("need.opened", "open", "service")
    assert found == [
        ("freezer-2", "warm", "high", "open", *written, "high", [True] * 4),
        ("freezer-1", "hot", "critical", "open", *written, "critical", [True] * 4),
        ("freezer-1", "warm", "high", "open", *written, "high", [True] * 4),
    ]
    assert consumers == [(6, 3)]


def test_only_what_opens_a_need_of_one_device_is_written_together() -> None:
    assert opens_alone(opening())
    assert not opens_alone(opening(kind=OutcomeKind.RESOLVED))
    assert not opens_alone(opening(kind=OutcomeKind.HELD_BACK))
    assert not opens_alone(replace(opening(), rule=RuleInForce(rule(), mode=Mode.SHADOW)))
    shared = replace(opening(), rule=RuleInForce(rule(per="site")))
    assert not opens_alone(shared)
    assert opens_alone(replace(shared, device=claimed("freezer-1", site_id=None)))


def test_a_fleet_that_falls_silent_is_judged_in_few_trips_and_each_device_has_its_need(database: Database) -> None:
    with database.transaction() as connection:
        make_customer(connection)
        make_site(connection)
        for number in range(30):
            make_device(connection, id=f"freezer-{number}")
            store(connection, f"freezer-{number}", series(temperature="-70"))
    runner = RuleRunner(database, SHIPPED, devices_at_once=20)
    clock.freeze(START)
    assert [runner.run_once(), runner.run_once(), runner.run_once()] == [20, 10, 0]
    clock.freeze(START + 16 * MINUTE)
    assert [runner.run_once(), runner.run_once(), runner.run_once()] == [20, 10, 0], (
        "nobody talks, so all places are free"
    )
    with database.transaction() as connection:
        found = rows(connection, "SELECT device_id, rule, state FROM need")
        events = rows(connection, "SELECT count(*) FROM event WHERE type = 'need.opened'")
    assert sorted(found) == sorted((f"freezer-{number}", "silent", "open") for number in range(30))
    assert events == [(30,)]


def test_a_need_that_cannot_be_written_stops_no_other_device(database: Database) -> None:
    with database.transaction() as connection:
        make_customer(connection)
        make_site(connection)
        for number in range(3):
            make_device(connection, id=f"freezer-{number}")
            store(connection, f"freezer-{number}", series(temperature="-70"))
        connection.execute("ALTER TABLE need ADD CHECK (device_id <> 'freezer-1')")
    runner = RuleRunner(database, SHIPPED)
    clock.freeze(START)
    runner.run_once()
    clock.freeze(START + 16 * MINUTE)
    assert runner.run_once() == 3
    with database.transaction() as connection:
        found = rows(connection, "SELECT device_id FROM need ORDER BY device_id")
        failed = rows(connection, "SELECT device_id, split_part(error, ':', 1) FROM rule_state WHERE error IS NOT NULL")
        connection.execute("ALTER TABLE need DROP CONSTRAINT need_device_id_check")
    assert found == [("freezer-0",), ("freezer-2",)]
    assert failed == [("freezer-1", "CheckViolation")]
    clock.freeze(START + 18 * MINUTE)
    assert runner.run_once() == 1, "it is tried again"
    with database.transaction() as connection:
        assert rows(connection, "SELECT count(*) FROM need WHERE device_id = 'freezer-1'") == [(1,)]
