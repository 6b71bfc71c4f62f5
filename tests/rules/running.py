"""Running the rule runner on stored readings, and what it wrote."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from iot_service import clock
from iot_service.db import Connection, Database
from iot_service.products.catalog import Catalog
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.runner import RuleRunner
from tests.rules.telemetry import SHIPPED, START, series, store

MINUTE = timedelta(minutes=1)


def freezers_with(*rules: RuleSpec) -> Catalog:
    """The shipped catalog, whose freezers have just these rules."""
    return Catalog(
        products={"freezer": SHIPPED.products["freezer"]},
        services=SHIPPED.services,
        rules={"freezer": {rule.id: rule for rule in rules}},
    )


def run(database: Database, minutes: float, catalog: Catalog = SHIPPED, runner: RuleRunner | None = None) -> None:
    """Let a runner (a new one: as after a restart) do all that can be done so many minutes after the start."""
    clock.freeze(START + minutes * MINUTE)
    runner = runner or RuleRunner(database, catalog)
    for _ in range(1000):
        if not runner.run_once():
            return
    raise AssertionError("the runner never comes to rest")


def send(connection: Connection, device: str, minutes: float, **metrics: str) -> None:
    """Store series of a device, one value a minute, from so many minutes after the start."""
    store(connection, device, series(MINUTE, START + minutes * MINUTE, **metrics))


def needs_of(connection: Connection) -> list[tuple[str, str, str]]:
    """All needs in order: device, rule and state."""
    rows = connection.execute("SELECT device_id, rule, state FROM need ORDER BY id").fetchall()
    return [(row["device_id"], row["rule"], row["state"]) for row in rows]


def events_of(connection: Connection, device: str | None = None) -> list[str]:
    """The types of all events in order, or of those of one device."""
    rows = connection.execute(
        "SELECT type FROM event WHERE device_id = %(device)s OR %(device)s::text IS NULL ORDER BY id",
        {"device": device},
    ).fetchall()
    return [row["type"] for row in rows]


def last_event(connection: Connection, type_: str) -> dict[str, Any]:
    """The newest event of a type."""
    row = connection.execute("SELECT * FROM event WHERE type = %s ORDER BY id DESC LIMIT 1", [type_]).fetchone()
    assert row is not None, f"there is no event {type_}"
    return row


def waiting_for(connection: Connection, consumer: str) -> list[str]:
    """The types of the events that wait for a consumer, in order."""
    rows = connection.execute(
        "SELECT type FROM event JOIN event_todo ON event_todo.event_id = event.id WHERE consumer = %s ORDER BY id",
        [consumer],
    ).fetchall()
    return [row["type"] for row in rows]


def at_minutes(at: datetime | Iterable[datetime]) -> Any:
    """An instant as minutes after the start, or several of them."""
    if isinstance(at, datetime):
        return (at - START) / MINUTE
    return [(each - START) / MINUTE for each in at]
