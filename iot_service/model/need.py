"""A need: what a rule detected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class NeedKind(StrEnum):
    """What sort of need it is; customers choose an engagement strategy per kind."""

    SERVICE = "service"
    FAULT = "fault"
    REFILL = "refill"
    OPPORTUNITY = "opportunity"


class Severity(StrEnum):
    """How bad it is, from the least to the worst."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Return its place in the order, from 0."""
        return list(Severity).index(self)

    def is_worse_than(self, other: Severity) -> bool:
        """Return whether it is worse than ``other``."""
        return self.rank > other.rank


class NeedState(StrEnum):
    """Lifecycle: open, then resolved (the readings say so) or withdrawn (a person said so)."""

    OPEN = "open"
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Need:
    """One need of one device; at most one is open per device and rule.

    ``opened_at`` and ``closed_at`` are device time (UTC). ``reason`` is one English sentence with the values that
    showed it; ``evidence`` holds those values by name, with their times.
    """

    id: int
    device_id: str
    customer_id: str
    product: str
    rule: str
    kind: NeedKind
    severity: Severity
    state: NeedState
    opened_at: datetime
    closed_at: datetime | None
    reason: str
    evidence: dict[str, Any]
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    snoozed_until: datetime | None = None
