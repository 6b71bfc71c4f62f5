"""The page of an appointment: where and when, other times by one tap, and the way to cancel."""

from __future__ import annotations

from typing import Any

from iot_service.booking import appointments
from iot_service.links import LinkPurpose, Person
from iot_service.model.work import AppointmentState
from iot_service.pages.visit import Form, LinkedPage, Shown, Visit


def view(visit: Visit, appointment_id: int) -> dict[str, Any]:
    """Return one of her appointments in words. Raises NotFoundError where it is not hers."""
    found = appointments.get(visit.connection, appointment_id, customer_id=visit.person_id)
    is_open = found.state is AppointmentState.BOOKED and found.starts_at > visit.now
    others = (
        appointments.alternatives(
            visit.connection, appointment_id, catalog=visit.catalog, now=visit.now, notice=visit.notice
        )
        if is_open
        else []
    )
    return {
        "token": visit.token_for(LinkPurpose.APPOINTMENT, appointment_id),
        "services": visit.services(found.services),
        "state": found.state.value,
        "open": is_open,
        "when": visit.full(found.starts_at),
        "device": visit.device(found.device_id),
        "workshop": visit.workshop(found.workshop_id),
        "price": visit.words.money(found.price, found.currency),
        "alternatives": visit.slots(others),
    }


def _show(visit: Visit) -> Shown:
    values = {"title": visit.say("appointment.title"), "appointment": view(visit, visit.link.subject_id)}
    return Shown("appointment.html", values)


def _move(visit: Visit, form: Form) -> str:
    appointments.move(
        visit.connection,
        visit.link.subject_id,
        starts_at=form.time(),
        customer_id=visit.person_id,
        actor=visit.actor,
        catalog=visit.catalog,
        now=visit.now,
    )
    return "moved"


def _cancel(visit: Visit, _form: Form) -> str:
    appointments.cancel(
        visit.connection, visit.link.subject_id, customer_id=visit.person_id, actor=visit.actor, now=visit.now
    )
    return "cancelled"


PAGE = LinkedPage(Person.CUSTOMER, _show, {"move": _move, "cancel": _cancel})
"""What a link of purpose APPOINTMENT opens."""
