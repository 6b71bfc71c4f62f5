"""The bounded queue between the network's thread and the thread that stores."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from iot_service.ingest.source import Message

_BYTES = 64 * 1024 * 1024  # of payload that may wait
_BATCH_BYTES = 4 * 1024 * 1024  # of payload in one batch: so many decoded values fit into memory at once
_NAP = 0.5  # seconds between two looks at whether the buffer was closed


class Buffer:
    """Messages that came and are not stored yet.

    One thread at a time puts, one takes. When ``capacity`` messages or 64 MB wait, putting blocks: the network's thread
    then reads no further, and the broker keeps the rest.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._waiting: deque[Message] = deque()
        self._put_bytes = 0  # written by the putting thread only, as the next one is by the taking thread only
        self._taken_bytes = 0
        self._wanted = 0  # how many messages the taking thread sleeps for; 0: it is awake
        self._arrived = threading.Event()
        self._room = threading.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether the next message would have to wait."""
        return len(self._waiting) >= self._capacity or self._put_bytes - self._taken_bytes >= _BYTES

    def put_all(self, messages: Sequence[Message]) -> bool:
        """Append ``messages``, waiting for room; returns False, without the rest of them, once the buffer is closed."""
        done = 0
        while done < len(messages):
            while self.is_full:
                self._room.clear()
                if self.is_full and not self._closed:
                    self._room.wait(_NAP)
                if self._closed:
                    return False
            part = messages[done : done + max(1, self._capacity - len(self._waiting))]
            size = 0
            for place, message in enumerate(part):
                size += len(message.payload)
                if self._put_bytes + size - self._taken_bytes >= _BYTES:
                    part = part[: place + 1]
                    break
            self._put_bytes += size
            self._waiting.extend(part)
            done += len(part)
            if 0 < self._wanted <= len(self._waiting):
                self._arrived.set()
        return not self._closed

    def take(self, limit: int, *, timeout: float, linger: float) -> list[Message]:
        """Return at most ``limit`` messages, oldest first.

        Waits up to ``timeout`` seconds for the first and then ``linger`` seconds for more, since one transaction for
        many messages costs little more than one for a single message.
        """
        if self._sleep(1, timeout):
            self._sleep(min(limit, self._capacity), linger)
        taken: list[Message] = []
        size = 0
        while self._waiting and len(taken) < limit and size < _BATCH_BYTES:
            message = self._waiting.popleft()
            size += len(message.payload)
            taken.append(message)
        self._taken_bytes += size
        self._room.set()
        return taken

    def close(self) -> None:
        """Let nothing more in, and let go whoever waits."""
        self._closed = True
        self._room.set()
        self._arrived.set()

    def _sleep(self, wanted: int, seconds: float) -> bool:
        """Sleep until ``wanted`` messages wait, ``seconds`` at the most; return whether they do."""
        if len(self._waiting) >= wanted:
            return True
        self._arrived.clear()
        self._wanted = wanted
        if len(self._waiting) < wanted and not self._closed and not self.is_full:
            self._arrived.wait(seconds)
        self._wanted = 0
        return len(self._waiting) >= wanted
