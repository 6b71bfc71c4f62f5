"""Stands in for the broker's side of slots: which sessions one process has open, and how."""

from __future__ import annotations

from datetime import datetime

from iot_service.ingest.mqtt.plan import SessionPlan


class FakeSessions:
    """Remembers what was asked of it, and up to when all of a forgotten session was stored.

    While ``connected`` is False the broker cannot be told anything.
    """

    def __init__(self) -> None:
        self.opened: dict[str, SessionPlan] = {}
        self.forgotten: dict[str, datetime] = {}
        self.connected = True

    def open(self, plan: SessionPlan) -> None:
        """Take up the session of a slot, unless it is open already."""
        self.opened.setdefault(plan.slot, plan)

    def close(self, slot: str) -> None:
        """Leave it."""
        self.opened.pop(slot, None)

    def forget(self, slot: str, *, stored_until: datetime) -> bool:
        """Leave it and have it forgotten, where that is possible."""
        if not self.connected or slot not in self.opened:
            return False
        del self.opened[slot]
        self.forgotten[slot] = stored_until
        return True
