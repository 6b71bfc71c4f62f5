"""Everything that people are told about, as rows and an event: one scene per template."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from iot_service.db import Connection
from iot_service.db.events import record
from iot_service.model.event import Event, EventType
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

Scene = Callable[[Connection], int]
MONDAY_NINE = datetime.fromisoformat("2026-11-23T08:00:00+00:00")
"""Nine o'clock in Oslo."""


def make_world(connection: Connection, *, locale: str = "nb") -> None:
    """A customer with a freezer, a car and a coffee machine, a workshop, a technician and an operator."""
    site = "Legekontoret" if locale == "nb" else "Surgery"
    make_customer(connection, locale=locale)
    make_site(connection, name=site)
    make_device(connection, name="Vaksinefryser" if locale == "nb" else "Vaccine freezer")
    make_device(connection, id="car-1", product="car", site_id=None, name="Volvo EX40", parameters={})
    machine = "Kaffemaskinen" if locale == "nb" else "Coffee machine"
    make_device(connection, id="coffee-1", product="coffee_machine", name=machine, parameters={})
    make_workshop(connection)
    make_technician(connection, locale=locale)
    make_subscription(connection)
    insert(connection, "operator", email="ola@example.com", name="Ola", password_hash="x", created_at=NOW)


def happen(connection: Connection, type_: EventType, row: Mapping[str, Any], **over: Any) -> int:
    """Record an event about ``row`` and return its id."""
    values: dict[str, Any] = {
        "type": type_,
        "at": NOW,
        "subject_id": str(row["id"]),
        "reason": "a test",
        "device_id": row["device_id"],
        "customer_id": row["customer_id"],
        "need_id": row["id"] if type_.startswith("need.") else row["need_id"],
    }
    return record(connection, Event(**{**values, **over}))


def car_need(connection: Connection, **over: Any) -> dict[str, Any]:
    values = {"device_id": "car-1", "product": "car", "rule": "service_due", "kind": "service", "severity": "normal"}
    return make_need(connection, **{**values, **over})


def make_appointment(connection: Connection, **over: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "customer_id": "anna", "device_id": "car-1", "need_id": None, "workshop_id": "oslo",
        "services": ["annual_service", "tyre_change_winter"], "starts_at": MONDAY_NINE,
        "ends_at": MONDAY_NINE + timedelta(hours=3), "state": "booked", "price": 438000, "currency": "NOK",
        "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    return insert(connection, "appointment", **{**values, **over})


def make_proposal(connection: Connection, **over: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "customer_id": "anna", "device_id": "car-1", "workshop_id": "oslo", "services": ["annual_service"],
        "starts_at": MONDAY_NINE, "ends_at": MONDAY_NINE + timedelta(hours=2), "price": 349000, "currency": "NOK",
        "state": "open", "expires_at": NOW + timedelta(days=1), "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    need_id = over.pop("need_id", None) or car_need(connection)["id"]
    return insert(connection, "proposal", need_id=need_id, **{**values, **over})


def make_job(connection: Connection, **over: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "device_id": "freezer-1", "customer_id": "anna", "site_id": "anna-home", "service": "freezer_repair",
        "skill": "refrigeration", "severity": "critical", "state": "dispatched", "technician_id": "kari",
        "answer_by": NOW + timedelta(minutes=3), "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    need_id = over.pop("need_id", None) or make_need(connection)["id"]
    return insert(connection, "job", need_id=need_id, **{**values, **over})


def make_order(connection: Connection, **over: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "subscription_id": "capsules-1", "customer_id": "anna", "device_id": "coffee-1", "need_id": None,
        "consumable": "capsules", "packs": 3, "quantity": 120, "price": 59700, "currency": "NOK", "state": "pending",
        "cancel_until": NOW + timedelta(hours=24), "deliver_by": NOW + timedelta(days=4), "created_at": NOW,
        "updated_at": NOW,
    }  # fmt: skip
    return insert(connection, "supply_order", **{**values, **over})


def asked(connection: Connection, job: Mapping[str, Any], **over: Any) -> int:
    """The event that a technician, 22 minutes away, was asked."""
    data = {"technician_id": "kari", "travel_minutes": 22}
    return happen(connection, EventType.JOB_DISPATCHED, job, **{"data": data, "old": "planned", **over})


def _accepted(connection: Connection) -> int:
    job = make_job(connection, state="accepted", answer_by=None)
    asked(connection, job, at=NOW - timedelta(minutes=1))
    return happen(connection, EventType.JOB_ACCEPTED, job, data={"technician_id": "kari"})


def _job(type_: EventType, **over: Any) -> Scene:
    def scene(connection: Connection) -> int:
        return happen(connection, type_, make_job(connection, **over), old="accepted")

    return scene


SCENES: Mapping[str, tuple[EventType, Scene]] = {
    "fault_urgent": (EventType.NEED_OPENED, lambda c: happen(c, EventType.NEED_OPENED, make_need(c))),
    "fault_minor": (
        EventType.NEED_OPENED,
        lambda c: happen(c, EventType.NEED_OPENED, car_need(c, rule="tyre_pressure_low", kind="fault")),
    ),
    "need_worse": (EventType.NEED_ESCALATED, lambda c: happen(c, EventType.NEED_ESCALATED, make_need(c), old="high")),
    "need_waiting": (
        EventType.NEED_ENGAGED,
        lambda c: happen(c, EventType.NEED_ENGAGED, car_need(c), data={"action": "wait"}),
    ),
    "fault_over": (
        EventType.NEED_RESOLVED,
        lambda c: happen(
            c, EventType.NEED_RESOLVED, make_need(c, state="resolved", closed_at=NOW + timedelta(hours=1))
        ),
    ),
    "fault_withdrawn": (
        EventType.NEED_WITHDRAWN,
        lambda c: happen(c, EventType.NEED_WITHDRAWN, make_need(c, state="withdrawn", closed_at=NOW)),
    ),
    "proposal": (EventType.PROPOSAL_SENT, lambda c: happen(c, EventType.PROPOSAL_SENT, make_proposal(c))),
    "appointment_booked": (
        EventType.APPOINTMENT_BOOKED,
        lambda c: happen(c, EventType.APPOINTMENT_BOOKED, make_appointment(c)),
    ),
    "appointment_moved": (
        EventType.APPOINTMENT_MOVED,
        lambda c: happen(c, EventType.APPOINTMENT_MOVED, make_appointment(c, sequence=1)),
    ),
    "appointment_cancelled": (
        EventType.APPOINTMENT_CANCELLED,
        lambda c: happen(c, EventType.APPOINTMENT_CANCELLED, make_appointment(c, state="cancelled", sequence=2)),
    ),
    "job_dispatched": (EventType.JOB_DISPATCHED, lambda c: asked(c, make_job(c))),
    "job_cancelled": (EventType.JOB_CANCELLED, _job(EventType.JOB_CANCELLED, state="cancelled")),
    "technician_accepted": (EventType.JOB_ACCEPTED, _accepted),
    "technician_en_route": (EventType.JOB_EN_ROUTE, _job(EventType.JOB_EN_ROUTE, state="en_route")),
    "technician_cancelled": (EventType.JOB_CANCELLED, _job(EventType.JOB_CANCELLED, state="cancelled")),
    "job_completed": (EventType.JOB_COMPLETED, _job(EventType.JOB_COMPLETED, state="completed")),
    "nobody_available": (
        EventType.JOB_NOBODY_AVAILABLE,
        _job(EventType.JOB_NOBODY_AVAILABLE, state="planned", technician_id=None, answer_by=None),
    ),
    "order_pending": (EventType.ORDER_PENDING, lambda c: happen(c, EventType.ORDER_PENDING, make_order(c))),
    "order_shipped": (
        EventType.ORDER_SHIPPED,
        lambda c: happen(c, EventType.ORDER_SHIPPED, make_order(c, state="shipped")),
    ),
    "order_cancelled": (
        EventType.ORDER_CANCELLED,
        lambda c: happen(c, EventType.ORDER_CANCELLED, make_order(c, state="cancelled")),
    ),
}
"""Template to the event that calls for it, and how the event comes about in :func:`make_world`."""
