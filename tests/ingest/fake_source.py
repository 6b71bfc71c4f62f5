"""A broker without a network, and the source that reads from it; it passes the contract tests of the MQTT source."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from iot_service import clock
from iot_service.config import Settings
from iot_service.ingest.micros import to_micros
from iot_service.ingest.source import Delivery, Message


class FakeBroker:
    """Keeps what was published until it is acknowledged, and gives it again to whoever opens it next."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, bytes, bool]] = []
        self._last = 0
        self._changed = threading.Condition()

    def publish(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        """Take one message."""
        with self._changed:
            self.kept.append((topic, payload, retained))
            self._changed.notify_all()

    def open(self, _settings: Settings | None = None) -> FakeSource:
        """A source of what is kept."""
        return FakeSource(self)

    def wait(self, arrived: Callable[[], bool], timeout: float) -> None:
        """Wait until something makes ``arrived`` true."""
        with self._changed:
            self._changed.wait_for(arrived, timeout)

    def stamp(self) -> int:
        """A time of receipt that no other message has."""
        self._last = max(self._last + 1, to_micros(clock.now()))
        return self._last


class FakeSource:
    """Reads from a :class:`FakeBroker`, from the first message that is not acknowledged."""

    sender = "fa4e"

    def __init__(self, broker: FakeBroker) -> None:
        self._broker = broker
        self._given: list[tuple[str, bytes, bool]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._given = []

    @property
    def waiting(self) -> int:
        """How many messages are kept and not given."""
        return len(self._broker.kept) - len(self._given)

    def receive(self, limit: int, timeout: float) -> Delivery:
        """Give the next messages; see :class:`iot_service.ingest.source.Source`."""
        broker = self._broker
        broker.wait(lambda: len(broker.kept) > len(self._given), timeout)
        new = broker.kept[len(self._given) : len(self._given) + limit]
        self._given += new
        messages = [Message(topic, payload, broker.stamp(), retained) for topic, payload, retained in new]
        return Delivery(messages, lambda: self._acknowledge(new))

    def _acknowledge(self, done: list[tuple[str, bytes, bool]]) -> None:
        for item in done:
            self._broker.kept.remove(item)
            self._given.remove(item)
