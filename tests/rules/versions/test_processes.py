"""Two workers of their own, that go on while rules change: nothing is restarted."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from iot_service import clock
from iot_service.db import Database
from iot_service.rules.versions.version import Mode
from tests.factories import make_customer, make_device, make_site
from tests.faults.processes import Processes
from tests.rules.telemetry import reading, store
from tests.rules.versions.changes import delete, put, switch

DEVICES = 40
NOTICED_WITHIN = 15.0  # seconds; it is half a second on a machine that has nothing else to do


def seconds_until(database: Database, query: str, holds: Callable[[list[dict[str, Any]]], bool]) -> float:
    """Wait until what ``query`` finds is as it shall be; return how long that took."""
    began = time.monotonic()
    while True:
        with database.transaction() as connection:
            rows = connection.execute(query.encode()).fetchall()
        if holds(rows):
            return time.monotonic() - began
        assert time.monotonic() - began < 30, rows
        time.sleep(0.02)


def needs(state: str) -> str:
    return f"SELECT device_id FROM need WHERE rule = 'warm' AND state = '{state}'"


def test_workers_notice_changes_of_rules_while_they_run(database: Database, database_url: str, tmp_path: Path) -> None:
    with database.transaction() as connection:
        make_customer(connection)
        make_site(connection)
        for number in range(DEVICES):
            make_device(connection, id=f"freezer-{number}")
            now = clock.now()
            store(connection, f"freezer-{number}", [reading("temperature", now, -61.0, received=now)])
    environment = {**os.environ, "IOT_DATABASE_URL": database_url, "IOT_DATA_DIR": str(tmp_path)}
    with Processes(environment, tmp_path / "workers.log") as workers:
        workers.start("worker-1")
        workers.start("worker-2")
        judged = "SELECT device_id FROM rule_state WHERE evaluated_until IS NOT NULL"
        seconds_until(database, judged, lambda rows: len(rows) == DEVICES)
        put(database, when="temperature > -62")
        all_of_them = lambda rows: len(rows) == DEVICES  # noqa: E731  # it reads as what it says
        opened = seconds_until(database, needs("open"), all_of_them)
        switch(database, Mode.SHADOW)
        withdrawn = seconds_until(database, needs("withdrawn"), all_of_them)
        shadow = "SELECT id FROM shadow_need WHERE state = 'open'"
        seconds_until(database, shadow, all_of_them)
        switch(database, Mode.LIVE)
        live = seconds_until(database, needs("open"), all_of_them)
        delete(database)
        gone = seconds_until(database, needs("withdrawn"), lambda rows: len(rows) == 2 * DEVICES)
        workers.stop()
    assert max(opened, withdrawn, live, gone) < NOTICED_WITHIN
    with database.transaction() as connection:
        events = connection.execute(
            "SELECT type, count(*) AS n FROM event WHERE data ->> 'rule' = 'warm' GROUP BY type ORDER BY type"
        ).fetchall()
    assert [row for row in events if row["type"] in {"need.opened", "need.withdrawn"}] == [
        {"type": "need.opened", "n": 2 * DEVICES}, {"type": "need.withdrawn", "n": 2 * DEVICES},
    ]  # fmt: skip
