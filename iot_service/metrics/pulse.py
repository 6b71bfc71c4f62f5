"""Whether a process lives and can serve, by what its loops say of themselves.

*Live* means that every loop has come round lately: a process that is not will not mend itself, and should be started
anew. *Ready* means that every part has done its work lately: one that is not waits for something, mostly for the
database or the broker, and starting it anew would not help.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

LIVE_WITHIN = 600.0
"""Seconds. The database gives up a call after 30 s without an answer from its host, a lock after 30 s; a loop that has
not come round for ten minutes hangs in something that never ends."""


@dataclass(slots=True)
class _Part:
    ready_within: float
    live_within: float
    beat: float
    worked: float


class Pulse:
    """The parts of one process. Calls cost less than a microsecond, and may come from any thread."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        """``now`` gives seconds that never go back."""
        self._now = now
        self._parts: dict[str, _Part] = {}
        self._conditions: dict[str, Callable[[], bool]] = {}

    def expect(self, part: str, *, ready_within: float, live_within: float = LIVE_WITHIN) -> None:
        """Expect ``part`` to work every ``ready_within`` seconds and to move every ``live_within``.

        It has not worked yet, so the process is not ready before it has.
        """
        self._parts[part] = _Part(ready_within, live_within, beat=self._now(), worked=-math.inf)

    def require(self, name: str, holds: Callable[[], bool]) -> None:
        """Let the process be ready only while ``holds()`` is true."""
        self._conditions[name] = holds

    def beat(self, part: str) -> None:
        """Note that the loop of ``part`` came round, whether or not it could do its work."""
        self._parts[part].beat = self._now()

    def worked(self, part: str) -> None:
        """Note that ``part`` came round and did its work."""
        entry = self._parts[part]
        entry.beat = entry.worked = self._now()

    def not_live(self) -> list[str]:
        """Return the parts that do not move, in a sentence each; none means that the process lives."""
        now = self._now()
        return [
            f"{name} has not moved for {now - part.beat:.0f} s"
            for name, part in list(self._parts.items())
            if now - part.beat > part.live_within
        ]

    def not_ready(self) -> list[str]:
        """Return what keeps the process from its work, in a sentence each; none means that it can serve."""
        now = self._now()
        idle = [
            f"{name} has never worked yet" if math.isinf(part.worked)
            else f"{name} has not worked for {now - part.worked:.0f} s"
            for name, part in list(self._parts.items())
            if now - part.worked > part.ready_within
        ]  # fmt: skip
        return idle + [f"{name} does not hold" for name, holds in list(self._conditions.items()) if not holds()]
