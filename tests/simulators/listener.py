"""A subscriber that remembers all it hears, and can give devices commands."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from simulators.broker import Broker


class Listener:
    """What was heard on ``iot/v1/#``, in order: topic and payload."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.changed = threading.Condition()

    def on(self, suffix: str) -> list[bytes]:
        """The payloads on topics that end so."""
        with self.changed:
            return [payload for topic, payload in self.heard if topic.endswith(suffix)]

    def readings(self) -> dict[tuple[str, int], float]:
        """All readings by metric and milliseconds; fails when one instant has two values."""
        found: dict[tuple[str, int], float] = {}
        for payload in self.on("/telemetry"):
            content = json.loads(payload)
            for part in content if isinstance(content, list) else [content]:
                for name, value in part["values"].items():
                    assert found.setdefault((name, part["ts"]), value) == value
        return found

    def wait_for(self, condition: Callable[[], bool], *, seconds: float = 10.0) -> bool:
        """Wait until ``condition`` holds after something was heard."""
        until = time.monotonic() + seconds
        with self.changed:
            while not condition() and time.monotonic() < until:
                self.changed.wait(0.2)
            return condition()


@contextmanager
def listening(url: str, *, client_id: str = "") -> Iterator[tuple[Listener, Client]]:
    """Listen at the broker; with a ``client_id``, through a session that outlives the connection."""
    listener, subscribed = Listener(), threading.Event()

    def hear(_client: Client, _user: object, message: MQTTMessage) -> None:
        with listener.changed:
            listener.heard.append((message.topic, bytes(message.payload)))
            listener.changed.notify_all()

    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id or f"listener-{uuid.uuid4().hex}",
        protocol=MQTTv311,
        clean_session=not client_id,
    )
    client.reconnect_delay_set(min_delay=1, max_delay=1)
    client.on_message = hear

    def subscribe(_c: Client, _u: object, _f: ConnectFlags, _r: ReasonCode, _p: Properties | None) -> None:
        client.subscribe("iot/v1/#", qos=1)

    client.on_connect = subscribe
    client.on_subscribe = lambda *_: subscribed.set()
    broker = Broker(url)
    client.connect(broker.host, broker.port)
    client.loop_start()
    try:
        assert subscribed.wait(5)
        yield listener, client
    finally:
        client.disconnect()
        client.loop_stop()
