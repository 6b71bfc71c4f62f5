"""A device's side of MQTT, and the settings of an ingest process for tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from iot_service.config import Settings, load_settings


class Publisher:
    """Publishes with QoS 1."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def publish(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        """Publish and wait until the broker has it."""
        info = self._client.publish(topic, payload, qos=1, retain=retained)
        info.wait_for_publish(10)
        assert info.is_published()

    def publish_unsure(self, topic: str, payload: bytes) -> None:
        """Publish with QoS 0."""
        self._client.publish(topic, payload, qos=0)

    def publish_all(self, messages: list[tuple[str, bytes]]) -> None:
        """Publish many messages and wait until the broker has them all."""
        infos = [self._client.publish(topic, payload, qos=1) for topic, payload in messages]
        for info in infos:
            info.wait_for_publish(30)


@contextmanager
def publisher(port: int) -> Iterator[Publisher]:
    """A connected publisher."""
    client = Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(500)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        yield Publisher(client)
    finally:
        client.disconnect()
        client.loop_stop()


def make_settings(**over: Any) -> Settings:
    """Settings with a broker's address, so that a source can be made."""
    return load_settings(**{"mqtt_url": "mqtt://127.0.0.1:1", "mqtt_slot": "test", **over})


def wait_until(true: Callable[[], object], *, timeout: float = 30.0) -> None:
    """Wait until ``true()`` is true; fails when it takes longer than ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.02)
