"""paho's client, spared most of its work on messages and acknowledgements.

It reads ahead, takes PUBLISH packets out of what it read by the hundred, and writes acknowledgements by the hundred;
connecting, subscribing, pings and everything else are paho's. The contract tests of the source would show a change of
its insides.
"""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from iot_service.ingest.mqtt.packets import Publish, is_publish, split_publishes
from iot_service.ingest.mqtt.read_ahead import ReadAhead

_READS_AT_ONCE = 20
_LARGE = 1_000_000  # bytes
_MOST_REFUSED = 1_000  # remembered; most of them (markers) nobody asks about
_PUBACK = struct.Struct(">BBH").pack  # the same in 3.1.1 and, for success, in 5


class BulkClient(Client):
    """A client of one connection that hands messages over in bulk, to ``take``, in the network's thread."""

    def __init__(self, client_id: str, version: MQTTProtocolVersion, take: Callable[[Sequence[Publish]], None]) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if version is MQTTProtocolVersion.MQTTv5 else False,
            protocol=version,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self._take_all = take
        self._properties = version is MQTTProtocolVersion.MQTTv5
        self.refused: dict[int, str] = {}
        """Messages of ours that the broker answered with a refusal (MQTT 5), and why."""
        self.on_publish = self._note_answer
        self.on_message = lambda _client, _data, message: take(
            [Publish(message.topic.encode(), bytes(message.payload), message.mid, message.retain)]
        )

    def _note_answer(self, _client: Client, _data: object, mid: int, code: ReasonCode, _properties: Properties) -> None:
        if code.is_failure:
            if len(self.refused) >= _MOST_REFUSED:
                self.refused.clear()
            self.refused[mid] = str(code)

    @property
    def running(self) -> bool:
        """Whether the network thread lives."""
        return self._thread is not None

    def acknowledge(self, mids: Sequence[int]) -> None:
        """Acknowledge messages of QoS 1, in one go: one by one each costs a lock, a wake-up and a system call."""
        self._packet_queue(0x40, b"".join([_PUBACK(0x40, 2, mid) for mid in mids]), 0, 0)

    def _create_socket(self) -> Any:
        made: Any = super()._create_socket()
        return ReadAhead(made) if type(made) in (socket.socket, ssl.SSLSocket) else made

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Read what has come, up to some megabytes; then acknowledgements and pings have their turn."""
        for _ in range(_READS_AT_ONCE):
            sock: Any = self.socket()
            if not isinstance(sock, ReadAhead):
                return super().loop_read(max_packets)
            if not sock.fill():
                return super().loop_read(max_packets) if sock.ended else MQTTErrorCode.MQTT_ERR_SUCCESS
            result = self._read(sock, max_packets)
            if result is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                return result
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _read(self, sock: ReadAhead, max_packets: int) -> MQTTErrorCode:
        """Take what was read ahead, messages at once and everything else one by one."""
        result = MQTTErrorCode.MQTT_ERR_SUCCESS
        while sock.at < len(sock.ahead):
            if self._in_packet["command"] == 0:
                messages, sock.at = split_publishes(sock.ahead, sock.at, properties=self._properties)
                if messages:
                    with self._msgtime_mutex:
                        self._last_bytes_received = time.monotonic()
                    self._take_all(messages)
                left = len(sock.ahead) - sock.at
                if left == 0 or (left < _LARGE and is_publish(sock.ahead, sock.at)):
                    break  # the rest of a message is still on its way; paho gathers a large one without copying
            result = super().loop_read(max_packets)
            if result is not MQTTErrorCode.MQTT_ERR_SUCCESS or self._sock is None:
                break
        return result
