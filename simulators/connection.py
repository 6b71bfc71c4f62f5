"""A device's connection to the broker: MQTT with QoS 1, a last will, commands answered, nothing lost when it breaks.

paho keeps what was not acknowledged and sends it again, unchanged, after every reconnection. What is on its way is
bounded: :meth:`DeviceConnection.send` waits while ``window`` messages are unacknowledged. It also waits while there is
no connection, since paho would send what it is given during the handshake before what it has to send again.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Sequence

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from iot_service import logs
from iot_service.errors import StopError
from simulators.broker import Broker, Dialect
from simulators.counters import Counters

_NOBODY_SUBSCRIBED = 0x10
_LASTING_REFUSALS = frozenset({0x85, 0x86, 0x87, 0x8A})  # wrong client id, wrong password, not authorised, banned
_FUTILE_CONNECTIONS = 5  # so many that ended without one acknowledgement mean that the broker chokes on what we send
_log = logs.get(__name__)


class DeviceConnection:
    """A connection for ``devices``; the last will is kept for one device only, since a connection has only one.

    It begins with :meth:`open`, reconnects by itself, and ends with :meth:`close`. Safe for one sending thread.
    """

    def __init__(
        self,
        broker: Broker,
        dialect: Dialect,
        devices: Sequence[str],
        *,
        counters: Counters,
        window: int = 500,
    ) -> None:
        self._devices, self._counters, self._window = tuple(devices), counters, window
        self._condition = threading.Condition()
        self._waiting = 0
        self._aside: set[int] = set()  # ids of messages that are not counted; touched by paho's thread only
        self._closing = False
        self._ready = False
        self._futile = 0
        self._refusal = ""
        self._url = broker.url
        self._client = broker.client(f"{self._devices[0]}-{uuid.uuid4().hex[:8]}", dialect.protocol)
        self._client.max_inflight_messages_set(dialect.in_flight)
        self._client.reconnect_delay_set(min_delay=1, max_delay=5)
        self._client.on_connect, self._client.on_disconnect = self._connected, self._disconnected
        self._client.on_publish, self._client.on_message = self._acknowledged, self._commanded
        if len(self._devices) == 1:
            self._client.will_set(_topic(self._devices[0], "status"), "offline", qos=1, retain=True)
        self._client.connect_async(broker.host, broker.port, keepalive=30)

    def open(self) -> None:
        """Begin to connect, and go on trying in the background."""
        self._client.loop_start()

    def send(self, topic: str, body: bytes, *, retain: bool = False, stop: threading.Event) -> bool:
        """Hand over one message once there is a connection and room; return False if ``stop`` came first.

        Messages arrive in the order in which they were handed over.

        Raises StopError when the broker refuses the connection.
        """
        with self._condition:
            while (not self._ready or self._waiting >= self._window) and not stop.is_set():
                self._raise_refusal()
                self._condition.wait(0.2)
            if stop.is_set():
                return False
            self._raise_refusal()
            self._waiting += 1
        self._counters.add(published=1)
        self._client.publish(topic, body, qos=1, retain=retain)
        return True

    def drain(self, *, stop: threading.Event, patience: float | None = None) -> bool:
        """Wait until everything is acknowledged or refused; False if ``stop`` or ``patience`` (seconds) ended first.

        Raises StopError when the broker refuses the connection.
        """
        until = None if patience is None else time.monotonic() + patience
        with self._condition:
            while self._waiting and not stop.is_set() and (until is None or time.monotonic() < until):
                self._raise_refusal()
                self._condition.wait(0.2)
            return self._waiting == 0

    def close(self, *, forget: Sequence[str] = (), patience: float = 2.0) -> None:
        """Remove what is retained on the topics ``forget``, say ``offline``, as the last will would, and disconnect.

        Waits up to ``patience`` seconds for the acknowledgement; what is acknowledged from now on is not counted.
        """
        self._closing = True
        if self._client.is_connected():
            for device in self._devices:
                self._publish_aside(_topic(device, "status"), b"offline", retain=True)
            for topic in forget:
                self._publish_aside(topic, b"", retain=True)
            self._wait_quietly(patience)
        self._client.disconnect()
        self._client.loop_stop()

    def _wait_quietly(self, patience: float) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._waiting == 0, timeout=patience)

    def _publish_aside(self, topic: str, body: bytes, *, retain: bool = False) -> None:
        """Publish without counting, and without waiting for room: paho's own thread must not wait for itself."""
        with self._condition:
            self._waiting += 1
        published = self._client.publish(topic, body, qos=1, retain=retain)
        if not self._closing:
            self._aside.add(published.mid)

    def _raise_refusal(self) -> None:
        if self._refusal:
            raise StopError(f"the broker {self._url} refuses {self._devices[0]}: {self._refusal}")

    def _connected(
        self, client: Client, _user: object, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            if reason.value in _LASTING_REFUSALS:
                self._refusal = str(reason)
            _log.warning("The broker refuses a device.", action="simulator.refused", reason=str(reason))
            return
        for device in self._devices:
            client.subscribe(_topic(device, "command"), qos=1)
            self._publish_aside(_topic(device, "status"), b"online", retain=True)

    def _disconnected(
        self, _client: Client, _user: object, _flags: DisconnectFlags, reason: ReasonCode, _p: Properties | None
    ) -> None:
        self._ready = False
        self._futile += 1
        if self._futile >= _FUTILE_CONNECTIONS and self._waiting:
            self._refusal = "it closes each connection over what it is sent; is a message too large for it?"
        if reason.is_failure and not self._refusal:
            _log.info(
                "A device lost its broker; it reconnects.",
                action="simulator.disconnected",
                device_id=self._devices[0],
                reason=str(reason),
            )

    def _acknowledged(
        self, _client: Client, _user: object, mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if self._closing or mid in self._aside:
            self._aside.discard(mid)
        else:
            self._count(reason)
        with self._condition:
            self._waiting -= 1
            self._ready = True  # whatever had to be sent again went out before the first acknowledgement came in
            self._condition.notify_all()

    def _count(self, reason: ReasonCode) -> None:
        self._futile = 0
        if reason.is_failure:
            self._counters.add(refused=1)
            _log.warning("The broker refuses a message.", action="simulator.message_refused", reason=str(reason))
        else:
            self._counters.add(acknowledged=1, unheard=int(reason.value == _NOBODY_SUBSCRIBED))

    def _commanded(self, _client: Client, _user: object, message: MQTTMessage) -> None:
        """Answer a command: every simulated device can do everything."""
        try:
            command = json.loads(message.payload)
            answer = {"id": command["id"], "ok": True}
        except (ValueError, KeyError, TypeError):
            _log.warning("A device got a command that it does not understand.", action="simulator.command_unclear")
            return
        self._counters.add(commands=1)
        self._publish_aside(f"{message.topic}/ack", json.dumps(answer).encode())


def _topic(device: str, suffix: str) -> str:
    return f"iot/v1/{device}/{suffix}"
