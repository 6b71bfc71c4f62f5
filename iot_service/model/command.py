"""Where a command to a device stands."""

from __future__ import annotations

from enum import StrEnum


class CommandState(StrEnum):
    """A command is open while it is queued or sent; the other states are final."""

    QUEUED = "queued"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


OPEN = frozenset({CommandState.QUEUED, CommandState.SENT})
"""The states in which something may still happen."""
