"""Planned maintenance: what operators do about it. During it no need opens; what still holds after it does then."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from iot_service.db import Connection
from iot_service.db.events import record
from iot_service.errors import InvalidInputError, NotFoundError
from iot_service.model.event import Event, EventType
from iot_service.rules.maintenance_windows import MaintenanceWindow
from iot_service.rules.store import QUERIES

LONGEST = timedelta(days=366)
"""How long maintenance may last: what is muted for longer is forgotten, and should be taken out of service."""


def plan(
    connection: Connection,
    *,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    actor: str,
    now: datetime,
    device_id: str | None = None,
    site_id: str | None = None,
    customer_id: str | None = None,
) -> MaintenanceWindow:
    """Plan maintenance of one device, all at a site, or all of a customer (exactly one is given), and return it.

    Times are device time (UTC). It may have begun already: then it counts from where each device's rules are, and needs
    that are open stay open. Raises InvalidInputError, and NotFoundError for an unknown device, site or customer.
    """
    target = {"device_id": device_id, "site_id": site_id, "customer_id": customer_id}
    if sum(each is not None for each in target.values()) != 1:
        raise InvalidInputError("give one of device_id, site_id and customer_id: what is maintained")
    if not reason.strip():
        raise InvalidInputError("say why", field="reason")
    if ends_at <= starts_at:
        raise InvalidInputError("must come after starts_at", field="ends_at")
    if ends_at <= now:
        raise InvalidInputError("must lie ahead: nothing is muted after the fact", field="ends_at")
    if ends_at - starts_at > LONGEST:
        raise InvalidInputError(f"must be at most {LONGEST.days} days after starts_at", field="ends_at")
    _check_target(connection, target)
    row = QUERIES["plan_maintenance"].one(
        connection, **target, starts_at=starts_at, ends_at=ends_at, reason=reason.strip(), actor=actor, now=now
    )
    window = MaintenanceWindow(**row)
    QUERIES["wake_for_maintenance"].run(connection, **target, now=now)
    _record(connection, EventType.MAINTENANCE_PLANNED, window, reason, actor=actor, now=now)
    return window


def end(connection: Connection, window_id: int, *, reason: str, actor: str, now: datetime) -> MaintenanceWindow:
    """End maintenance at ``now`` (UTC), or call it off before it begins; return it. What is over stays as it is.

    Raises NotFoundError where there is none with this id.
    """
    row = QUERIES["lock_maintenance"].first(connection, id=window_id)
    if row is None:
        raise NotFoundError(f"there is no maintenance {window_id}")
    window = MaintenanceWindow(**row)
    if window.ends_at <= now or window.ended_at is not None:
        return window
    ended = MaintenanceWindow(**QUERIES["end_maintenance"].one(connection, id=window_id, now=now, actor=actor))
    target = {"device_id": window.device_id, "site_id": window.site_id, "customer_id": window.customer_id}
    QUERIES["wake_for_maintenance"].run(connection, **target, now=now)
    _record(connection, EventType.MAINTENANCE_ENDED, ended, reason, actor=actor, now=now)
    return ended


def list_windows(
    connection: Connection,
    *,
    device_id: str | None = None,
    site_id: str | None = None,
    customer_id: str | None = None,
    ahead_of: datetime | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[MaintenanceWindow]:
    """Return up to ``limit`` windows, newest first, of those ``before`` an id; each filter may be left out.

    Those of ``device_id`` are also those of its site and its customer; those of ``site_id`` and ``customer_id`` are
    only what was planned for them as such. ``ahead_of`` (UTC) leaves out what is over by then.
    """
    rows = QUERIES["maintenance"].all(
        connection,
        device_id=device_id,
        site_id=site_id,
        customer_id=customer_id,
        ahead_of=ahead_of,
        before=before,
        limit=limit,
    )
    return [MaintenanceWindow(**row) for row in rows]


def get(connection: Connection, window_id: int) -> MaintenanceWindow:
    """Return one window; raises NotFoundError where there is none with this id."""
    row = QUERIES["maintenance_by_id"].first(connection, id=window_id)
    if row is None:
        raise NotFoundError(f"there is no maintenance {window_id}")
    return MaintenanceWindow(**row)


def _check_target(connection: Connection, target: dict[str, str | None]) -> None:
    known = QUERIES["maintenance_target"].one(connection, **target)
    for name, found in known.items():
        if target[name] is not None and not found:
            raise NotFoundError(f"there is no {name.removesuffix('_id')} '{target[name]}'")


def _record(
    connection: Connection, kind: EventType, window: MaintenanceWindow, reason: str, *, actor: str, now: datetime
) -> None:
    data: dict[str, Any] = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(window).items()
        if name in {"device_id", "site_id", "customer_id", "starts_at", "ends_at"} and value is not None
    }
    record(
        connection,
        Event(
            type=kind,
            at=now,
            subject_id=str(window.id),
            device_id=window.device_id,
            customer_id=window.customer_id,
            actor=actor,
            reason=reason,
            data=data,
        ),
    )
