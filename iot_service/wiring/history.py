"""`migrate` and `rollups rebuild`: the schema and how readings are stored, and rollups computed anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from iot_service.config import Settings
from iot_service.history.chunks import fit_chunks
from iot_service.history.retention import without_minutes
from iot_service.history.rollups import rebuild
from iot_service.history.storage import enable_columnstore, look
from iot_service.wiring.installation import engines, open_catalog, open_database


def migrate_command(settings: Settings) -> str:
    """Bring the schema up to date and fit how readings are stored; return what is so now."""
    with (
        engines(settings, broker=False) as complete,
        open_database(complete) as database,
        database.transaction() as connection,
    ):
        fit_chunks(connection, settings.readings_per_day)
        enable_columnstore(connection)
        storage = look(connection)
    lines = ["the schema is up to date"]
    if storage.chunk_span is not None:
        lines.append(f"new chunks of readings span {storage.chunk_span}")
    if storage.missed:
        lines.append(storage.missed)
    return "\n".join(lines)


def rebuild_command(
    settings: Settings, since: datetime, until: datetime, devices: Sequence[str], tell: Callable[[str], None]
) -> str:
    """Compute the rollups from ``since`` to ``until`` (UTC) anew, of ``devices`` or, where there are none, of all."""
    no_minutes = without_minutes(open_catalog(settings))
    with engines(settings, broker=False) as complete, open_database(complete) as database:
        for done in rebuild(database, since, until, devices=devices or None, no_minutes=no_minutes):
            tell(f"done up to {done:%Y-%m-%d %H:%M} UTC")
    return "the rollups are computed anew"
