"""How the database keeps readings, and what it misses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from iot_service.db import Connection
from iot_service.history.store import QUERIES


@dataclass(frozen=True, slots=True)
class Storage:
    """What the server does with readings.

    ``version`` and ``license`` are TimescaleDB's, None on plain PostgreSQL; ``chunk_span`` is what one of its
    ``chunks`` spans. ``rolled_up_until`` is up to when what was received is in the rollups (UTC), None where nothing
    ever was.
    """

    version: str | None
    license: str | None
    chunk_span: timedelta | None
    chunks: int | None
    compressed: bool
    rolled_up_until: datetime | None

    @property
    def missed(self) -> str:
        """What this engine does not do for us, in one sentence; empty where it does everything."""
        if self.chunk_span is None:
            return "plain PostgreSQL: old readings are deleted row by row; TimescaleDB would drop whole chunks"
        if self.license != "timescale":
            return (
                f"{self.license} licence: readings are not compressed; the community licence"
                " (timescaledb.license = 'timescale', then `iot-service migrate`) takes about a tenth of the space"
            )
        return "" if self.compressed else "readings are not compressed yet: run `iot-service migrate`"


def look(connection: Connection) -> Storage:
    """Return how readings are kept."""
    until = QUERIES["progress"].one(connection)["received_until"]
    return Storage(**QUERIES["storage"].one(connection), rolled_up_until=until)


def enable_columnstore(connection: Connection) -> bool:
    """Compress readings from now on where the server's licence allows it; return whether it does."""
    return bool(QUERIES["enable_columnstore"].one(connection)["enabled"])
