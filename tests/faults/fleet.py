"""A fleet of devices under way: it publishes at a steady rate, and knows what the broker has acknowledged."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, NamedTuple, Self

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

_CLIENTS = 4  # connections; each carries the devices of a gateway
_IN_FLIGHT = 1000
_TICK = 0.01  # seconds

Values = tuple[float, float, float, float]
"""Temperature, ambient, door, power."""


class Sent(NamedTuple):
    """One message: whose it is, when it was measured (milliseconds since 1970 UTC), what it said."""

    device: str
    ts: int
    values: Values


@dataclass(frozen=True, slots=True)
class RunningClock:
    """The clock of the installation under test: ``speed`` times as fast as life since ``anchor`` (aware)."""

    anchor: datetime
    speed: float

    def now(self) -> datetime:
        """What time it is on it."""
        began = self.anchor.timestamp()
        return datetime.fromtimestamp(began + (time.time() - began) * self.speed, UTC)


@dataclass
class _Connection:
    client: Client
    pending: dict[int, Sent] = field(default_factory=dict)
    answered: deque[int] = field(default_factory=deque)


class Fleet:
    """Devices that send ``rate`` messages a second in all, evenly; a context manager.

    A device says that its mains power is lost from ``failing[device]`` seconds after the start on; one of
    ``flickering`` says so in every other message, which is never long enough to matter.
    """

    def __init__(
        self,
        port: int,
        devices: list[str],
        clock: RunningClock,
        *,
        rate: float,
        failing: dict[str, float],
        flickering: set[str],
    ) -> None:
        self.acknowledged: list[Sent] = []
        self.last: dict[str, int] = {}
        """When each device measured what it sent last, in milliseconds."""
        self._devices, self._clock, self._rate = devices, clock, rate
        self._failing, self._flickering = failing, flickering
        self._connections = [_connect(port, number) for number in range(_CLIENTS)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fleet")
        self._began = 0.0
        self.sent = 0

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        for connection in self._connections:
            connection.client.disconnect()
            connection.client.loop_stop()

    def end(self, *, within: float = 60.0) -> None:
        """Send no more, and wait until the broker has acknowledged everything that was sent."""
        self._stop.set()
        self._thread.join()
        deadline = time.monotonic() + within
        while any(connection.pending for connection in self._connections):
            self._note_answers()
            assert time.monotonic() < deadline, "the broker does not acknowledge what the fleet has sent"
            time.sleep(_TICK)

    def _run(self) -> None:
        while not self._stop.wait(_TICK):
            due = int((time.monotonic() - self._began) * self._rate)
            while self.sent < due:
                self._send(self.sent)
                self.sent += 1
            self._note_answers()
        for number, device in enumerate(self._devices):  # whoever flickered is well in the end
            self._publish(number, Sent(device, self._ts(), self._values(device, 0)))
            self.sent += 1

    def _send(self, number: int) -> None:
        place = number % len(self._devices)
        device = self._devices[place]
        self._publish(place, Sent(device, self._ts(), self._values(device, number // len(self._devices))))

    def _publish(self, place: int, message: Sent) -> None:
        connection = self._connections[place % _CLIENTS]
        temperature, ambient, door, power = message.values
        values = {"temperature": temperature, "ambient": ambient, "door": door, "power": power}
        payload = json.dumps({"ts": message.ts, "values": values})
        info = connection.client.publish(f"iot/v1/{message.device}/telemetry", payload, qos=1)
        connection.pending[info.mid] = message
        self.last[message.device] = message.ts

    def _ts(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

    def _values(self, device: str, number: int) -> Values:
        start = self._failing.get(device)
        lost = start is not None and time.monotonic() - self._began >= start
        lost = lost or (device in self._flickering and number % 2 == 1)
        return (-70.0 - number % 10 / 10, 21.5, float(number % 2), 0.0 if lost else 1.0)

    def _note_answers(self) -> None:
        for connection in self._connections:
            while connection.answered and (mid := connection.answered[0]) in connection.pending:
                connection.answered.popleft()
                self.acknowledged.append(connection.pending.pop(mid))


def _connect(port: int, number: int) -> _Connection:
    client = Client(
        CallbackAPIVersion.VERSION2, client_id=f"gateway-{number}", clean_session=False,
        protocol=MQTTProtocolVersion.MQTTv311,
    )  # fmt: skip
    connection = _Connection(client)

    def note(_client: Client, _data: object, mid: int, _code: Any, _properties: Any) -> None:
        connection.answered.append(mid)

    client.on_publish = note
    client.max_inflight_messages_set(_IN_FLIGHT)
    client.reconnect_delay_set(1, 1)
    client.connect("127.0.0.1", port)
    client.loop_start()
    return connection
