"""A car with its workshop, a freezer, a coffee machine, and the runner that responds to their needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from iot_service import clock
from iot_service.config import Settings
from iot_service.db import Connection, Database
from iot_service.db.events import record
from iot_service.engage.runner import EngageRunner
from iot_service.model.event import Event, EventType
from iot_service.products.catalog import Catalog, load_catalog
from tests.factories import (
    NOW,
    insert,
    make_customer,
    make_device,
    make_need,
    make_site,
    make_subscription,
    make_technician,
    make_workshop,
)

KINDS = {
    "service_due": ("car-1", "car", "service", "normal"),
    "winter_tyres": ("car-1", "car", "service", "normal"),
    "battery_weak": ("car-1", "car", "fault", "high"),
    "temperature_high": ("freezer-1", "freezer", "fault", "critical"),
    "power_lost": ("freezer-1", "freezer", "fault", "high"),
    "capsules_low": ("coffee-1", "coffee_machine", "refill", "normal"),
}


@pytest.fixture
def catalog() -> Catalog:
    """What is shipped."""
    return load_catalog()


@pytest.fixture
def runner(database: Database, catalog: Catalog) -> EngageRunner:
    """The runner, with a clock that stands at NOW, and a customer who has everything."""
    clock.freeze(NOW)
    with database.transaction() as connection:
        make_customer(connection)
        make_site(connection)
        make_device(connection, id="car-1", product="car", parameters={})
        make_device(connection)
        make_device(connection, id="coffee-1", product="coffee_machine", parameters={})
        make_workshop(connection)
        make_technician(connection, workshop_id="oslo", id="per", name="Per", skills=["car"])
        make_technician(connection)
    return EngageRunner(database, catalog, Settings())


def open_need(connection: Connection, rule: str, **over: Any) -> int:
    """Open a need as the rule runner does."""
    device_id, product, kind, severity = KINDS[rule]
    row = make_need(
        connection,
        device_id=device_id,
        product=product,
        rule=rule,
        kind=kind,
        created_at=clock.now(),
        **{"severity": severity, **over},
    )
    _tell(connection, row["id"], EventType.NEED_OPENED)
    return int(row["id"])


def worsen_need(connection: Connection, need_id: int, severity: str) -> None:
    """Let a need become worse, as the rule runner does."""
    before = connection.execute("SELECT severity FROM need WHERE id = %s", [need_id]).fetchone()
    connection.execute("UPDATE need SET severity = %s WHERE id = %s", [severity, need_id])
    assert before is not None
    _tell(connection, need_id, EventType.NEED_ESCALATED, old=before["severity"], new=severity)


def end_need(connection: Connection, need_id: int, state: str) -> None:
    """Let a need be resolved or withdrawn, as the rule runner or an operator does."""
    connection.execute("UPDATE need SET state = %s, closed_at = %s WHERE id = %s", [state, clock.now(), need_id])
    _tell(connection, need_id, EventType(f"need.{state}"))


def _tell(connection: Connection, need_id: int, event_type: EventType, **over: Any) -> None:
    event = Event(
        event_type, clock.now(), str(need_id), "the readings say so", customer_id="anna", need_id=need_id, **over
    )
    record(connection, event)


def agree(
    connection: Connection, kind: str, strategy: str, *, consent: bool = True, mandate: bool = False, **over: Any
) -> None:
    """Let the customer choose a strategy, with or without what it takes."""
    insert(connection, "strategy_choice", customer_id="anna", kind=kind, strategy=strategy, chosen_at=NOW)
    if consent:
        insert(connection, "consent", customer_id="anna", purpose="service_data", granted_at=NOW, wording="Yes",
               source="page")  # fmt: skip
    if mandate:
        values = {"max_price": None, "cancel_window": "24 hours", **over}
        insert(connection, "mandate", customer_id="anna", kind=kind, granted_at=NOW, **values)


def subscribe(connection: Connection, *, stock: float = 40, **over: Any) -> None:
    """A subscription for the coffee machine, which holds ``stock`` capsules."""
    make_subscription(connection, **over)
    insert(connection, "reading", device_id="coffee-1", metric="CapsuleCounter", ts=NOW, value=0, received_at=NOW)
    insert(connection, "supply", device_id="coffee-1", consumable="capsules", at=NOW, supplied=stock, reason="initial")


def engaged(connection: Connection) -> list[tuple[str, str]]:
    """What was decided: strategy and action of each decision, in order."""
    rows = connection.execute("SELECT data FROM event WHERE type = 'need.engaged' ORDER BY id").fetchall()
    return [(row["data"]["strategy"], row["data"]["action"]) for row in rows]


def states(connection: Connection, table: str) -> list[str]:
    """The states of all rows of a table that has states, in order."""
    select: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "appointment": lambda: connection.execute("SELECT state FROM appointment ORDER BY id").fetchall(),
        "proposal": lambda: connection.execute("SELECT state FROM proposal ORDER BY id").fetchall(),
        "job": lambda: connection.execute("SELECT state FROM job ORDER BY id").fetchall(),
        "order": lambda: connection.execute("SELECT state FROM supply_order ORDER BY id").fetchall(),
    }
    return [row["state"] for row in select[table]()]
