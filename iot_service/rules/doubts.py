"""Which rules cannot be judged on which devices, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from iot_service.db import Connection
from iot_service.rules.store import QUERIES
from iot_service.rules.why import Unknown, Why


@dataclass(frozen=True, slots=True)
class Doubt:
    """A rule that was neither true nor false when ``device_id`` was judged last, up to the instant ``at`` (UTC)."""

    device_id: str
    product: str
    rule: str
    unknown: Unknown
    at: datetime | None


def list_doubts(
    connection: Connection, *, device_id: str | None = None, why: Why | None = None, limit: int = 100
) -> list[Doubt]:
    """Return up to ``limit`` of the rules that cannot be judged, by device: of one or of all, for one reason or any."""
    rows = QUERIES["unknown_rules"].all(connection, device_id=device_id, why=why, limit=limit)
    return [
        Doubt(row["device_id"], row["product"], row["rule"], Unknown(Why(row["why"]), row["what"]), row["at"])
        for row in rows
    ]


def failing_devices(connection: Connection, *, limit: int) -> list[tuple[str, str]]:
    """Return up to ``limit`` devices whose rules fail, or that could not be judged at all, with what went wrong."""
    return [(row["device_id"], row["error"]) for row in QUERIES["failing_devices"].all(connection, limit=limit)]
