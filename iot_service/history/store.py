"""The steps that bring rollups up to date, each in the caller's transaction.

Buckets are computed anew from what is stored (minutes from readings, hours from minutes, days from hours), so a step
may be repeated, and readings may come in any order. All steps of a transaction work on what it *touched*: a temporary
table of series and hours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from iot_service.db import Connection, Jsonb, load_queries
from iot_service.history.retention import KeptSince

QUERIES = load_queries("iot_service.history")
"""The named queries of this stage."""
_DAY = timedelta(days=1)


class Due(StrEnum):
    """What a to-do row asks for: the minutes of an hour, that hour, or that day."""

    MINUTES = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def width(self) -> timedelta:
        """The length of the bucket that such a row names."""
        return _DAY if self is Due.DAY else timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Progress:
    """Up to when (UTC) what was received is in the rollups or due; None at the very first.

    ``slots`` is what each ingest process vouched for when that was written, by client id.
    """

    received_until: datetime | None
    slots: Mapping[str, datetime]


def hold(connection: Connection, *, wait: bool = False) -> Progress | None:
    """Hold the rollups for the rest of the transaction; None when another does and ``wait`` is not asked for."""
    row = QUERIES["wait_and_hold" if wait else "hold"].first(connection)
    if row is None:
        return None
    QUERIES["make_touched"].run(connection)
    slots = {client_id: datetime.fromisoformat(at) for client_id, at in row["slots"].items()}
    return Progress(row["received_until"], slots)


def read_slots(connection: Connection) -> dict[str, datetime]:
    """Return what each ingest process vouches for now (UTC), by client id."""
    return {row["client_id"]: row["caught_up_at"] for row in QUERIES["slots"].all(connection)}


def oldest_received(connection: Connection) -> datetime | None:
    """Return when the first reading was received (UTC), None where there is none. Reads them all."""
    found: datetime | None = QUERIES["oldest_received"].one(connection)["received_at"]
    return found


def save_progress(connection: Connection, progress: Progress) -> None:
    """Write down how far rollups are."""
    slots = {client_id: at.isoformat() for client_id, at in progress.slots.items()}
    QUERIES["save_progress"].run(connection, until=progress.received_until, slots=Jsonb(slots))


def touch_received(
    connection: Connection, *, after: datetime, until: datetime, minute: datetime, no_minutes: Collection[str]
) -> int:
    """Touch what was received after ``after`` up to ``until`` (UTC); return how many hours of series that is.

    What was measured and received after ``minute`` is left out; ``no_minutes`` are the products without minutes.
    """
    QUERIES["be_modest"].run(connection)
    return QUERIES["touch_received"].run(
        connection, after=after, until=until, minute=minute, no_minutes=list(no_minutes)
    )


def touch_measured(
    connection: Connection,
    *,
    since: datetime,
    until: datetime,
    devices: Sequence[str] | None,
    no_minutes: Collection[str],
) -> int:
    """Touch what was measured from ``since`` to before ``until`` (UTC, whole hours), of ``devices`` or (None) all."""
    names = None if devices is None else list(devices)
    return QUERIES["touch_measured"].run(
        connection, since=since, until=until, devices=names, no_minutes=list(no_minutes)
    )


def touch_due(connection: Connection, level: Due, *, before: datetime, no_minutes: Collection[str], limit: int) -> int:
    """Touch up to ``limit`` buckets that are due and begin before ``before`` (UTC), and take them off the list."""
    return QUERIES["touch_due"].run(
        connection, level=level.value, before=before, width=level.width, no_minutes=list(no_minutes), limit=limit
    )


def compute_minutes(connection: Connection) -> None:
    """Compute the minutes of what was touched, and note that its hours are due."""
    for bounds in _days(connection):  # a day at a time, so that only its chunks are looked at
        QUERIES["compute_minutes"].run(connection, **bounds)
    QUERIES["hours_become_due"].run(connection)


def compute_hours(connection: Connection) -> None:
    """Compute the hours that were touched, and note that their days are due."""
    QUERIES["compute_hours_by_minute"].run(connection)
    for bounds in _days(connection):
        QUERIES["compute_hours_by_reading"].run(connection, **bounds)
    QUERIES["days_become_due"].run(connection)


def compute_days(connection: Connection) -> None:
    """Compute the days that were touched."""
    QUERIES["compute_days"].run(connection)


def _days(connection: Connection) -> list[dict[str, Any]]:
    days = [row["day"] for row in QUERIES["touched_days"].all(connection)]
    return [{"since": day, "until": day + _DAY} for day in days]


def is_due(connection: Connection, *, before: datetime) -> bool:
    """Return whether anything before ``before`` (UTC) is still to be computed from readings."""
    return bool(QUERIES["is_due"].one(connection, before=before)["due"])


def move_kept_since(connection: Connection, bound: KeptSince) -> bool:
    """Write down since when a product is kept; return whether that moved on. It never moves back."""
    values = {name: getattr(bound, name) for name in ("product", "readings", "minutes", "hours", "days")}
    return QUERIES["move_kept_since"].first(connection, **values) is not None


def oldest_kept(connection: Connection, *, products: Sequence[str]) -> datetime:
    """Return since when (UTC) readings of any of ``products`` are kept."""
    found: datetime = QUERIES["oldest_kept"].one(connection, products=list(products))["readings"]
    return found


def drop_chunks(connection: Connection, *, before: datetime) -> int:
    """Drop the chunks of readings that lie before ``before`` (UTC) as a whole; return how many, 0 without chunks."""
    return int(QUERIES["drop_chunks"].one(connection, before=before)["dropped"])


def devices_of(connection: Connection, product: str, *, after: str, limit: int) -> list[str]:
    """Return up to ``limit`` ids of devices of ``product`` that come after ``after``, in order."""
    return [row["id"] for row in QUERIES["devices_of"].all(connection, product=product, after=after, limit=limit)]


def has_chunks(connection: Connection) -> bool:
    """Return whether the server keeps readings in chunks."""
    return QUERIES["storage"].one(connection)["chunk_span"] is not None
