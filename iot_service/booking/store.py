"""What booking keeps in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from psycopg.errors import ExclusionViolation

from iot_service.booking.appointment import Appointment
from iot_service.booking.hours import Period, parse_opening_hours
from iot_service.booking.slots import Workshop
from iot_service.db import Connection, load_queries
from iot_service.errors import NotFoundError
from iot_service.model.geography import Place
from iot_service.model.work import AppointmentState, Slot

_QUERIES = load_queries("iot_service.booking")


def device(connection: Connection, device_id: str, *, lock: bool) -> tuple[str, str, Place | None]:
    """Return a device's product, customer id and place (None where it has no site); ``lock`` holds it for booking.

    Raises NotFoundError.
    """
    query = _QUERIES["lock_device"] if lock else _QUERIES["device"]
    row = query.first(connection, device_id=device_id)
    if row is None:
        raise NotFoundError(f"There is no device {device_id!r}.")
    place = None if row["latitude"] is None else Place(row["latitude"], row["longitude"])
    return str(row["product"]), str(row["customer_id"]), place


def workshops(
    connection: Connection, product: str, *, workshop_id: str | None, earliest: datetime, ignoring: int | None
) -> list[Workshop]:
    """Return the workshops that serve ``product`` with what they can book and what is held after ``earliest`` (UTC).

    ``workshop_id`` narrows it to one; what the appointment ``ignoring`` holds counts as free.
    """
    rows = _QUERIES["workshops"].all(connection, product=product, workshop_id=workshop_id)
    ids = [row["id"] for row in rows]
    bays: dict[str, list[int]] = {id_: [] for id_ in ids}
    technicians: dict[str, dict[int, frozenset[str]]] = {id_: {} for id_ in ids}
    for resource in _QUERIES["workshop_resources"].all(connection, workshop_ids=ids):
        if resource["kind"] == "bay":
            bays[resource["workshop_id"]].append(resource["id"])
        else:
            technicians[resource["workshop_id"]][resource["id"]] = frozenset(resource["skills"])
    busy: dict[int, list[Period]] = {}
    for held in _QUERIES["busy"].all(connection, workshop_ids=ids, earliest=earliest, ignoring=ignoring):
        busy.setdefault(held["resource_id"], []).append(Period(held["starts_at"], held["ends_at"]))
    return [
        Workshop(
            id=row["id"],
            place=Place(row["latitude"], row["longitude"]),
            hours=parse_opening_hours(row["opening_hours"], time_zone=row["time_zone"], closed_on=row["closed_on"]),
            bays=bays[row["id"]],
            technicians=technicians[row["id"]],
            busy=busy,
        )
        for row in rows
    ]


def device_taken(connection: Connection, device_id: str, *, earliest: datetime, ignoring: int | None) -> list[Period]:
    """Return when a device is booked somewhere after ``earliest`` (UTC), apart from the appointment ``ignoring``."""
    rows = _QUERIES["device_taken"].all(connection, device_id=device_id, earliest=earliest, ignoring=ignoring)
    return [Period(row["starts_at"], row["ends_at"]) for row in rows]


def appointment(connection: Connection, appointment_id: int, *, lock: bool = False) -> Appointment | None:
    """Return one appointment, or None; ``lock`` holds it until the end of the transaction."""
    if lock:
        _QUERIES["lock_appointment"].first(connection, id=appointment_id)
    row = _QUERIES["appointment"].first(connection, id=appointment_id)
    if row is None:
        return None
    return Appointment(**{**row, "services": tuple(row["services"]), "state": AppointmentState(row["state"])})


def booked_for_need(connection: Connection, need_id: int) -> int | None:
    """Return the id of the appointment that is booked for a need, or None."""
    row = _QUERIES["booked_for_need"].first(connection, need_id=need_id)
    return row["id"] if row else None


def insert(
    connection: Connection,
    slot: Slot,
    *,
    customer_id: str,
    device_id: str,
    need_id: int | None,
    services: Sequence[str],
    price: int,
    currency: str,
    now: datetime,
) -> int | None:
    """Write a new appointment that holds the slot's resources; return its id, or None where they were taken by then."""
    try:
        with connection.transaction():
            row = _QUERIES["insert_appointment"].one(
                connection,
                customer_id=customer_id,
                device_id=device_id,
                need_id=need_id,
                workshop_id=slot.workshop_id,
                services=list(services),
                starts_at=slot.starts_at,
                ends_at=slot.ends_at,
                price=price,
                currency=currency,
                now=now,
            )
            _hold(connection, slot, row["id"])
    except ExclusionViolation:
        return None
    return int(row["id"])


def move(connection: Connection, booked: Appointment, slot: Slot, *, now: datetime) -> bool:
    """Let an appointment hold another slot instead; return False, changing nothing, where it was taken by then."""
    try:
        with connection.transaction():
            _QUERIES["release"].run(connection, appointment_id=booked.id)
            _update(connection, booked, AppointmentState.BOOKED, slot.starts_at, slot.ends_at, now)
            _hold(connection, slot, booked.id)
    except ExclusionViolation:
        return False
    return True


def close(connection: Connection, booked: Appointment, state: AppointmentState, *, now: datetime) -> None:
    """Write the last state of an appointment; it holds nothing any more."""
    _update(connection, booked, state, booked.starts_at, booked.ends_at, now)
    _QUERIES["release"].run(connection, appointment_id=booked.id)


def _update(
    connection: Connection,
    booked: Appointment,
    state: AppointmentState,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
) -> None:
    _QUERIES["update_appointment"].run(
        connection, id=booked.id, state=state, starts_at=starts_at, ends_at=ends_at, now=now
    )


def _hold(connection: Connection, slot: Slot, appointment_id: int) -> None:
    ids = [slot.bay_id, slot.technician_id]
    _QUERIES["lock_resources"].all(connection, ids=ids)
    _QUERIES["hold"].run(
        connection, ids=ids, starts_at=slot.starts_at, ends_at=slot.ends_at, appointment_id=appointment_id
    )
