"""Durations as people write them: ``90s``, ``15m``, ``2h``, ``3d``, ``4w``, ``2y`` (of 365 days)."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdwy])")


def parse_duration(text: str) -> timedelta:
    """Return the span that ``text`` says, as one number with a unit or several in a row (``1h30m``).

    Raises ValueError, saying what would be right, for anything else.
    """
    parts = _PART.findall(text.strip())
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        raise ValueError(f"{text!r} is not a duration; write for example 90s, 15m, 2h, 3d or 1h30m")
    try:
        return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))
    except OverflowError:
        raise ValueError(f"{text!r} is longer than there are years") from None


def format_duration(span: timedelta) -> str:
    """Return ``span`` (not negative) the way :func:`parse_duration` reads it, in as few parts as it takes."""
    rest = round(span.total_seconds() * 1000)
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
