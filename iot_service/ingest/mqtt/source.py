"""The broker as a source: MQTT 5 where it is spoken, else 3.1.1; a persistent session, acknowledged by hand.

The callback only appends to a bounded buffer. MQTT 5's Receive Maximum keeps the broker from sending more than the
buffer holds; where there is no such thing (3.1.1, QoS 0) a full buffer stops the network thread, and with it the
reading from the socket. If that lasts longer than the keepalive the broker ends the connection and redelivers later:
nothing is lost, and memory stays bounded either way.
"""

from __future__ import annotations

import secrets
import socket
import struct
import threading
import time
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from iot_service import clock, logs
from iot_service.config import Settings
from iot_service.errors import StopError
from iot_service.ingest.buffer import Buffer
from iot_service.ingest.buffered_socket import BufferedSocket
from iot_service.ingest.marker import write_marker
from iot_service.ingest.micros import to_micros
from iot_service.ingest.source import Delivery, Message
from iot_service.ingest.topics import SUBSCRIPTION, marker_topic

_KEEPALIVE = 30  # seconds
_ANSWER_WITHIN = 3.0  # seconds after which a broker that does not answer is taken for one that knows no MQTT 5
_SESSION = 14 * 86_400  # seconds that the broker keeps our session, and what waits in it, while we are away
_LINGER = 0.05  # seconds that the first message of a batch waits for more
_MARKER_EVERY = 0.5  # seconds
_BACKOFF = (0.2, 0.5, 1.0, 2.0, 5.0)  # seconds before another attempt to connect
_LASTING = 10.0  # seconds after which a connection counts as a good one, and the backoff begins anew
_PACKETS_AT_ONCE = 500
_PUBACK = struct.Struct(">BBH")  # the same in 3.1.1 and, for success, in 5
_SHORT_LIVED = " (again, soon after the start); does another ingest process run with the same IOT_MQTT_SLOT?"
_log = logs.get(__name__)


class _Client(Client):
    """paho's client, spared some system calls; the contract tests of the source would show a change of its insides."""

    def _create_socket(self) -> Any:
        made: Any = super()._create_socket()
        return BufferedSocket(made) if type(made) is socket.socket else made  # TLS has a buffer of its own

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Read what has come, up to some hundred packets; then acknowledgements and pings have their turn."""
        result = super().loop_read(max_packets)
        for _ in range(_PACKETS_AT_ONCE):
            sock: Any = self.socket()
            if result is not MQTTErrorCode.MQTT_ERR_SUCCESS or not isinstance(sock, BufferedSocket):
                break
            if not sock.pending():
                break
            result = super().loop_read(max_packets)
        return result

    @property
    def running(self) -> bool:
        """Whether the network thread lives."""
        return self._thread is not None

    def acknowledge(self, mids: list[int]) -> None:
        """Acknowledge many messages of QoS 1 in one packet of packets; one by one each costs a wake-up and a send."""
        packets = b"".join(_PUBACK.pack(0x40, 2, mid) for mid in mids)
        self._packet_queue(0x40, packets, 0, 0)


class _Receipt(NamedTuple):
    """Which connection brought a message, and its number there."""

    client: _Client
    mid: int


class MqttSource:
    """Messages of the broker that ``settings`` name; a context manager, open while it is entered.

    Connects in a thread of its own, and again for ever when the connection is lost. ``client_id`` is stable, so that
    the broker finds the session, and ``sender`` is the token in this process's markers.
    """

    def __init__(self, settings: Settings, *, linger: float = _LINGER) -> None:
        """Raises StopError when no broker is named."""
        if settings.mqtt_url is None:
            raise StopError("IOT_MQTT_URL is not set; name the broker, as mqtt://host:port")
        self.settings = settings
        self._linger = linger
        self.client_id = f"iot-service-ingest-{settings.mqtt_slot}"
        self.sender = secrets.token_hex(8)
        self._buffer = Buffer(settings.queue_messages)
        self._closed = threading.Event()
        self._client: _Client | None = None  # of the present connection
        self._ready = False  # the broker has accepted our subscriptions on it
        self._last_received = 0
        self._next_marker = 0.0
        self._thread = threading.Thread(target=self._stay_connected, name="mqtt", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._buffer.close()
        self._thread.join()

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted our subscriptions on the present connection."""
        return self._ready

    @property
    def waiting(self) -> int:
        """How many messages are in memory and not taken yet."""
        return len(self._buffer)

    def receive(self, limit: int, timeout: float) -> Delivery:
        """Wait up to ``timeout`` seconds for messages and return at most ``limit`` of them, perhaps none."""
        self._send_marker_when_due()
        messages = self._buffer.take(limit, timeout=min(timeout, _MARKER_EVERY), linger=self._linger)
        return Delivery(messages, lambda: self._acknowledge(messages))

    def _acknowledge(self, messages: list[Message]) -> None:
        """Acknowledge on the connection that brought them; what came on an earlier one the broker redelivers."""
        client = self._client
        receipts = [message.receipt for message in messages if isinstance(message.receipt, _Receipt)]
        mids = [receipt.mid for receipt in receipts if receipt.client is client]
        if client is not None and mids:
            client.acknowledge(mids)

    def _send_marker_when_due(self) -> None:
        client, at = self._client, time.monotonic()
        if client is None or not self._ready or at < self._next_marker:
            return
        self._next_marker = at + _MARKER_EVERY
        payload = write_marker(self.sender, to_micros(clock.now()))
        client.publish(marker_topic(self.settings.mqtt_slot), payload, qos=1)

    # The thread that keeps the connection ---------------------------------------------------------------------------

    def _stay_connected(self) -> None:
        version = MQTTProtocolVersion.MQTTv5
        failures = 0
        while not self._closed.is_set():
            connection = _Connection(self, version)
            began = time.monotonic()
            connection.serve(self._closed)
            if self._closed.is_set():
                return
            # Two processes with one client id throw each other out as fast as they may: they must not be fast.
            lasted = connection.accepted and time.monotonic() - began >= _LASTING
            failures = 0 if lasted else failures + 1
            delay = _BACKOFF[min(failures, len(_BACKOFF) - 1)]
            _log.warning(
                "the connection to the broker ended; trying again",
                action="mqtt.lost" if connection.accepted else "mqtt.failed",
                broker=urlsplit(self.settings.mqtt_url or "").hostname,
                reason=connection.ended_because + (_SHORT_LIVED if connection.accepted and failures > 1 else ""),
                seconds=delay,
            )
            # A broker that knows no MQTT 5 says so, or just hangs up; one that is away tells nothing about versions.
            if connection.accepted or version is MQTTProtocolVersion.MQTTv311:
                version = MQTTProtocolVersion.MQTTv5
            elif connection.hung_up:
                version = MQTTProtocolVersion.MQTTv311
                continue
            self._closed.wait(delay)

    def speak_through(self, client: _Client | None, *, ready: bool) -> None:
        """Note the present connection, and whether it is subscribed yet (called by the connection itself).

        A resumed session delivers before it is: those messages are to be acknowledged as well.
        """
        self._client, self._ready = client, ready

    def append(self, client: _Client, message: MQTTMessage) -> None:
        """Put one message into the buffer (called by the connection itself, in the network thread)."""
        received = to_micros(clock.now())
        if received <= self._last_received:
            received = self._last_received + 1
        self._last_received = received
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "(not UTF-8)"
        receipt = _Receipt(client, message.mid) if message.qos else None
        self._buffer.put(Message(topic, bytes(message.payload), received, message.retain, receipt))


class _Connection:
    """One connection from its beginning to its end, with a client of its own: nothing of an old one can leak in."""

    def __init__(self, source: MqttSource, version: MQTTProtocolVersion) -> None:
        self._source = source
        self._version = version
        self._client = self._make_client(source.settings)
        self._ended = threading.Event()
        self._awaited: set[int] = set()  # subscriptions that the broker has not answered yet
        self.accepted = False
        self.hung_up = False
        """The broker took the call, then refused the protocol or ended it without a word."""
        self.ended_because = ""

    def serve(self, closed: threading.Event) -> None:
        """Connect and pass messages on until the connection ends or ``closed`` is set."""
        settings = self._source.settings
        client = self._client
        address = urlsplit(settings.mqtt_url or "")
        properties = None
        if self._version is MQTTProtocolVersion.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has no types there
            properties.SessionExpiryInterval = _SESSION
            properties.ReceiveMaximum = min(settings.queue_messages, 65_535)
        start: dict[str, Any] = {"clean_start": False, "properties": properties} if properties else {}
        port = address.port or (8883 if address.scheme == "mqtts" else 1883)
        try:
            client.connect(address.hostname or "", port, keepalive=_KEEPALIVE, **start)
        except (OSError, ValueError) as error:
            self.ended_because = str(error)
            return
        client.loop_start()
        answer_by = time.monotonic() + _ANSWER_WITHIN
        while not self._ended.wait(0.2) and not closed.is_set():
            if not client.running:
                self.ended_because = self.ended_because or "the network thread ended"
                break
            if not self.accepted and time.monotonic() > answer_by:
                self.hung_up = True  # amqtt chokes on MQTT 5 and says nothing
                self.ended_because = f"the broker did not answer within {_ANSWER_WITHIN:g} s"
                break
        self._source.speak_through(None, ready=False)
        client.disconnect()
        client.loop_stop()

    def _make_client(self, settings: Settings) -> _Client:
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._source.client_id,
            clean_session=None if self._version is MQTTProtocolVersion.MQTTv5 else False,
            protocol=self._version,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        if settings.mqtt_username is not None:
            password = settings.mqtt_password.get_secret_value() if settings.mqtt_password else None
            client.username_pw_set(settings.mqtt_username, password)
        if urlsplit(settings.mqtt_url or "").scheme == "mqtts":
            client.tls_set()
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def _on_connect(
        self, _client: Client, _data: object, flags: ConnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if code.is_failure:
            self.hung_up = code.getName() == "Unsupported protocol version"
            self.ended_because = f"the broker refuses us: {code}"
            self._ended.set()
            return
        self.accepted = True
        self._source.speak_through(self._client, ready=False)
        _log.info(
            "connected to the broker",
            action="mqtt.connected",
            client_id=self._source.client_id,
            version="5" if self._version is MQTTProtocolVersion.MQTTv5 else "3.1.1",
            session_present=flags.session_present,
        )
        for topic in _filters(self._source.settings):
            error, mid = self._subscribe(topic)
            if error is MQTTErrorCode.MQTT_ERR_SUCCESS and mid is not None:
                self._awaited.add(mid)

    def _subscribe(self, topic: str) -> tuple[MQTTErrorCode, int | None]:
        if self._version is not MQTTProtocolVersion.MQTTv5:
            return self._client.subscribe(topic, qos=1)
        # What is retained comes once for a new session; after that the session holds whatever changes.
        retained = SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
        return self._client.subscribe(topic, options=SubscribeOptions(qos=1, retainHandling=retained))

    def _on_subscribe(
        self, _client: Client, _data: object, mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        refused = [str(code) for code in codes if code.is_failure]
        if refused:
            _log.error(
                "the broker refuses a subscription; grant this client what deploy/mosquitto.acl grants",
                action="mqtt.subscription_refused",
                client_id=self._source.client_id,
                reason=refused[0],
            )
            return
        self._awaited.discard(mid)
        if not self._awaited:
            self._source.speak_through(self._client, ready=True)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self._source.append(self._client, message)

    def _on_disconnect(
        self,
        _client: Client,
        _data: object,
        flags: DisconnectFlags,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if not self.ended_because:
            self.hung_up = not self.accepted
            said = "the broker says" if flags.is_disconnect_packet_from_server else "it broke"
            self.ended_because = f"{said}: {code}"
        self._ended.set()


def _filters(settings: Settings) -> list[str]:
    """Return what to subscribe to: what devices say, shared if need be, and our own markers."""
    share = f"$share/{settings.mqtt_share}/" if settings.mqtt_share else ""
    return [f"{share}{SUBSCRIPTION}", marker_topic(settings.mqtt_slot)] if share else [SUBSCRIPTION]
