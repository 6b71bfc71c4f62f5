"""What the registry knows of devices, and what operators change there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from iot_service.db import Connection
from iot_service.db.events import record
from iot_service.errors import ConflictError, InvalidInputError, NotFoundError
from iot_service.model.device import ServiceState
from iot_service.model.event import Event, EventType
from iot_service.registry.store import QUERIES, wake_mirrors


@dataclass(frozen=True, slots=True)
class Registration:
    """One device as the registry has it.

    ``secret_issued_at`` is None where it has no secret, ``heard_at`` (when its newest reading was measured) where it
    was never heard of.
    """

    id: str
    product: str
    customer_id: str
    site_id: str | None
    name: str
    service_state: ServiceState
    created_at: datetime
    disabled_at: datetime | None
    secret_issued_at: datetime | None
    heard_at: datetime | None
    aliases: tuple[str, ...]


def registration(connection: Connection, device_id: str) -> Registration:
    """Return one device. Raises NotFoundError."""
    row = QUERIES["registration"].first(connection, device_id=device_id)
    if row is None:
        raise NotFoundError(f"there is no device {device_id!r}")
    return _registration(row)


def registrations(
    connection: Connection,
    *,
    customer_id: str | None = None,
    product: str | None = None,
    state: ServiceState | None = None,
    disabled: bool | None = None,
    after: str | None = None,
    limit: int,
) -> list[Registration]:
    """Return up to ``limit`` devices by id, those after ``after``; a filter that is None lets all through."""
    rows = QUERIES["registrations"].all(
        connection, customer_id=customer_id, product=product, state=state, disabled=disabled, after=after, limit=limit
    )
    return [_registration(row) for row in rows]


def disable(connection: Connection, device_id: str, *, reason: str, actor: str, now: datetime) -> None:
    """Refuse a device at every door from now on; a connection that it has is ended by the broker's next reload.

    Raises NotFoundError, ConflictError where it is disabled already, InvalidInputError for an empty reason.
    """
    _switch(connection, device_id, at=now, reason=reason, actor=actor, now=now)


def enable(connection: Connection, device_id: str, *, reason: str, actor: str, now: datetime) -> None:
    """Let a disabled device in again, by the secret it has. Raises as :func:`disable` does."""
    _switch(connection, device_id, at=None, reason=reason, actor=actor, now=now)


def move(
    connection: Connection,
    device_id: str,
    *,
    customer_id: str,
    site_id: str | None,
    reason: str,
    actor: str,
    now: datetime,
) -> None:
    """Give a device to another customer, or to another site of its own.

    A device changes its customer only when nothing is under way between the two: raises ConflictError that says what
    is. Raises NotFoundError for an unknown device, InvalidInputError for an unknown customer or site of it.
    """
    _check_reason(reason)
    before = held(connection, device_id)
    if not QUERIES["known_customers"].all(connection, ids=[customer_id]):
        raise InvalidInputError(f"there is no customer {customer_id!r}; create it first", field="customer_id")
    if site_id is not None:
        sites = QUERIES["known_sites"].all(connection, ids=[site_id])
        if not sites or sites[0]["customer_id"] != customer_id:
            raise InvalidInputError(f"the customer has no site {site_id!r}; create it first", field="site_id")
    if (before["customer_id"], before["site_id"]) == (customer_id, site_id):
        raise ConflictError(f"device {device_id} is there already")
    if before["customer_id"] != customer_id:
        unfinished = QUERIES["unfinished"].all(connection, device_id=device_id)
        if unfinished:
            what = ", ".join(f"{row['number']} {row['kind']}" for row in unfinished)
            raise ConflictError(f"with {before['customer_id']} there is still: {what}; end that first")
    QUERIES["move_device"].run(connection, device_id=device_id, customer_id=customer_id, site_id=site_id)
    QUERIES["wake_rules"].run(connection, device_id=device_id, now=now)
    data = {"from_site": before["site_id"], "to_site": site_id}
    log(
        connection, EventType.DEVICE_MOVED, device_id, customer_id=customer_id, old=before["customer_id"],
        new=customer_id, reason=reason, actor=actor, now=now, data=data,
    )  # fmt: skip
    wake_mirrors(connection)


def held(connection: Connection, device_id: str) -> dict[str, Any]:
    """Return a device's row, held against changes until the transaction ends. Raises NotFoundError."""
    QUERIES["lock_rules"].first(connection, device_id=device_id)
    row = QUERIES["lock_device"].first(connection, device_id=device_id)
    if row is None:
        raise NotFoundError(f"there is no device {device_id!r}")
    return row


def log(
    connection: Connection,
    kind: EventType,
    device_id: str,
    *,
    customer_id: str,
    reason: str,
    actor: str,
    now: datetime,
    old: str | None = None,
    new: str | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Write down what was done to a device in the registry."""
    event = Event(
        type=kind, at=now, subject_id=device_id, device_id=device_id, customer_id=customer_id, old=old, new=new,
        reason=reason, actor=actor, data=data or {},
    )  # fmt: skip
    record(connection, event)


def _switch(
    connection: Connection, device_id: str, *, at: datetime | None, reason: str, actor: str, now: datetime
) -> None:
    _check_reason(reason)
    before = held(connection, device_id)
    old, new = ("disabled" if gone else "enabled" for gone in (before["disabled_at"], at))
    if old == new:
        raise ConflictError(f"device {device_id} is {new} already")
    QUERIES["set_disabled"].run(connection, device_id=device_id, disabled_at=at)
    QUERIES["touch_credential"].run(connection, device_id=device_id, now=now)
    kind = EventType.DEVICE_ENABLED if at is None else EventType.DEVICE_DISABLED
    log(
        connection, kind, device_id, customer_id=before["customer_id"], old=old, new=new, reason=reason, actor=actor,
        now=now,
    )  # fmt: skip
    wake_mirrors(connection)


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidInputError("say why", field="reason")


def _registration(row: dict[str, Any]) -> Registration:
    issued = row["secret_issued_at"] if row.pop("has_secret") else None
    values = {**row, "secret_issued_at": issued, "aliases": tuple(row["aliases"])}
    return Registration(**{**values, "service_state": ServiceState(row["service_state"])})
