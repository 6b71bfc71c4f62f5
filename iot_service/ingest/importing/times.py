"""Times as they stand in files: milliseconds since 1970, or ISO 8601."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from iot_service.ingest.micros import to_micros

_NUMBER = re.compile(r"-?\d{1,20}(\.\d{1,20})?", re.ASCII)
RIGHT = "a time is ISO 8601 (2026-11-21T12:00:00Z) or milliseconds since 1970-01-01 UTC"
"""What would be right, as a part of a sentence."""


def parse_time(text: str) -> int:
    """Return the instant in microseconds since 1970 UTC; ISO 8601 without an offset is UTC. Raises ValueError."""
    if _NUMBER.fullmatch(text):
        return int(text) * 1000 if "." not in text else round(float(text) * 1000)
    at = datetime.fromisoformat(text)
    return to_micros(at if at.tzinfo is not None else at.replace(tzinfo=UTC))


def to_millis(micros: int) -> int | float:
    """Return an instant as the contract's ``ts``, in milliseconds since 1970 UTC."""
    return micros / 1000 if micros % 1000 else micros // 1000
