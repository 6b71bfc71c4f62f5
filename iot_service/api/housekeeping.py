"""What the API keeps for a while, and then forgets."""

from __future__ import annotations

from datetime import datetime, timedelta

from iot_service.api.store import QUERIES
from iot_service.db import Connection

KEEP_ANSWERS = timedelta(days=2)
KEEP_ATTEMPTS = timedelta(days=1)


def tidy(connection: Connection, *, now: datetime) -> int:
    """Forget kept answers, expired sessions and old login attempts; return how many rows went."""
    return (
        QUERIES["forget_answers"].run(connection, before=now - KEEP_ANSWERS)
        + QUERIES["forget_sessions"].run(connection, now=now)
        + QUERIES["forget_attempts"].run(connection, before=now - KEEP_ATTEMPTS)
    )
