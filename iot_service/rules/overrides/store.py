"""What overrides read from and write to the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from iot_service.db import Connection, load_queries
from iot_service.products.overrides import Override, Scope

QUERIES = load_queries("iot_service.rules.overrides")


@dataclass(frozen=True, slots=True)
class Kept:
    """An override with the id of its row."""

    id: int
    override: Override


@dataclass(frozen=True, slots=True)
class Group:
    """Devices that are treated alike; ``devices`` are their ids, ``created_at`` is UTC."""

    id: str
    name: str
    created_at: datetime
    devices: tuple[str, ...]


def overrides_of_devices(connection: Connection, ids: Iterable[str]) -> dict[str, list[Override]]:
    """Return all overrides that concern each of the devices ``ids``; those that have none are left out."""
    found: dict[str, list[Override]] = {}
    for row in QUERIES["overrides_of_devices"].all(connection, ids=list(ids)):
        found.setdefault(row.pop("device_id"), []).append(_override(row))
    return found


def overrides(connection: Connection, product: str | None, *, after: int = 0, limit: int) -> list[Kept]:
    """Return up to ``limit`` overrides in the order of their making, of ``product`` or of all."""
    rows = QUERIES["overrides"].all(connection, product=product, after=after, limit=limit)
    return [Kept(row.pop("id"), _override(row)) for row in rows]


def kept(connection: Connection, scope: Scope, scope_id: str, product: str, rule: str | None) -> Kept | None:
    """Return one override, held until the end of the transaction; None where there is none."""
    row = QUERIES["override"].first(connection, scope=scope.value, scope_id=scope_id, product=product, rule=rule)
    return Kept(row.pop("id"), _override(row)) if row is not None else None


def group(connection: Connection, group_id: str) -> Group | None:
    """Return a group of devices; None where there is none."""
    row = QUERIES["group"].first(connection, id=group_id)
    return _group(row) if row is not None else None


def groups(connection: Connection, *, after: str = "", limit: int) -> list[Group]:
    """Return up to ``limit`` groups by id, after one."""
    return [_group(row) for row in QUERIES["groups"].all(connection, after=after, limit=limit)]


def _group(row: Mapping[str, Any]) -> Group:
    return Group(row["id"], row["name"], row["created_at"], tuple(row["devices"]))


def _override(row: Mapping[str, Any]) -> Override:
    return Override(**{**row, "scope": Scope(row["scope"])})
