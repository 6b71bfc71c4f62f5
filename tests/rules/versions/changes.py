"""Rules that change, for tests: files with one rule more or less, and runners that keep up with them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from iot_service import clock
from iot_service.db import Database
from iot_service.rules.runner import RuleRunner
from iot_service.rules.versions import changing
from iot_service.rules.versions.changing import RuleName
from iot_service.rules.versions.files import FileRule, take_in
from iot_service.rules.versions.version import Mode, Standing
from tests.rules.telemetry import SHIPPED, START, rule

WARM = RuleName("freezer", "warm")
OPERATOR = "operator:7"


def written(**over: Any) -> dict[str, Any]:
    """A rule as somebody writes it."""
    values = {"kind": "fault", "severity": "high", "title": {"nb": "For varm", "en": "Too warm"}}
    return {**values, **({} if "absent_for" in over else {"when": "temperature > -60"}), **over}


def from_files(database: Database, *rules: dict[str, Any], at: datetime = START) -> None:
    """Take in a file that holds ``rules`` of the freezer (each with its id), and no other file."""
    files = [FileRule("freezer", rule(each["id"], **each), None, "own.rules.yaml") for each in rules]
    with database.transaction() as connection:
        take_in(connection, files, now=at)


def put(database: Database, name: RuleName = WARM, *, mode: Mode | None = None, **over: Any) -> Standing:
    """Put a rule over the API, at the clock's time."""
    with database.transaction() as connection:
        return changing.put_rule(
            connection, name, written(**over), mode=mode, catalog=SHIPPED, author=OPERATOR, now=clock.now()
        )


def switch(database: Database, mode: Mode, name: RuleName = WARM) -> Standing:
    """Switch a rule to ``mode``, at the clock's time."""
    with database.transaction() as connection:
        return changing.set_mode(connection, name, mode, catalog=SHIPPED, author=OPERATOR, now=clock.now())


def delete(database: Database, name: RuleName = WARM) -> Standing:
    """Delete what came over the API, at the clock's time."""
    with database.transaction() as connection:
        return changing.delete_rule(connection, name, catalog=SHIPPED, author=OPERATOR, now=clock.now())


def new_runner(database: Database, **how: Any) -> RuleRunner:
    """A runner as after a restart, that judges by what is recorded."""
    return RuleRunner(database, SHIPPED, recorded=True, **how)


def judge(runners: Iterable[RuleRunner], at: datetime) -> None:
    """Let ``runners`` do all that can be done at ``at``, in turn."""
    clock.freeze(at)
    runners, idle = list(runners), 0
    for rounds in range(1000):
        idle = 0 if runners[rounds % len(runners)].run_once() else idle + 1
        if idle > len(runners):  # one run notices a change, the next one acts on it
            return
    raise AssertionError("the runners never come to rest")


def needs(database: Database, device: str = "freezer-1") -> list[tuple[Any, ...]]:
    """The needs of a device: rule, version, state, and the minutes after the start at which they opened and closed."""
    return _found(database, "need", device)


def shadows(database: Database, device: str = "freezer-1") -> list[tuple[Any, ...]]:
    """The same of what rules in shadow found."""
    return _found(database, "shadow_need", device)


def _found(database: Database, table: str, device: str) -> list[tuple[Any, ...]]:
    of = {
        "need": "SELECT * FROM need WHERE device_id = %s ORDER BY opened_at, rule, id",
        "shadow_need": "SELECT * FROM shadow_need WHERE device_id = %s ORDER BY opened_at, rule, id",
    }
    with database.transaction() as connection:
        rows = connection.execute(of[table], [device]).fetchall()
    return [
        (row["rule"], row["rule_version"], row["state"], _minutes(row["opened_at"]), _minutes(row["closed_at"]))
        for row in rows
    ]


def _minutes(at: datetime | None) -> float | None:
    return None if at is None else (at - START).total_seconds() / 60
