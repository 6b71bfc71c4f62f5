"""Groups of devices: those that are treated alike, whoever owns them."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime

from iot_service.db import Connection
from iot_service.db.events import record
from iot_service.errors import ConflictError, InvalidInputError, NotFoundError
from iot_service.model.event import Event, EventType
from iot_service.rules.overrides import store
from iot_service.rules.overrides.store import QUERIES, Group

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def put_group(
    connection: Connection, group_id: str, *, name: str, devices: Collection[str], actor: str, now: datetime
) -> Group:
    """Make a group of exactly ``devices`` (ids), or of one that is there; those that come or go are judged anew.

    Raises InvalidInputError for an id that is none, and for one of a device that there is not.
    """
    if not _ID.fullmatch(group_id):
        raise InvalidInputError("has letters, digits, _ and -, 64 at the most", field="id")
    unknown = [row["id"] for row in QUERIES["unknown_devices"].all(connection, ids=list(devices))]
    if unknown:
        raise InvalidInputError(f"there is no device '{unknown[0]}'", field="devices")
    before = store.group(connection, group_id)
    held = set(before.devices) if before is not None else set()
    added, removed = sorted(set(devices) - held), sorted(held - set(devices))
    if before is not None and before.name == name and not added and not removed:
        return before
    QUERIES["put_group"].run(connection, id=group_id, name=name, now=now)
    _change_members(connection, group_id, added, removed, now=now)
    data = {"added": added, "removed": removed}
    record(
        connection,
        Event(EventType.DEVICE_GROUP_CHANGED, now, group_id, _said(added, removed), actor=actor, data=data),
    )
    return get_group(connection, group_id)


def delete_group(connection: Connection, group_id: str, *, actor: str, now: datetime) -> None:
    """Delete a group. Raises NotFoundError where there is none, ConflictError where it still overrides something."""
    before = get_group(connection, group_id)
    if QUERIES["group_overrides"].one(connection, id=group_id)["overrides"]:
        raise ConflictError(f"group {group_id} overrides rules; remove its overrides first")
    _change_members(connection, group_id, [], list(before.devices), now=now)
    QUERIES["delete_group"].run(connection, id=group_id)
    data = {"added": [], "removed": list(before.devices)}
    record(connection, Event(EventType.DEVICE_GROUP_DELETED, now, group_id, "deleted", actor=actor, data=data))


def get_group(connection: Connection, group_id: str) -> Group:
    """Return a group. Raises NotFoundError where there is none."""
    found = store.group(connection, group_id)
    if found is None:
        raise NotFoundError(f"there is no group '{group_id}'")
    return found


def _change_members(
    connection: Connection, group_id: str, added: list[str], removed: list[str], *, now: datetime
) -> None:
    QUERIES["add_members"].run(connection, id=group_id, ids=added)
    QUERIES["remove_members"].run(connection, id=group_id, ids=removed)
    QUERIES["wake_devices"].run(connection, ids=[*added, *removed], now=now)


def _said(added: list[str], removed: list[str]) -> str:
    if not added and not removed:
        return "renamed, or made without devices"
    return f"{len(added)} devices added, {len(removed)} removed"
