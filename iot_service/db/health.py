"""What the database says about the health of the service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from iot_service import clock
from iot_service.db.pool import Connection
from iot_service.db.queries import load_queries

_QUERIES = load_queries("iot_service.db")


_GONE_AFTER = timedelta(minutes=5)  # of life, in which the other ingest processes were seen and it was not


def caught_up_at(connection: Connection, *, now: datetime) -> datetime | None:
    """Return the instant (UTC) up to which ingest vouches that everything is stored; None where there never was one.

    While ingest is down, or has lost its broker, it stands still however long that takes.
    """
    row = _QUERIES["caught_up"].one(connection, now=now, gone_after=clock.during(_GONE_AFTER))
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
    caught_up = caught_up_at(connection, now=now)
    lag = (now - caught_up).total_seconds() if caught_up else None
    return Health(version, True, lag, int(state["failing_devices"]))
