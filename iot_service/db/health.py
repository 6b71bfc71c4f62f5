"""What the database says about the health of the service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources

from iot_service.db.pool import Connection
from iot_service.db.queries import load_queries

_QUERIES = load_queries("iot_service.db")


def caught_up_at(connection: Connection) -> datetime | None:
    """Return the instant (UTC) up to which ingest vouches that everything is stored; None where there never was one.

    While ingest is down, or has lost its broker, it stands still however long that takes.
    """
    row = _QUERIES["caught_up"].one(connection)
    found: datetime | None = row["caught_up_at"]
    return found


@dataclass(frozen=True, slots=True)
class Health:
    """``ingest_lag_seconds`` is None where ingest never ran; ``failing_devices`` are those whose rules raise."""

    version: str
    migrated: bool
    ingest_lag_seconds: float | None
    failing_devices: int


def health(connection: Connection, *, now: datetime) -> Health:
    """Return what can be seen at ``now`` (UTC), also of a database that was never migrated."""
    server = _QUERIES["server"].one(connection)
    version = str(server["version"]).split(" on ")[0]
    if server["timescale"]:
        version += f" with TimescaleDB {server['timescale']} ({server['license']} licence)"
    if not server["migrated"]:
        return Health(version, False, None, 0)
    state = _QUERIES["service_health"].one(connection)
    caught_up = caught_up_at(connection)
    lag = (now - caught_up).total_seconds() if caught_up else None
    return Health(version, True, lag, int(state["failing_devices"]))


def pending_migrations(connection: Connection) -> list[str]:
    """Return the names of the migrations that this program knows and the database lacks, in order."""
    if not _QUERIES["server"].one(connection)["migrated"]:
        return list(_known_migrations())
    applied = {row["migration_id"] for row in _QUERIES["applied_migrations"].all(connection)}
    return [name for name in _known_migrations() if name not in applied]


@cache
def _known_migrations() -> tuple[str, ...]:
    folder = resources.files("iot_service.db") / "migrations"
    return tuple(sorted(file.name.removesuffix(".sql") for file in folder.iterdir() if file.name.endswith(".sql")))
