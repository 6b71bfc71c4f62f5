"""Where messages come from: one small protocol, so that a log, a file or a fake can stand in for the broker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Message(NamedTuple):
    """One message as it came.

    ``received`` is when it reached us, in microseconds since 1970 UTC; no two messages of one process share it, and
    later messages have later ones. ``retained`` says that the broker had kept it from before we listened, so that the
    time of receipt tells nothing about the time of measurement. ``receipt`` is the source's own, for acknowledging.
    """

    topic: str
    payload: bytes
    received: int
    retained: bool = False
    receipt: object = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """Some messages, in order, and the way to tell their source that they are stored.

    A source gives again (in this process's life or the next one's) what was not acknowledged.
    """

    messages: Sequence[Message]
    acknowledge: Callable[[], None]


class Source(Protocol):
    """A source of messages, already open."""

    def receive(self, limit: int, timeout: float) -> Delivery:
        """Wait up to ``timeout`` seconds for messages and return at most ``limit`` of them, perhaps none."""
