"""What a runner remembers of devices: used while it is sure to be right, and never longer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from iot_service.db import Connection, Database
from iot_service.rules import needs
from iot_service.rules.memory import Memory, Remembered
from iot_service.rules.runner import RuleRunner
from tests.factories import make_home
from tests.rules.telemetry import SHIPPED, START, series, store
from tests.rules.test_runner import MINUTE, connection, found, run

__all__ = ["connection"]  # the fixture


class WatchedMemory(Memory):
    """Counts how often a state that was asked for was still known."""

    def __init__(self, capacity: int = 10) -> None:
        super().__init__(capacity)
        self.answers: list[bool] = []

    def state(self, device_id: str, version: str) -> Any:
        found = super().state(device_id, version)
        self.answers.append(found is not None)
        return found


def make_runner(database: Database) -> tuple[RuleRunner, WatchedMemory]:
    runner, memory = RuleRunner(database, SHIPPED), WatchedMemory()
    runner._memory = memory
    return runner, memory


def warm(connection: Connection, database: Database, minute: int, *runners: RuleRunner) -> datetime:
    """One warm minute, judged by each of ``runners``."""
    at = START + minute * MINUTE
    store(connection, "freezer-1", series(MINUTE, at, temperature="-55"))
    for runner in runners:
        run(database, at, runner)
    return at


def test_a_device_that_only_this_runner_judges_is_read_once(database: Database, connection: Connection) -> None:
    make_home(connection)
    runner, memory = make_runner(database)
    for minute in range(12):
        warm(connection, database, minute, runner)
    assert memory.answers == [False] + 11 * [True]
    assert found(connection) == [("temperature_high", "open", 10, None)]


def test_what_another_runner_has_judged_meanwhile_is_read_again(database: Database, connection: Connection) -> None:
    make_home(connection)
    (one, of_one), (other, of_other) = make_runner(database), make_runner(database)
    for minute in range(12):
        warm(connection, database, minute, one if minute % 2 else other)
    assert not any(of_one.answers)
    assert not any(of_other.answers)
    assert found(connection) == [("temperature_high", "open", 10, None)]


def test_a_need_that_a_person_withdrew_is_latched_although_the_device_is_remembered(
    database: Database, connection: Connection
) -> None:
    make_home(connection)
    runner, _ = make_runner(database)
    for minute in range(12):
        at = warm(connection, database, minute, runner)
    row = connection.execute("SELECT id FROM need").fetchone()
    assert row is not None
    needs.withdraw(connection, row["id"], reason="defrosting", actor="operator:1", now=at)
    for minute in range(12, 40):
        warm(connection, database, minute, runner)
    assert found(connection) == [("temperature_high", "withdrawn", 10, 11)]


def test_what_was_remembered_of_a_run_that_was_rolled_back_is_not_used(
    database: Database, connection: Connection, monkeypatch: Any
) -> None:
    make_home(connection)
    runner, memory = make_runner(database)
    warm(connection, database, 0, runner)

    def fail(*_: object) -> str:
        raise OSError("the connection broke")

    with monkeypatch.context() as broken:
        broken.setattr("iot_service.rules.store.save", fail)
        with pytest.raises(OSError, match="the connection broke"):
            warm(connection, database, 1, runner)
    for minute in range(2, 12):
        warm(connection, database, minute, runner)
    assert memory.answers[:3] == [False, True, False]
    assert found(connection) == [("temperature_high", "open", 10, None)]


def test_no_more_devices_are_remembered_than_fit(database: Database, connection: Connection) -> None:
    make_home(connection)
    runner, _ = make_runner(database)
    warm(connection, database, 0, runner)
    remembered = runner._memory.take("freezer-1")
    assert isinstance(remembered, Remembered)
    memory = Memory(2)
    memory.keep((name, remembered) for name in ("a", "b", "c"))
    assert memory.take("a") is None
    assert memory.take("c") is remembered
    assert memory.take("c") is None
    assert memory.state("b", "other") is None
    assert memory.state("b", remembered.version) is remembered.fold.state


def test_parameters_that_changed_hold_at_once(database: Database, connection: Connection) -> None:
    make_home(connection)
    runner, memory = make_runner(database)
    for minute in range(5):
        warm(connection, database, minute, runner)
    connection.execute("""UPDATE device SET parameters = '{"setpoint": -50}'""")
    for minute in range(5, 20):
        warm(connection, database, minute, runner)
    assert found(connection) == []
    assert all(memory.answers[1:])
