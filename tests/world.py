"""One customer with one of everything, another customer, and two technicians: for tests of who may see and do what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from iot_service.booking import appointments, availability
from iot_service.commands import sending
from iot_service.commerce import orders
from iot_service.db import Connection
from iot_service.dispatch import jobs
from iot_service.engage import proposals
from iot_service.model.need import Need, NeedKind, NeedState, Severity
from iot_service.products.catalog import Catalog
from tests.factories import (
    NOW,
    insert,
    make_customer,
    make_device,
    make_home,
    make_need,
    make_subscription,
    make_technician,
    make_workshop,
)


@dataclass(frozen=True)
class World:
    """The ids of what anna has; kari is asked for the job, per is not; bo is another customer."""

    need: int
    """A service need of car-1 that waits for her visit (strategy respond)."""
    appointment: int
    proposal: int
    order: int
    message: int
    job: int
    dead_letter: int
    event: int
    command: int
    """A command to freezer-1 that waits to be sent."""


def _need(row: dict[str, Any]) -> Need:
    return Need(
        row["id"], row["device_id"], row["customer_id"], row["product"], row["rule"], NeedKind(row["kind"]),
        Severity(row["severity"]), NeedState.OPEN, row["opened_at"], None, row["reason"], row["evidence"],
    )  # fmt: skip


def make_world(connection: Connection, catalog: Catalog) -> World:
    """Make it, at NOW; anna's locale is nb, bo's en."""
    make_home(connection)
    make_customer(connection, id="bo", name="Bo Ek", email="bo@example.com", phone="+4790000002", locale="en")
    make_device(connection, id="car-1", product="car", name="Annas bil", parameters={})
    make_device(connection, id="coffee-1", product="coffee_machine", name="Kaffemaskin", parameters={})
    make_workshop(connection, bays=("Bay 1", "Bay 2"))
    make_technician(connection, id="lise", name="Lise", workshop_id="oslo", skills=["car"])
    make_technician(connection, id="kari", name="Kari Nordmann")
    make_technician(connection, id="per", name="Per", latitude=60.5, phone="+4790000102")
    services = catalog.services

    car = {"device_id": "car-1", "product": "car", "kind": "service", "severity": "normal"}
    due = make_need(connection, **car, rule="service_due", strategy="respond")
    tyres = make_need(connection, **car, rule="winter_tyres", strategy="automate")
    weak = make_need(connection, **{**car, "kind": "fault"}, rule="battery_weak", strategy="coach")
    hot = make_need(connection, reason="temperature -55.0 °C is above -60.0 °C")
    low = make_need(
        connection, device_id="coffee-1", product="coffee_machine", rule="capsules_low", kind="refill",
        severity="normal", strategy="automate",
    )  # fmt: skip

    by: dict[str, Any] = {"reason": "a test", "actor": "service", "now": NOW}
    booked = appointments.book(
        connection, device_id="car-1", services=[services["tyre_change_winter"]], earliest=NOW + timedelta(days=2),
        need_id=tyres["id"], **by,
    )  # fmt: skip
    slot = availability.find(
        connection, device_id="car-1", services=[services["battery_test"]], earliest=NOW + timedelta(days=3)
    )[0]
    week = NOW + timedelta(days=7)
    proposal = proposals.create(connection, _need(weak), slot, service=services["battery_test"], expires_at=week, **by)
    job = jobs.plan(
        connection, _need(hot), site_id="anna-home", service=services["freezer_repair"],
        answer_within=timedelta(minutes=3), **by,
    )  # fmt: skip
    make_subscription(connection)
    agreed = orders.subscription(connection, "coffee-1", "capsules")
    assert agreed is not None
    order = orders.create(connection, agreed, packs=3, need_id=low["id"], **by)
    assert order is not None

    event = connection.execute("SELECT max(id) AS id FROM event").fetchone()
    assert event is not None
    message = insert(
        connection, "notification", event_id=event["id"], recipient_kind="customer", recipient_id="anna", template="t",
        locale="nb", subject="Hemmelig emne", short_text="kort", body="Hemmelig brødtekst", created_at=NOW,
    )  # fmt: skip
    letter = insert(
        connection, "dead_letter", received_at=NOW, topic="iot/v1/freezer-1/telemetry", device_id="freezer-1",
        payload=b"{", reason="not_json", detail="it ends too early",
    )  # fmt: skip
    insert(connection, "reading", device_id="freezer-1", metric="temperature", ts=NOW, value=-55.0, received_at=NOW)
    command = sending.send(connection, "freezer-1", "defrost", {}, catalog=catalog, actor="service", now=NOW)
    return World(
        due["id"], booked.id, proposal, order, message["id"], job, letter["id"], event["id"], command
    )  # fmt: skip
