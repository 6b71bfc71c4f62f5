"""Appointments: agreed times in a workshop."""

from __future__ import annotations

from datetime import datetime

from pydantic import AwareDatetime, BaseModel

from iot_service.api.auth import Current
from iot_service.api.dependencies import Now, TheCatalog, TheSettings, Transaction
from iot_service.api.ids import BigId
from iot_service.api.paging import AtPage, Page
from iot_service.api.resources.routing import resource
from iot_service.api.store import QUERIES
from iot_service.booking import appointments
from iot_service.booking.appointment import Appointment
from iot_service.customers.inputs import Input
from iot_service.model.work import AppointmentState, Slot

router = resource("appointments")


class AppointmentOutput(BaseModel):
    """One appointment; ``price`` is for all services, in minor units of ``currency``."""

    id: int
    customer_id: str
    device_id: str
    need_id: int | None
    workshop_id: str
    services: list[str]
    starts_at: datetime
    ends_at: datetime
    state: AppointmentState
    price: int
    currency: str


class MoveInput(Input):
    """When an appointment shall begin: one of the workshop's free times."""

    starts_at: AwareDatetime


@router.get("")
def list_appointments(
    connection: Transaction,
    paging: AtPage,
    customer_id: str | None = None,
    device_id: str | None = None,
    state: AppointmentState | None = None,
) -> Page[AppointmentOutput]:
    """List appointments, newest first."""
    filters = {"customer_id": customer_id, "device_id": device_id, "state": state}
    rows = QUERIES["appointments"].all(connection, **filters, before=paging.before, limit=paging.fetch)
    return paging.page([AppointmentOutput(**row) for row in rows], lambda appointment: appointment.id)


@router.get("/{appointment_id}")
def get_appointment(connection: Transaction, appointment_id: BigId) -> Appointment:
    """Return one appointment."""
    return appointments.get(connection, appointment_id, customer_id=None)


@router.get("/{appointment_id}/alternatives")
def list_alternatives(
    connection: Transaction, catalog: TheCatalog, settings: TheSettings, now: Now, appointment_id: BigId
) -> list[Slot]:
    """Return other days that the appointment could be moved to."""
    return appointments.alternatives(
        connection, appointment_id, catalog=catalog, now=now, notice=settings.booking_notice
    )


@router.post("/{appointment_id}/move")
def move_appointment(
    connection: Transaction, catalog: TheCatalog, principal: Current, now: Now, appointment_id: BigId, body: MoveInput
) -> Appointment:
    """Move an appointment to another free time."""
    return appointments.move(
        connection,
        appointment_id,
        starts_at=body.starts_at,
        customer_id=None,
        actor=principal.actor,
        catalog=catalog,
        now=now,
    )


@router.post("/{appointment_id}/cancel")
def cancel_appointment(connection: Transaction, principal: Current, now: Now, appointment_id: BigId) -> Appointment:
    """Cancel an appointment and free what it held."""
    return appointments.cancel(connection, appointment_id, customer_id=None, actor=principal.actor, now=now)


@router.post("/{appointment_id}/complete")
def complete_appointment(connection: Transaction, principal: Current, now: Now, appointment_id: BigId) -> Appointment:
    """Record that the visit was carried out."""
    return appointments.complete(connection, appointment_id, actor=principal.actor, now=now)
