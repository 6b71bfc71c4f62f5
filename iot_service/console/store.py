"""What the console reads. It writes nothing: acting goes through the stages' own functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from iot_service.console.curve import Step
from iot_service.console.rolled import rolled_steps
from iot_service.db import Connection, load_queries
from iot_service.db.health import caught_up_at

_QUERIES = load_queries("iot_service.console")
_NEWEST = 2**62
_FROM_READINGS = timedelta(days=1)  # what is longer is drawn from rollups

Row = Mapping[str, Any]


def may_act(connection: Connection, csrf_token: str, *, now: datetime) -> bool:
    """Say whether the session with this token is still in force: a page may stay open longer than its session."""
    return bool(_QUERIES["may_act"].one(connection, csrf_token=csrf_token, now=now)["allowed"])


def totals(connection: Connection, *, now: datetime) -> Row:
    """Return the figures of the front page: counts, of the last minute, hour or day where their name says so."""
    return _QUERIES["totals"].one(
        connection,
        minute_ago=now - timedelta(minutes=1),
        hour_ago=now - timedelta(hours=1),
        day_ago=now - timedelta(days=1),
    )


def ingest_lag(connection: Connection, *, now: datetime) -> timedelta | None:
    """Return how far the slowest ingest process is behind the clock; None where there never was one."""
    caught_up = caught_up_at(connection)
    return None if caught_up is None else max(timedelta(0), now - caught_up)


def open_needs(connection: Connection, *, now: datetime, limit: int = 100) -> tuple[list[Row], dict[str, int]]:
    """Return the gravest open needs with names (those snoozed at ``now`` last), and how many of each severity."""
    counts = {row["severity"]: row["needs"] for row in _QUERIES["open_need_counts"].all(connection)}
    return list(_QUERIES["open_needs"].all(connection, now=now, limit=limit)), counts


def newest_events(connection: Connection, *, after: int, limit: int = 80) -> list[Row]:
    """Return the newest events after ``after``, newest first, with names."""
    return list(_QUERIES["newest_events"].all(connection, after=after, limit=limit))


def device_events(connection: Connection, device_id: str, *, limit: int = 60) -> list[Row]:
    """Return the newest events of one device, newest first."""
    return list(_QUERIES["device_events"].all(connection, device_id=device_id, limit=limit))


def devices(
    connection: Connection, *, search: str = "", product: str = "", state: str = "", page: int = 1, size: int = 50
) -> tuple[list[Row], int]:
    """Return one page (from 1) of the devices that match, those in need first, and how many match in all.

    ``search`` is looked for in name, id and customer's name, whatever the case; empty filters match everything.
    """
    rows = _QUERIES["devices"].all(
        connection, search=search, product=product, state=state, limit=size, offset=(page - 1) * size
    )
    return list(rows), rows[0]["matches"] if rows else 0


def device(connection: Connection, device_id: str) -> Row | None:
    """Return one device with its customer, site and connection, or None."""
    return _QUERIES["device"].first(connection, device_id=device_id)


def twin(connection: Connection, device_id: str) -> tuple[list[Row], list[Row]]:
    """Return the newest value of each metric, and of each attribute, by name."""
    metrics = _QUERIES["twin"].all(connection, device_id=device_id)
    return list(metrics), list(_QUERIES["attributes"].all(connection, device_id=device_id))


def device_needs(
    connection: Connection, device_id: str, *, since: datetime, until: datetime, limit: int = 100
) -> list[Row]:
    """Return the needs of a device that were open at some time from ``since`` to ``until`` (UTC), newest first."""
    return list(_QUERIES["device_needs"].all(connection, device_id=device_id, since=since, until=until, limit=limit))


def open_needs_of(connection: Connection, device_id: str) -> list[Row]:
    """Return the open needs of a device, the gravest first."""
    return list(_QUERIES["device_open_needs"].all(connection, device_id=device_id))


def maintenance_of(connection: Connection, device_id: str, *, now: datetime) -> list[Row]:
    """Return the maintenance that a device is in at ``now`` (UTC) or comes to, the next first."""
    return list(_QUERIES["device_maintenance"].all(connection, device_id=device_id, now=now))


@dataclass(frozen=True, slots=True)
class Curve:
    """A metric of a device over a span (UTC), in steps."""

    since: datetime
    until: datetime
    steps: list[Step]


def curve(
    connection: Connection, device_id: str, metric: str, *, span: timedelta | None, now: datetime, steps: int = 700
) -> Curve:
    """Return a curve in at most ``steps`` steps (and one for the end), the last ``span`` of it or (None) all of it.

    Where nothing was measured in the span before ``now`` it ends with the newest reading instead, so that a recording
    of last year is seen too.
    """
    ends = _QUERIES["curve_ends"].one(connection, device_id=device_id, metric=metric)
    oldest, newest = ends["oldest"] or now, ends["newest"] or now
    until = now if span is not None and newest > now - span else newest
    since = until - span if span is not None else oldest
    if until - since > _FROM_READINGS:
        return Curve(since, until, rolled_steps(connection, device_id, metric, since, until, steps=steps))
    width = max((until - since).total_seconds() / steps, 0.001)
    rows = _QUERIES["curve"].all(connection, device_id=device_id, metric=metric, since=since, until=until, step=width)
    return Curve(since, until, [_step(row) for row in rows])


def _step(row: Row) -> Step:
    (low, low_at), (high, high_at) = row["low"], row["high"]
    return Step(row["readings"], tuple(row["first"]), tuple(row["last"]), (low_at, low), (high_at, high))


def dead_letters(
    connection: Connection, *, reason: str = "", before: int | None = None, limit: int = 40, shown: int = 600
) -> list[Row]:
    """Return dead letters older than the id ``before``, newest first, payloads cut to ``shown`` bytes."""
    return list(
        _QUERIES["dead_letters"].all(
            connection, reason=reason, before=before if before is not None else _NEWEST, limit=limit, shown=shown
        )
    )


def dead_letter_reasons(connection: Connection) -> list[Row]:
    """Return for each reason how many dead letters are kept in full and how many were only counted."""
    return list(_QUERIES["dead_letter_reasons"].all(connection))
