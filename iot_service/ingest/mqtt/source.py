"""The broker as a source of messages: any number of sessions that fill one bounded buffer.

The network's threads only append to the buffer. MQTT 5's Receive Maximum keeps the broker from sending more than it
holds; where there is no such thing (3.1.1, QoS 0) a full buffer stops the network's thread, and with it the reading
from the socket. If that lasts longer than the keepalive the broker ends the connection and redelivers later: nothing is
lost, and memory stays bounded either way.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from iot_service import clock
from iot_service.config import Settings
from iot_service.engines.tls import client_context
from iot_service.errors import RetryError, StopError
from iot_service.ingest.buffer import Buffer
from iot_service.ingest.micros import to_micros
from iot_service.ingest.mqtt.client import BulkClient
from iot_service.ingest.mqtt.packets import Publish
from iot_service.ingest.mqtt.plan import SessionPlan
from iot_service.ingest.mqtt.session import Session
from iot_service.ingest.source import Delivery, Message
from iot_service.ingest.topics import marker_topic

_LINGER = 0.05  # seconds that the first message of a batch waits for more
_MARKERS = marker_topic("")
_WAIT = 0.25  # seconds after which markers have their turn


class _Receipt(NamedTuple):
    """Which connection brought a message, and its number there (0: nothing to acknowledge)."""

    client: BulkClient
    mid: int


class MqttSource:
    """Messages of the broker that ``settings`` name; a context manager, open while it is entered.

    It delivers what its sessions bring: none at first, see :meth:`open`. ``sender`` is the token in its markers.
    """

    def __init__(self, settings: Settings, *, linger: float = _LINGER) -> None:
        """Raises StopError when no broker is named, or the files that TLS needs do not do."""
        if settings.mqtt_url is None:
            raise StopError("IOT_MQTT_URL is not set; name the broker, as mqtt://host:port")
        if urlsplit(settings.mqtt_url).scheme == "mqtts":
            client_context(settings.mqtt_ca_file, settings.mqtt_certificate_file, settings.mqtt_key_file)
        self.settings = settings
        self.sender = secrets.token_hex(8)
        self._linger = linger
        self._buffer = Buffer(settings.queue_messages)
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()  # one network thread at a time puts
        self._last_received = 0
        self._earlier_connections = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sessions = list(self._sessions.values())
        for session in sessions:
            session.close()
        self._buffer.close()
        for session in sessions:
            session.join()
        self._sessions = {}

    # Sessions ----------------------------------------------------------------------------------------------------

    def open(self, plan: SessionPlan) -> None:
        """Take up the session of a slot, unless it is open already."""
        if plan.slot not in self._sessions:
            session = Session(self.settings, plan, sender=self.sender, take=self._put)
            self._sessions = {**self._sessions, plan.slot: session}

    def close(self, slot: str) -> None:
        """Leave the session of ``slot``, if it is open; the broker keeps it, and what comes for it."""
        session = self._sessions.get(slot)
        if session is not None:
            self._leave(session)

    def forget(self, slot: str, *, stored_until: datetime) -> bool:
        """Leave the session of ``slot`` and have the broker forget it, now that all before then (UTC) is stored.

        Returns False, and leaves it open, where its present connection is younger than that, or there is none.
        """
        session = self._sessions.get(slot)
        if session is None or session.ready_since is None or session.ready_since > stored_until:
            return False
        self._leave(session, forget=True)
        return True

    def _leave(self, session: Session, *, forget: bool = False) -> None:
        self._sessions = {slot: other for slot, other in self._sessions.items() if other is not session}
        session.close(forget=forget)
        session.join()
        self._earlier_connections += session.connections

    def take_no_more(self) -> None:
        """Let nothing more in: whoever waits for room is let go, and the broker gives it again to the next one."""
        self._buffer.close()

    @property
    def slots(self) -> tuple[str, ...]:
        """The slots whose sessions are open."""
        return tuple(self._sessions)

    @property
    def connected(self) -> bool:
        """Whether there are sessions, and the broker has accepted the subscriptions of all of them."""
        sessions = self._sessions.values()
        return bool(sessions) and all(session.connected for session in sessions)

    @property
    def connections(self) -> int:
        """How many connections the broker has accepted so far."""
        return self._earlier_connections + sum(session.connections for session in self._sessions.values())

    # Messages ----------------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """How many messages are in memory and not taken yet."""
        return len(self._buffer)

    def receive(self, limit: int, timeout: float) -> Delivery:
        """Wait up to ``timeout`` seconds for messages and return at most ``limit`` of them, perhaps none."""
        for session in self._sessions.values():
            session.send_marker_when_due()
        messages = self._buffer.take(limit, timeout=min(timeout, _WAIT), linger=self._linger)
        return Delivery(messages, lambda: self._acknowledge(messages))

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, expiry: int | None = None, timeout: float = 5.0
    ) -> None:
        """Publish a message and wait until the broker has it; at QoS 0 there is nothing to wait for.

        ``expiry`` is in seconds, for brokers that know MQTT 5.

        Raises RetryError when there is no connection, or the broker does not answer within ``timeout`` seconds.
        """
        for session in self._sessions.values():
            info = session.publish(topic, payload, qos=qos, expiry=expiry)
            if info is None:
                continue
            if qos == 0:
                return  # nobody will say whether it arrived
            try:
                info.wait_for_publish(timeout)
            except (RuntimeError, ValueError) as error:
                raise RetryError(str(error)) from None
            if not info.is_published():
                raise RetryError(f"the broker did not take the message within {timeout:g} s")
            if (refusal := session.refusal(info.mid)) is not None:
                raise RetryError(f"the broker refuses the message: {refusal}")
            return
        raise RetryError("there is no connection to the broker now")

    def _acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge on the connections that brought them; what came on an earlier one the broker redelivers."""
        mids: dict[BulkClient, list[int]] = {}
        for message in messages:
            receipt = message.receipt
            if isinstance(receipt, _Receipt) and receipt.mid:
                mids.setdefault(receipt.client, []).append(receipt.mid)
        for client, numbers in mids.items():
            if any(session.uses(client) for session in self._sessions.values()):
                client.acknowledge(numbers)

    def _put(self, slot: str, client: BulkClient, published: Sequence[Publish]) -> None:
        own = marker_topic(slot)
        with self._lock:
            received = max(to_micros(clock.now()), self._last_received + 1)
            self._last_received = received + len(published)
            messages = []
            for place, (topic, payload, mid, retained) in enumerate(published):
                try:
                    name = topic.decode()
                except UnicodeDecodeError:
                    name = "(not UTF-8)"
                # A marker vouches for what came before it in its own session only.
                told = b"" if name.startswith(_MARKERS) and name != own else payload
                messages.append(Message(name, told, received + place, retained, _Receipt(client, mid)))
            self._buffer.put_all(messages)
