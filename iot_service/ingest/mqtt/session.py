"""One session at the broker: a thread that stays connected, for ever, under one client id."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from paho.mqtt.client import MQTTMessageInfo
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from iot_service import clock, logs, metrics
from iot_service.config import Settings
from iot_service.errors import StopError
from iot_service.ingest.marker import write_marker
from iot_service.ingest.micros import to_micros
from iot_service.ingest.mqtt.client import BulkClient
from iot_service.ingest.mqtt.connection import Connection
from iot_service.ingest.mqtt.packets import Publish
from iot_service.ingest.mqtt.plan import SessionPlan
from iot_service.ingest.topics import marker_topic

_MARKER_EVERY = 0.5  # seconds
_BACKOFF = (0.2, 0.5, 1.0, 2.0, 5.0)  # seconds before another attempt, when connections do not last
_PATIENCE = 1.0  # seconds at most before another attempt, when there is nobody: back before the devices are
_LASTING = 10.0  # seconds after which a connection counts as a good one, and the backoff begins anew
_SHORT_LIVED = " (again, soon after the start); does another ingest process run with the same IOT_MQTT_SLOT?"
# After a long time without the broker devices need a while to come back as well: who vouched at once that all they said
# is stored would have them all taken for silent.
_LONG_AWAY = 300.0  # seconds
_RETURN = 60.0  # seconds
_log = logs.get(__name__)

Take = Callable[[str, BulkClient, Sequence[Publish]], None]


class Session:
    """Passes on what the broker has for one client id, and connects again whenever the connection is lost.

    ``take`` gets the slot, the client and the messages, in the network's thread, and may wait for room; ``sender`` is
    the token in our markers.
    """

    def __init__(self, settings: Settings, plan: SessionPlan, *, sender: str, take: Take) -> None:
        self.plan = plan
        self._settings, self._sender, self._take = settings, sender, take
        self._closed = threading.Event()
        self._forget = threading.Event()
        self._client: BulkClient | None = None  # of the present connection
        self.ready_since: datetime | None = None
        """Since when (UTC) the broker has accepted our subscriptions on it; None when it has not."""
        self._next_marker = 0.0
        self._away_since: float | None = None
        self.connections = 0
        """How many connections the broker has accepted."""
        self._thread = threading.Thread(target=self._stay_connected, name=f"mqtt {plan.slot}", daemon=True)
        self._thread.start()

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted our subscriptions on the present connection."""
        return self.ready_since is not None

    def close(self, *, forget: bool = False) -> None:
        """Disconnect; the broker keeps the session and what comes for it, unless it is to ``forget`` it."""
        if forget:
            self._forget.set()
        self._closed.set()

    def join(self) -> None:
        """Wait until it is disconnected."""
        self._thread.join()

    def uses(self, client: BulkClient) -> bool:
        """Return whether ``client`` is the present connection: what came on an earlier one comes again."""
        return self._client is client

    def send_marker_when_due(self) -> None:
        """Send a marker, if it is time for one and there is a connection that will bring it back."""
        client, at = self._client, time.monotonic()
        if client is None or self.ready_since is None or at < self._next_marker:
            return
        self._next_marker = at + _MARKER_EVERY
        client.publish(marker_topic(self.plan.slot), write_marker(self._sender, to_micros(clock.now())), qos=1)

    def publish(self, topic: str, payload: bytes, *, qos: int, expiry: int | None) -> MQTTMessageInfo | None:
        """Hand a message to the broker; None when there is no connection now. ``expiry`` is in seconds (MQTT 5)."""
        client = self._client
        if client is None or self.ready_since is None:
            return None
        properties = None
        if expiry is not None and client.protocol is MQTTProtocolVersion.MQTTv5:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho has no types there
            properties.MessageExpiryInterval = expiry
        info = client.publish(topic, payload, qos=qos, properties=properties)
        return info if info.rc is MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def refusal(self, mid: int) -> str | None:
        """Return why the broker refused the message of that number, which it has answered; None if it took it."""
        client = self._client
        return client.refused.pop(mid, None) if client is not None else None

    # What a connection tells -------------------------------------------------------------------------------------

    def speak_through(self, client: BulkClient | None, *, ready: bool) -> None:
        """See :class:`iot_service.ingest.mqtt.connection.Listener`."""
        at = time.monotonic()
        if ready and self._away_since is not None and at - self._away_since > _LONG_AWAY:
            self._next_marker = at + _RETURN
        self._away_since = None if ready else self._away_since or at
        self._client, self.ready_since = client, clock.now() if ready else None

    def take(self, client: BulkClient, messages: Sequence[Publish]) -> None:
        """See :class:`iot_service.ingest.mqtt.connection.Listener`."""
        self._take(self.plan.slot, client, messages)

    # The thread that keeps the connection --------------------------------------------------------------------------

    def _stay_connected(self) -> None:
        version = MQTTProtocolVersion.MQTTv5
        speaks_5 = False
        failures = 0
        while not self._closed.is_set():
            try:
                connection = Connection(self._settings, self.plan, version, self)
            except (StopError, OSError) as error:  # certificates are being changed, say
                _log.error("cannot connect to the broker now", action="mqtt.no_tls", reason=str(error))
                self._closed.wait(_BACKOFF[-1])
                continue
            began = time.monotonic()
            connection.serve(self._closed, forget=self._forget)
            self.connections += connection.accepted
            if self._closed.is_set():
                return
            # Two processes with one client id throw each other out as fast as they may: they must not be fast.
            lasted = connection.accepted and time.monotonic() - began >= _LASTING
            failures = 0 if lasted else failures + 1
            delay = _BACKOFF[min(failures, len(_BACKOFF) - 1)]
            if connection.unanswered:
                delay = min(delay, _PATIENCE)
            metrics.observe_disconnected()
            _log.warning(
                "the connection to the broker ended; trying again",
                action="mqtt.lost" if connection.accepted else "mqtt.failed",
                broker=urlsplit(self._settings.mqtt_url or "").hostname,
                reason=connection.ended_because + (_SHORT_LIVED if connection.accepted and failures > 1 else ""),
                seconds=delay,
            )
            # A broker that knows no MQTT 5 says so, or just hangs up; one that is away tells nothing about versions,
            # nor does one that took it before and is slow now.
            speaks_5 = speaks_5 or (connection.accepted and version is MQTTProtocolVersion.MQTTv5)
            if connection.accepted or version is MQTTProtocolVersion.MQTTv311:
                version = MQTTProtocolVersion.MQTTv5
            elif connection.hung_up and not speaks_5:
                version = MQTTProtocolVersion.MQTTv311
                continue
            self._closed.wait(delay)
