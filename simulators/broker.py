"""Where the broker is, who we are to it, and which MQTT it speaks."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from iot_service import logs
from iot_service.errors import StopError

_ANSWER = 5.0  # seconds that a broker has to answer a connection
IN_FLIGHT = 100
"""How many messages are sent before the first acknowledgement, unless the broker allows fewer."""

_RETRY = 0.5  # seconds between two tries to reach it
_UNSUPPORTED_VERSION = 0x84
_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker at ``url`` (``mqtt://host:port`` or ``mqtts://…``). Without a user name, who connects is anybody."""

    url: str
    username: str | None = None
    password: str | None = None

    @property
    def host(self) -> str:
        """Host name or address."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """TCP port; the standard one if the address has none."""
        return urlsplit(self.url).port or (8883 if self.encrypted else 1883)

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken."""
        return urlsplit(self.url).scheme == "mqtts"

    def client(self, client_id: str, protocol: MQTTProtocolVersion) -> Client:
        """Return a paho client that is ready to connect to it."""
        client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=protocol)
        if self.encrypted:
            client.tls_set()
        if self.username is not None:
            client.username_pw_set(self.username, self.password)
        return client


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a broker wants to be spoken to: which MQTT, and how many unacknowledged messages at once."""

    protocol: MQTTProtocolVersion
    in_flight: int = IN_FLIGHT


def check_address(url: str) -> None:
    """Raise StopError, saying what would be right, unless ``url`` names a broker."""
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("mqtt", "mqtts") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right:
        raise StopError(f"{url!r} is no address of a broker; it looks like mqtt://host:1883 or mqtts://host:8883")


def find_dialect(broker: Broker, stop: threading.Event) -> Dialect | None:
    """Ask ``broker`` in MQTT 5, which not all speak; wait for one that is away, and give None on ``stop``."""
    told = False
    while not stop.is_set():
        try:
            return _answer_to_mqtt5(broker) or Dialect(MQTTv311)
        except OSError as error:
            if not told:
                _log.warning(
                    "The broker cannot be reached; trying on.",
                    action="simulator.unreachable",
                    url=broker.url,
                    reason=str(error),
                )
            told = True
            stop.wait(_RETRY)
    return None


def _answer_to_mqtt5(broker: Broker) -> Dialect | None:
    """Return None if it does not speak MQTT 5; a refusal is an answer too. Raises OSError if it cannot be reached."""
    answers: list[Dialect | None] = []

    def connected(_c: Client, _u: object, _f: ConnectFlags, reason: ReasonCode, said: Properties | None) -> None:
        in_flight = min(IN_FLIGHT, getattr(said, "ReceiveMaximum", IN_FLIGHT))
        answers.append(None if reason.value == _UNSUPPORTED_VERSION else Dialect(MQTTv5, in_flight))

    def ended(_c: Client, _u: object, _f: DisconnectFlags, _r: ReasonCode, _p: Properties | None) -> None:
        answers.append(None)

    client = broker.client("", MQTTv5)
    client.on_connect, client.on_disconnect = connected, ended
    client.connect(broker.host, broker.port, keepalive=30)
    try:
        patience = time.monotonic() + _ANSWER
        while not answers and time.monotonic() < patience:
            if client.loop(timeout=0.2) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
    finally:
        client.disconnect()
    return answers[0] if answers else None
