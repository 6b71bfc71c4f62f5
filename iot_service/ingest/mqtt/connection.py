"""One connection to the broker, from its beginning to its end.

It has a client of its own, so that nothing of an earlier one can leak in.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from iot_service import clock, logs, metrics
from iot_service.config import Settings
from iot_service.engines.tls import client_context
from iot_service.ingest.mqtt.client import BulkClient
from iot_service.ingest.mqtt.packets import Publish
from iot_service.ingest.mqtt.plan import SessionPlan

_KEEPALIVE = 30  # seconds
_ANSWER_WITHIN = 3.0  # seconds after which a broker that does not answer is taken for one that knows no MQTT 5
_SESSION = 14 * 86_400  # seconds that the broker keeps our session, and what waits in it, while we are away
_log = logs.get(__name__)


class Listener(Protocol):
    """Who is told what happens on a connection; called in its network thread."""

    def speak_through(self, client: BulkClient | None, *, ready: bool) -> None:
        """Note the present connection, and whether it is subscribed yet.

        A resumed session delivers before it is: those messages are to be acknowledged as well.
        """

    def take(self, client: BulkClient, messages: Sequence[Publish]) -> None:
        """Take messages, in order; may wait for room."""


class Connection:
    """One attempt to connect, and what comes of it."""

    def __init__(self, settings: Settings, plan: SessionPlan, version: MQTTProtocolVersion, listener: Listener) -> None:
        """Raises StopError when the files that TLS needs do not do."""
        self._settings, self._plan, self._version, self._listener = settings, plan, version, listener
        self._at = clock.now()
        self._address = urlsplit(settings.mqtt_url or "")
        self._client = self._make_client()
        self._ended = threading.Event()
        self._awaited: set[int] = set()  # subscriptions that the broker has not answered yet
        self.accepted = False
        self.unanswered = False
        """Nobody took the call."""
        self.hung_up = False
        """The broker took the call, then refused the protocol or ended it without a word."""
        self.ended_because = ""

    def serve(self, closed: threading.Event, *, forget: threading.Event) -> None:
        """Connect and pass messages on until the connection ends or ``closed`` is set.

        With ``forget`` set by then, the broker is asked to forget the session and what waits in it.
        """
        client = self._client
        start: dict[str, Any] = {}
        if self._version is MQTTProtocolVersion.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has no types there
            properties.SessionExpiryInterval = _SESSION
            properties.ReceiveMaximum = min(self._settings.queue_messages, 65_535)
            start = {"clean_start": False, "properties": properties}
        port = self._address.port or (8883 if self._address.scheme == "mqtts" else 1883)
        try:
            client.connect(self._address.hostname or "", port, keepalive=_KEEPALIVE, **start)
        except (OSError, ValueError) as error:
            self.ended_because = str(error)
            self.unanswered = True
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
        self._listener.speak_through(None, ready=False)
        self._leave(forget.is_set())
        client.loop_stop()

    def _say_present(self, present: bool, at: datetime) -> None:
        presence = self._plan.presence
        if presence is not None:
            self._client.publish(presence.topic, presence.payload(present, at), qos=1, retain=True)

    def _leave(self, forget: bool) -> None:
        self._say_present(False, clock.now())
        if forget and self._version is MQTTProtocolVersion.MQTTv5:
            properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]  # as above
            properties.SessionExpiryInterval = 0
            self._client.disconnect(properties=properties)
        else:
            self._client.disconnect()

    def _make_client(self) -> BulkClient:
        settings = self._settings
        client: BulkClient

        def take(messages: Sequence[Publish]) -> None:
            self._listener.take(client, messages)

        client = BulkClient(self._plan.client_id, self._version, take)
        if settings.mqtt_username is not None:
            password = settings.mqtt_password.get_secret_value() if settings.mqtt_password else None
            client.username_pw_set(settings.mqtt_username, password)
        if self._address.scheme == "mqtts":
            client.tls_set_context(
                client_context(settings.mqtt_ca_file, settings.mqtt_certificate_file, settings.mqtt_key_file)
            )
        presence = self._plan.presence
        if presence is not None:
            client.will_set(presence.topic, presence.payload(False, self._at), qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
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
        self._listener.speak_through(self._client, ready=False)
        _log.info(
            "connected to the broker",
            action="mqtt.connected",
            client_id=self._plan.client_id,
            version="5" if self._version is MQTTProtocolVersion.MQTTv5 else "3.1.1",
            session_present=flags.session_present,
        )
        for topic in self._plan.given_up:
            self._client.unsubscribe(topic)
        for topic in self._plan.filters:
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
                client_id=self._plan.client_id,
                reason=refused[0],
            )
            return
        self._awaited.discard(mid)
        if not self._awaited:
            self._say_present(True, self._at)
            metrics.observe_connected()
            self._listener.speak_through(self._client, ready=True)

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
