"""How much time one chunk of readings spans, where the server has chunks."""

from __future__ import annotations

from datetime import timedelta

from iot_service import logs
from iot_service.db import Connection
from iot_service.history.store import QUERIES

_BYTES = 245  # of one reading with its indexes, measured
_SPANS = tuple(timedelta(hours=hours) for hours in (1, 2, 3, 4, 6, 8, 12, 24, 48, 96, 168, 336, 720))
_LOOK = timedelta(minutes=5)
_DAY = timedelta(days=1)
_log = logs.get(__name__)


def chunk_span(readings_per_day: float, memory: int) -> timedelta:
    """Return the longest span, from an hour to 30 days, of which the readings take at most ``memory`` bytes."""
    fitting = [span for span in _SPANS if readings_per_day * (span / _DAY) * _BYTES <= memory]
    return fitting[-1] if fitting else _SPANS[0]


def fit_chunks(connection: Connection, readings_per_day: int | None) -> timedelta | None:
    """Let the chunks made from now on be of a size that stays in memory; return their span, None where nothing is set.

    ``readings_per_day`` None: estimated from five minutes of what was received lately; where that is nothing, or the
    server has no chunks, all stays as it is. Memory is what the server keeps for pages (``shared_buffers``), by custom
    a quarter of what it has.
    """
    expected = readings_per_day if readings_per_day is not None else _estimate(connection)
    if not expected:
        return None
    span = chunk_span(expected, int(QUERIES["memory"].one(connection)["bytes"]))
    was = QUERIES["set_chunk_span"].one(connection, span=span)["was"]
    if was is not None and was != span:
        _log.info("new chunks of readings span another time", action="chunks.span", was=f"{was}", now=f"{span}")
    return None if was is None else span


def _estimate(connection: Connection) -> float:
    until = QUERIES["progress"].one(connection)["received_until"]
    if until is None:
        return 0
    QUERIES["be_modest"].run(connection)
    received = QUERIES["received_within"].one(connection, after=until - _LOOK, until=until)["readings"]
    return float(received * (_DAY / _LOOK))
