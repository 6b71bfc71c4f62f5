"""Other names of a device: what it is called in topics and payloads that are not ours."""

from __future__ import annotations

from datetime import datetime

from iot_service.db import Connection
from iot_service.errors import ConflictError, InvalidInputError, NotFoundError
from iot_service.model.event import EventType
from iot_service.registry.registrations import held, log
from iot_service.registry.store import QUERIES, wake_mirrors

_LONGEST = 200


def add_alias(connection: Connection, device_id: str, alias: str, *, reason: str, actor: str, now: datetime) -> None:
    """Let ``alias`` stand for the device; to say it twice changes nothing.

    Raises NotFoundError for an unknown device, InvalidInputError for a text that cannot be a name, ConflictError where
    it is the id of a device, or stands for another one.
    """
    if not alias.strip() or alias != alias.strip() or not alias.isprintable() or len(alias) > _LONGEST:
        raise InvalidInputError(f"must be one line of 1 to {_LONGEST} characters", field="alias")
    device = held(connection, device_id)
    if QUERIES["device_called"].first(connection, alias=alias) is not None:
        raise ConflictError(f"{alias!r} is the id of a device; what comes under it is its own")
    if QUERIES["add_alias"].first(connection, alias=alias, device_id=device_id) is None:
        owner = QUERIES["alias"].first(connection, alias=alias)
        if owner is None or owner["device_id"] != device_id:
            other = owner["device_id"] if owner else "another device"
            raise ConflictError(f"{alias!r} stands for {other}; remove it there first")
        return
    log(
        connection, EventType.DEVICE_ALIAS_ADDED, device_id, customer_id=device["customer_id"], new=alias,
        reason=reason, actor=actor, now=now,
    )  # fmt: skip
    wake_mirrors(connection)


def remove_alias(connection: Connection, device_id: str, alias: str, *, reason: str, actor: str, now: datetime) -> None:
    """Take a name back. Raises NotFoundError where the device has no such name."""
    device = held(connection, device_id)
    if not QUERIES["remove_alias"].run(connection, alias=alias, device_id=device_id):
        raise NotFoundError(f"device {device_id} has no name {alias!r}")
    log(
        connection, EventType.DEVICE_ALIAS_REMOVED, device_id, customer_id=device["customer_id"], old=alias,
        reason=reason, actor=actor, now=now,
    )  # fmt: skip
    wake_mirrors(connection)
