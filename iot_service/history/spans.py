"""Spans of time that readings are summed up over. Buckets begin at multiples of their width since a Monday, UTC."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ORIGIN = datetime(2001, 1, 1, tzinfo=UTC)
"""A Monday: where buckets of every width begin, so that weeks are people's weeks."""


def floor(at: datetime, width: timedelta) -> datetime:
    """Return the beginning of the bucket of ``width`` that ``at`` (UTC) lies in."""
    return at - (at - ORIGIN) % width


def ceiling(at: datetime, width: timedelta) -> datetime:
    """Return the end of the bucket of ``width`` that ``at`` (UTC) lies in; ``at`` itself where one begins."""
    return floor(at, width) + (width if (at - ORIGIN) % width else timedelta(0))


RAW = "raw"
"""The name of the resolution of readings as they are stored."""
WIDTHS: Mapping[str, timedelta] = {
    "1m": MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "1h": HOUR,
    "6h": 6 * HOUR,
    "1d": DAY,
    "7d": 7 * DAY,
}
"""The other resolutions: what a point sums up."""


def resolution_for(span: timedelta, points: int, *, at_least: timedelta = MINUTE) -> str:
    """Return the finest resolution, of ``at_least`` that width, in which ``span`` has at most ``points`` points.

    Where none has, the coarsest.
    """
    return next((name for name, width in WIDTHS.items() if width >= at_least and span <= points * width), "7d")
