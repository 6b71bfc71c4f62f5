"""A broker's connection that keeps what was published, or is down."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from iot_service.errors import RetryError


class Published(NamedTuple):
    topic: str
    message: dict[str, Any]
    expiry_seconds: int


class FakePublisher:
    """Takes everything, unless ``down`` says why not; ``on_publish`` happens before it returns."""

    def __init__(self) -> None:
        self.published: list[Published] = []
        self.down: Exception | None = None
        self.on_publish: Any = None

    def publish(self, topic: str, payload: bytes, *, expiry_seconds: int) -> None:
        """See :class:`iot_service.commands.publisher.Publisher`."""
        if self.down is not None:
            raise self.down
        self.published.append(Published(topic, json.loads(payload), expiry_seconds))
        if self.on_publish is not None:
            self.on_publish()

    @property
    def ids(self) -> list[str]:
        return [item.message["id"] for item in self.published]


AWAY = RetryError("there is no connection to the broker")
