"""How far publishing has come, as numbers that several threads change and read."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """Messages handed over to be published, acknowledged by the broker, and refused by it; commands answered.

    ``unheard`` are those of the acknowledged that nobody is subscribed to (brokers that speak MQTT 5 tell).
    """

    published: int = 0
    acknowledged: int = 0
    refused: int = 0
    unheard: int = 0
    commands: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(
        self, *, published: int = 0, acknowledged: int = 0, refused: int = 0, unheard: int = 0, commands: int = 0
    ) -> None:
        """Add to the counts."""
        with self._lock:
            self.published += published
            self.acknowledged += acknowledged
            self.refused += refused
            self.unheard += unheard
            self.commands += commands
