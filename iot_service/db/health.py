"""What the database says about the health of the service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from iot_service.db.pool import Connection
from iot_service.db.queries import load_queries

_QUERIES = load_queries("iot_service.db")


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
    caught_up = state["caught_up_at"]
    lag = (now - caught_up).total_seconds() if caught_up else None
    return Health(version, True, lag, int(state["failing_devices"]))
