"""What the live view reads, and the summary of a demo: rows only, nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from iot_service.db import Connection, load_queries

_QUERIES = load_queries("iot_service.live")
_AT_ONCE = 200
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where one poll ended, so that the next one begins there; ``delivery_id`` stays where the view began."""

    event_id: int = 0
    delivery_id: int = 0
    dead_letter_id: int = 0
    received_at: datetime = _LONG_AGO


@dataclass(frozen=True, slots=True)
class Poll:
    """The rows of one look at the tables. All but ``deliveries`` are new since the last one, oldest first.

    ``deliveries`` are the newest ones that are done, newest first: they end in another order than they began.
    """

    events: tuple[Row, ...]
    deliveries: tuple[Row, ...]
    device_events: tuple[Row, ...]
    dead_letters: tuple[Row, ...]
    devices: tuple[Row, ...]
    totals: Row
    cursor: Cursor


def begin(connection: Connection) -> Cursor:
    """Return the cursor of a view that shows only what happens from now on."""
    row = _QUERIES["newest"].one(connection)
    return Cursor(**{**row, "received_at": row["received_at"] or _LONG_AGO})


def poll(
    connection: Connection,
    *,
    cursor: Cursor,
    headlines: Mapping[str, tuple[str, ...]],
    points: int = 60,
    devices: int = 60,
) -> Poll:
    """Look at the tables once.

    ``headlines`` names the metrics that stand for a product, best first; up to ``points`` newest readings of the first
    one that a device reports come with it, for up to ``devices`` devices, those in need first.
    """
    events = _QUERIES["new_events"].all(connection, after=cursor.event_id, limit=_AT_ONCE)
    letters = _QUERIES["new_dead_letters"].all(connection, after=cursor.dead_letter_id, limit=_AT_ONCE)
    said = _QUERIES["new_device_events"].all(connection, after=cursor.received_at, limit=_AT_ONCE)
    pairs = [(product, metric) for product, metrics in headlines.items() for metric in metrics]
    return Poll(
        events=tuple(events),
        deliveries=tuple(_QUERIES["newest_deliveries"].all(connection, after=cursor.delivery_id, limit=_AT_ONCE)),
        device_events=tuple(said),
        dead_letters=tuple(letters),
        devices=tuple(
            _QUERIES["devices"].all(
                connection,
                products=[product for product, _ in pairs],
                metrics=[metric for _, metric in pairs],
                points=points,
                limit=devices,
            )
        ),
        totals=_QUERIES["totals"].one(connection),
        cursor=replace(
            cursor,
            event_id=events[-1]["id"] if events else cursor.event_id,
            dead_letter_id=letters[-1]["id"] if letters else cursor.dead_letter_id,
            received_at=said[-1]["at"] if said else cursor.received_at,
        ),
    )


def summary(connection: Connection, *, seconds_to_first_need: float | None, url: str) -> dict[str, Any]:
    """Count what a demo did, for the last line of ``demo --json``; dead letters include those only counted.

    ``seconds_to_first_need`` (seconds of life, None where none was found) and ``url`` are passed through.
    """
    totals = _QUERIES["totals"].one(connection)
    return {
        "readings": totals["readings"],
        "dead_letters": totals["kept"] + totals["dropped"],
        "needs": {kind: totals[kind] for kind in ("service", "fault", "refill")},
        "appointments": totals["appointments"],
        "jobs": totals["jobs"],
        "orders": totals["orders"],
        "deliveries": {"sent": totals["sent"], "failed": totals["failed"]},
        "seconds_to_first_need": seconds_to_first_need,
        "url": url,
    }
