"""Times for people: in the operator's own time zone, with UTC beside it for the record. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class Zone:
    """The time zone that an operator's browser named; UTC where it named none that we know."""

    def __init__(self, name: str = "UTC") -> None:
        """Take an IANA name as the browser sent it (not trusted)."""
        try:
            self._zone: ZoneInfo = ZoneInfo(name)
            self.name = name
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self._zone, self.name = ZoneInfo("UTC"), "UTC"

    def short(self, at: datetime, *, now: datetime) -> str:
        """Return the time of day, with the date in front where it is not today's."""
        local, today = at.astimezone(self._zone), now.astimezone(self._zone)
        if local.date() == today.date():
            return f"{local:%H:%M:%S}"
        return f"{local.day} {local:%b %H:%M}" if local.year == today.year else f"{local.day} {local:%b %Y %H:%M}"

    def full(self, at: datetime) -> str:
        """Return date, time and offset from UTC."""
        return f"{at.astimezone(self._zone):%a %d %b %Y %H:%M:%S %z}"


def utc(at: datetime) -> str:
    """Return the instant in UTC, for the record (shown on hover)."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def ago(span: timedelta) -> str:
    """Return a span in its two largest units: ``45 s``, ``12 min``, ``3 h 5 min``, ``2 d 4 h``; below zero is 0 s."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 and days < 10 else f"{days} d"
