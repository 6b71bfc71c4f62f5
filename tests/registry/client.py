"""An MQTT 5 client for tests of who may do what at a broker."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from threading import Event

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

NOT_AUTHORISED = 0x87


class Device:
    """A connection that was answered: what came of it, and what it received."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.code = -1
        self.messages: Queue[tuple[str, bytes]] = Queue()
        self.gone = Event()
        self._answered, self._published = Event(), Queue[int]()
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish

    @property
    def is_in(self) -> bool:
        """Whether the broker let it in."""
        return self.code == 0

    def publish(self, topic: str, payload: bytes = b"x") -> int:
        """Publish with QoS 1 and return the broker's reason code: 0 taken, 0x10 heard by nobody, 0x87 refused."""
        self.client.publish(topic, payload, qos=1)
        return self._published.get(timeout=5)

    def subscribe(self, *topics: str) -> None:
        """Subscribe with QoS 1 and give the broker a moment."""
        done = Event()
        self.client.on_subscribe = lambda *_: done.set()
        self.client.subscribe([(topic, 1) for topic in topics])
        assert done.wait(5), "the broker did not answer the subscription"

    def received(self, *, within: float = 2.0) -> tuple[str, bytes] | None:
        """Return the next message, or None when none comes."""
        try:
            return self.messages.get(timeout=within)
        except Empty:
            return None

    def wait_for_answer(self) -> None:
        assert self._answered.wait(5), "the broker did not answer"

    def _on_connect(self, _client: Client, _data: object, _flags: ConnectFlags, code: ReasonCode, _p: object) -> None:
        self.code = code.value
        self._answered.set()

    def _on_disconnect(self, _c: Client, _d: object, _f: DisconnectFlags, _code: ReasonCode, _p: object) -> None:
        self.gone.set()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.messages.put((message.topic, bytes(message.payload)))

    def _on_publish(self, _client: Client, _data: object, _mid: int, code: ReasonCode, _p: object) -> None:
        self._published.put(code.value)


@contextmanager
def device(
    port: int,
    username: str | None,
    password: str | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    keep_session: bool = False,
) -> Iterator[Device]:
    """Connect to a broker on loopback, once: who is put out stays out. The client id is the user name."""
    client = Client(
        CallbackAPIVersion.VERSION2, client_id=username or "nobody", protocol=MQTTProtocolVersion.MQTTv5,
        reconnect_on_failure=False,
    )  # fmt: skip
    if username is not None and tls is None:
        client.username_pw_set(username, password)
    if tls is not None:
        client.tls_set_context(tls)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # the library is not typed there
    if keep_session:
        properties.SessionExpiryInterval = 3600
    connection = Device(client)
    client.connect("localhost" if tls else "127.0.0.1", port, clean_start=not keep_session, properties=properties)
    client.loop_start()
    try:
        connection.wait_for_answer()
        yield connection
    finally:
        client.disconnect()
        client.loop_stop()


def comes_in(port: int, username: str, password: str | None, *, within: float = 5.0) -> bool:
    """Return whether the broker lets this user in, now or as soon as it knows of it."""
    deadline = time.monotonic() + within
    while True:
        with device(port, username, password) as connection:
            if connection.is_in:
                return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
