"""A need that became worse: decided again, without doing anything twice."""

from __future__ import annotations

from typing import Any

import pytest

from iot_service.db import Connection, Database
from iot_service.engage.runner import EngageRunner
from tests.engage.conftest import agree, end_need, engaged, open_need, states, worsen_need


def job(connection: Connection) -> dict[str, Any]:
    row = connection.execute("SELECT severity, state FROM job").fetchone()
    assert row is not None
    return row


@pytest.mark.parametrize("strategy", ["coach", "respond"])
def test_a_high_fault_that_becomes_critical_sends_a_technician_at_once(
    database: Database, runner: EngageRunner, strategy: str
) -> None:
    with database.transaction() as connection:
        agree(connection, "fault", strategy)
        need_id = open_need(connection, "temperature_high", severity="high")
    runner.run_once()
    with database.transaction() as connection:
        assert states(connection, "job") == []
        worsen_need(connection, need_id, "critical")
    assert runner.run_once() == 1
    with database.transaction() as connection:
        assert job(connection) == {"severity": "critical", "state": "dispatched"}
        assert engaged(connection) == [(strategy, "wait"), (strategy, "dispatch")]
        need = connection.execute("SELECT strategy_reason, answered_severity FROM need").fetchone()
        assert need is not None
        assert "a technician is sent at once" in need["strategy_reason"]
        assert need["answered_severity"] == "critical"


def test_a_technician_who_was_sent_already_is_not_sent_again(database: Database, runner: EngageRunner) -> None:
    with database.transaction() as connection:
        agree(connection, "fault", "automate", mandate=True)
        need_id = open_need(connection, "temperature_high", severity="high")
    runner.run_once()
    with database.transaction() as connection:
        worsen_need(connection, need_id, "critical")
    runner.run_once()
    with database.transaction() as connection:
        assert job(connection) == {"severity": "critical", "state": "dispatched"}
        assert engaged(connection) == [("automate", "dispatch")]


def test_a_technician_whose_job_was_called_off_is_sent_after_all(database: Database, runner: EngageRunner) -> None:
    with database.transaction() as connection:
        agree(connection, "fault", "automate", mandate=True)
        need_id = open_need(connection, "temperature_high", severity="high")
    runner.run_once()
    with database.transaction() as connection:
        connection.execute("UPDATE job SET state = 'cancelled'")
        connection.execute("DELETE FROM resource_booking")
        worsen_need(connection, need_id, "critical")
    runner.run_once()
    with database.transaction() as connection:
        assert states(connection, "job") == ["cancelled", "dispatched"]


def test_what_became_worse_before_it_was_looked_at_is_decided_once(database: Database, runner: EngageRunner) -> None:
    with database.transaction() as connection:
        agree(connection, "fault", "coach")
        need_id = open_need(connection, "temperature_high", severity="high")
        worsen_need(connection, need_id, "critical")
    assert runner.run_once() == 2
    with database.transaction() as connection:
        assert engaged(connection) == [("coach", "dispatch")]
        assert states(connection, "job") == ["dispatched"]


def test_where_the_decision_does_not_depend_on_it_nothing_is_done_again(
    database: Database, runner: EngageRunner
) -> None:
    with database.transaction() as connection:
        agree(connection, "service", "coach")
        need_id = open_need(connection, "service_due")
    runner.run_once()
    with database.transaction() as connection:
        worsen_need(connection, need_id, "high")
    runner.run_once()
    with database.transaction() as connection:
        assert states(connection, "proposal") == ["open"]
        assert engaged(connection) == [("coach", "propose")]


def test_a_need_from_before_this_was_kept_is_judged_by_what_the_event_says(
    database: Database, runner: EngageRunner
) -> None:
    with database.transaction() as connection:
        agree(connection, "fault", "coach")
        need_id = open_need(connection, "temperature_high", severity="high")
    runner.run_once()
    with database.transaction() as connection:
        connection.execute("UPDATE need SET answered_severity = NULL")
        worsen_need(connection, need_id, "critical")
    runner.run_once()
    with database.transaction() as connection:
        assert states(connection, "job") == ["dispatched"]


def test_a_need_that_is_over_by_then_is_left_alone(database: Database, runner: EngageRunner) -> None:
    with database.transaction() as connection:
        agree(connection, "fault", "coach")
        need_id = open_need(connection, "temperature_high", severity="high")
    runner.run_once()
    with database.transaction() as connection:
        worsen_need(connection, need_id, "critical")
        end_need(connection, need_id, "resolved")
    runner.run_once()
    with database.transaction() as connection:
        assert states(connection, "job") == []
