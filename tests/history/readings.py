"""Readings for tests, and what summing them up directly would give."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from iot_service.db import Connection, Database
from iot_service.history.bins import Bin
from iot_service.history.rollups import RollupRunner
from iot_service.history.spans import floor


@dataclass(frozen=True, order=True)
class Reading:
    """One reading, in order of when it was measured; ``received`` is when it came."""

    ts: datetime
    value: float
    received: datetime
    device: str = "freezer-1"
    metric: str = "temperature"


def store(connection: Connection, readings: Iterable[Reading]) -> None:
    """Store readings; what is stored already stays as it is."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO reading (device_id, metric, ts, value, received_at) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            [(each.device, each.metric, each.ts, each.value, each.received) for each in readings],
        )


def summed(readings: Iterable[Reading], width: timedelta) -> list[Bin]:
    """The bins of readings of one series, computed the plain way."""
    groups: dict[datetime, list[Reading]] = {}
    for each in sorted(readings):
        groups.setdefault(floor(each.ts, width), []).append(each)
    return [
        Bin(
            at=at,
            readings=len(group),
            total=sum(each.value for each in group),
            lowest=min(each.value for each in group),
            highest=max(each.value for each in group),
            last=group[-1].value,
            first_at=group[0].ts,
            last_at=group[-1].ts,
        )
        for at, group in sorted(groups.items())
    ]


def rolled_up(connection: Connection, table: str, device: str = "freezer-1", metric: str = "temperature") -> list[Bin]:
    """The rows of one table of rollups."""
    names = {"minute": "reading_minute", "hour": "reading_hour", "day": "reading_day"}
    rows = connection.execute(
        "SELECT bucket AS at, readings, total, lowest, highest, last, first_at, last_at"
        f" FROM {names[table]} WHERE device_id = %s AND metric = %s ORDER BY 1",
        [device, metric],
    ).fetchall()
    return [Bin(**row) for row in rows]


def run_to_the_end(database: Database, *, no_minutes: Iterable[str] = ()) -> None:
    """Let a runner do all that is due."""
    runner = RollupRunner(database, no_minutes=list(no_minutes))
    while runner.run_once():
        pass


def clear(connection: Connection) -> None:
    """Forget everything, so that one database serves many examples."""
    connection.execute("TRUNCATE reading, reading_minute, reading_hour, reading_day, rollup_due, kept_since")
    connection.execute("UPDATE rollup_progress SET received_until = NULL, slots = '{}'")
