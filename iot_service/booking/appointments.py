"""Appointments: book, move, cancel, complete. Two people can never hold the same bay or technician at once.

The database refuses a double booking (an exclusion constraint); when it does, we look again, a few times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from iot_service.booking import availability, store
from iot_service.booking.appointment import STEPS, Appointment, step
from iot_service.db import Connection
from iot_service.db.events import record
from iot_service.errors import ConflictError, NotFoundError
from iot_service.model.event import Event, EventType
from iot_service.model.work import AppointmentState, Slot
from iot_service.products.catalog import Catalog
from iot_service.products.model import Service

NOTICE = timedelta(days=2)
"""The default of ``IOT_BOOKING_NOTICE``, for callers that do not know the setting."""

FURTHEST = timedelta(days=366)
"""How far ahead a visit can be booked or moved to."""

_TAKEN = "That time has been taken meanwhile; please choose another one."
_FULL = "No workshop has a free time for this; please call us, so that we find one together."
_LOOKS = 5  # how often a time that was taken meanwhile makes us look again


def get(connection: Connection, appointment_id: int, *, customer_id: str | None) -> Appointment:
    """Return one appointment; ``customer_id`` is who asks, None for an operator.

    Raises NotFoundError where there is none, or it is another customer's.
    """
    return _own(store.appointment(connection, appointment_id), customer_id)


def book(
    connection: Connection,
    *,
    device_id: str,
    services: Sequence[Service],
    earliest: datetime,
    reason: str,
    actor: str,
    now: datetime,
    latest: datetime | None = None,
    workshop_id: str | None = None,
    need_id: int | None = None,
    price: int | None = None,
) -> Appointment:
    """Book the first free time from ``earliest`` to ``latest`` (UTC) for all services together, and return it.

    ``latest`` equal to ``earliest`` asks for that very time. ``price`` (minor units) stands in for the sum of the
    services' prices. Raises ConflictError, with a sentence for people, where no time is free or the need has an
    appointment already; NotFoundError for an unknown device.
    """
    _, customer_id, _ = store.device(connection, device_id, lock=True)
    if need_id is not None and store.booked_for_need(connection, need_id) is not None:
        raise ConflictError("An appointment has been booked for this already.")
    where: Mapping[str, Any] = {
        "device_id": device_id,
        "earliest": earliest,
        "latest": latest,
        "workshop_id": workshop_id,
    }
    for _ in range(_LOOKS):
        slots = availability.find(connection, services=services, **where)
        if not slots:
            break
        booked = store.insert(
            connection,
            slots[0],
            customer_id=customer_id,
            device_id=device_id,
            need_id=need_id,
            services=[service.id for service in services],
            price=sum(service.price for service in services) if price is None else price,
            currency=services[0].currency,
            now=now,
        )
        if booked is not None:
            fresh = get(connection, booked, customer_id=None)
            _record(connection, STEPS[None, fresh.state], fresh, old=None, reason=reason, actor=actor, now=now)
            return fresh
    raise ConflictError(_TAKEN if latest == earliest else _FULL)


def alternatives(
    connection: Connection,
    appointment_id: int,
    *,
    catalog: Catalog,
    now: datetime,
    count: int = 3,
    notice: timedelta = NOTICE,
) -> list[Slot]:
    """Return up to ``count`` other days that the appointment could be moved to, at its workshop, from ``now`` + notice.

    Empty for one that can no longer be moved. Raises NotFoundError.
    """
    booked = get(connection, appointment_id, customer_id=None)
    if booked.state is not AppointmentState.BOOKED or booked.starts_at <= now:
        return []
    slots = availability.find(
        connection,
        device_id=booked.device_id,
        services=_services(booked, catalog),
        earliest=now + notice,
        workshop_id=booked.workshop_id,
        count=count + 1,
        spread=True,
        ignoring=booked.id,
    )
    return [slot for slot in slots if slot.starts_at != booked.starts_at][:count]


def move(
    connection: Connection,
    appointment_id: int,
    *,
    starts_at: datetime,
    customer_id: str | None,
    actor: str,
    catalog: Catalog,
    now: datetime,
) -> Appointment:
    """Move an appointment to ``starts_at`` (UTC, one of the workshop's free times) and return it.

    Moving it to where it is changes nothing, so that a link may be tapped twice. Raises NotFoundError, and
    ConflictError with a sentence for people where it cannot be moved or that time is not free.
    """
    booked = _lock(connection, appointment_id, customer_id)
    event_type = step(booked, AppointmentState.BOOKED, now=now)
    if starts_at == booked.starts_at:
        return booked
    check_time(starts_at, now=now)
    for _ in range(_LOOKS):
        slots = availability.find(
            connection,
            device_id=booked.device_id,
            services=_services(booked, catalog),
            earliest=starts_at,
            latest=starts_at,
            workshop_id=booked.workshop_id,
            ignoring=booked.id,
        )
        if not slots:
            break
        if store.move(connection, booked, slots[0], now=now):
            moved = get(connection, booked.id, customer_id=None)
            reason = f"The visit was moved from {_when(booked)} to {_when(moved)}."
            _record(connection, event_type, moved, old=booked, reason=reason, actor=actor, now=now)
            return moved
    raise ConflictError("That time is not free; please choose another one.")


def check_time(starts_at: datetime, *, now: datetime) -> None:
    """Raise ConflictError, with a sentence for people, where ``starts_at`` has passed or is too far ahead (UTC)."""
    if starts_at <= now:
        raise ConflictError("That time has passed; please choose a later one.")
    if starts_at > now + FURTHEST:
        raise ConflictError("That time is more than a year ahead; please choose an earlier one.")


def cancel(
    connection: Connection,
    appointment_id: int,
    *,
    customer_id: str | None,
    actor: str,
    now: datetime,
    reason: str = "The visit was cancelled.",
) -> Appointment:
    """Cancel an appointment, free what it held, and return it; one that is cancelled stays so.

    Raises NotFoundError, and ConflictError with a sentence for people where it is over or has begun.
    """
    booked = _lock(connection, appointment_id, customer_id)
    if booked.state is AppointmentState.CANCELLED:
        return booked
    return _close(connection, booked, AppointmentState.CANCELLED, reason=reason, actor=actor, now=now)


def complete(connection: Connection, appointment_id: int, *, actor: str, now: datetime) -> Appointment:
    """Record that a visit was carried out, free what it held, and return it.

    Raises NotFoundError, and ConflictError where it was cancelled or completed before.
    """
    booked = _lock(connection, appointment_id, None)
    reason = "The workshop carried the visit out."
    return _close(connection, booked, AppointmentState.COMPLETED, reason=reason, actor=actor, now=now)


def _close(
    connection: Connection, booked: Appointment, state: AppointmentState, *, reason: str, actor: str, now: datetime
) -> Appointment:
    event_type = step(booked, state, now=now)
    store.close(connection, booked, state, now=now)
    closed = get(connection, booked.id, customer_id=None)
    _record(connection, event_type, closed, old=booked, reason=reason, actor=actor, now=now)
    return closed


def _lock(connection: Connection, appointment_id: int, customer_id: str | None) -> Appointment:
    """Hold the device first, as book() does, then the appointment: everybody locks in one order."""
    seen = get(connection, appointment_id, customer_id=customer_id)
    store.device(connection, seen.device_id, lock=True)
    return _own(store.appointment(connection, appointment_id, lock=True), customer_id)


def _own(appointment: Appointment | None, customer_id: str | None) -> Appointment:
    if appointment is None or customer_id not in {None, appointment.customer_id}:
        raise NotFoundError("There is no such appointment.")
    return appointment


def _services(appointment: Appointment, catalog: Catalog) -> list[Service]:
    try:
        return [catalog.services[service] for service in appointment.services]
    except KeyError as error:
        raise ConflictError(f"The service {error} is no longer offered; please call the workshop.") from None


def _when(appointment: Appointment) -> str:
    return f"{appointment.starts_at:%Y-%m-%d %H:%M} UTC"


def _record(
    connection: Connection,
    event_type: EventType,
    appointment: Appointment,
    *,
    old: Appointment | None,
    reason: str,
    actor: str,
    now: datetime,
) -> None:
    data = {
        "services": list(appointment.services),
        "workshop_id": appointment.workshop_id,
        "starts_at": appointment.starts_at.isoformat(),
        "ends_at": appointment.ends_at.isoformat(),
        "price": appointment.price,
        "currency": appointment.currency,
        "sequence": appointment.sequence,
    }
    if old is not None and old.starts_at != appointment.starts_at:
        data["moved_from"] = old.starts_at.isoformat()
    record(
        connection,
        Event(
            type=event_type,
            at=now,
            subject_id=str(appointment.id),
            device_id=appointment.device_id,
            customer_id=appointment.customer_id,
            need_id=appointment.need_id,
            old=old.state if old else None,
            new=appointment.state,
            actor=actor,
            reason=reason,
            data=data,
        ),
    )
