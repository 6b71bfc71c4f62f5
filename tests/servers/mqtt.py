"""A small MQTT client for tests of brokers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue
from threading import Event

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode


class Listener:
    """A connected client with a persistent session; what it receives waits in :attr:`messages`."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.messages: Queue[tuple[str, bytes]] = Queue()
        self.refused: str | None = None
        self._connected, self._subscribed = Event(), Event()
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe

    def subscribe(self, topic: str) -> None:
        """Subscribe with QoS 1 and wait until the broker has said yes."""
        self._subscribed.clear()
        self.client.subscribe(topic, qos=1)
        assert self._subscribed.wait(5), f"the broker did not answer the subscription of {topic}"

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish with QoS 1 and wait until the broker has it."""
        self.client.publish(topic, payload, qos=1).wait_for_publish(5)

    def wait_for_connection(self) -> None:
        """Wait until the broker has answered; see :attr:`refused` for a no."""
        assert self._connected.wait(5), "the broker did not answer"

    def _on_connect(self, _client: Client, _data: object, _flags: ConnectFlags, code: ReasonCode, _p: object) -> None:
        self.refused = str(code) if code.is_failure else None
        self._connected.set()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.messages.put((message.topic, bytes(message.payload)))

    def _on_subscribe(self, _client: Client, _data: object, _mid: int, _codes: object, _p: object) -> None:
        self._subscribed.set()


@contextmanager
def connected(port: int, name: str, password: str | None = None) -> Iterator[Listener]:
    """Give a client with the id (and, with ``password``, the user name) ``name``, on loopback (MQTT 3.1.1)."""
    client = Client(
        CallbackAPIVersion.VERSION2, client_id=name, clean_session=False, protocol=MQTTProtocolVersion.MQTTv311
    )
    if password is not None:
        client.username_pw_set(name, password)
    listener = Listener(client)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        listener.wait_for_connection()
        yield listener
    finally:
        client.disconnect()
        client.loop_stop()
