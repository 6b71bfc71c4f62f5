"""Publish simulated devices over MQTT, each as the device it plays, at the pace of the clock."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta

from iot_service import clock
from simulators.broker import Broker, Dialect, check_address, find_dialect
from simulators.connection import DeviceConnection
from simulators.counters import Counters
from simulators.message import Message
from simulators.scenarios import Scenario

_GLANCE = 0.2  # seconds; how often the clock and the stop are looked at while waiting
_FAREWELL = 2.0  # seconds that all devices together wait for the last acknowledgements


def simulate(
    scenarios: Sequence[Scenario],
    devices: Sequence[str],
    *,
    url: str,
    seed: int = 0,
    speed: float | None = 1.0,
    stop: threading.Event | None = None,
    until: datetime | None = None,
    counters: Counters | None = None,
    passwords: Mapping[str, str] | None = None,
    connections: int = 50,
) -> Counters:
    """Let each of ``devices`` (ids) go through the scenario in the same place of ``scenarios``; return the counts.

    ``speed`` is relative to the clock: at 1 devices live in step with it. Faster, a device begins in the past, so far
    back that it has caught up with the clock when its scenario's ``within`` is over, and lives in step from then on;
    None sends that past in one burst. No device ever reports the future (rubbish apart).

    It ends at ``stop``, at the devices' time ``until`` (UTC), or when no scenario has more to tell. ``counters`` may be
    given to watch it. ``passwords`` are by device, whose user name is its id. Up to ``connections`` devices have a
    connection and last will each; what is beyond shares the last one, without a will.

    Raises StopError when ``url`` is no address of a broker, or the broker refuses a device.
    """
    check_address(url)
    stop, counters = stop or threading.Event(), counters or Counters()
    dialect = find_dialect(_broker(url, devices[0], passwords), stop) if devices else None
    if dialect is None:
        return counters
    started = clock.now()
    streams = [
        _timed(device, scenario, seed=seed, speed=speed, started=started, until=until)
        for device, scenario in zip(devices, scenarios, strict=True)
    ]
    with ExitStack() as closing:
        fleet = _Fleet(url, dialect, devices, counters=counters, passwords=passwords, connections=connections)
        closing.callback(fleet.close)
        for due, device, message in heapq.merge(*streams, key=lambda item: item[0]):
            if not _wait_until(due, stop) or not fleet.send(device, message, stop):
                break
        fleet.drain(stop)
    return counters


class _Fleet:
    """The connections of all simulated devices."""

    def __init__(
        self,
        url: str,
        dialect: Dialect,
        devices: Sequence[str],
        *,
        counters: Counters,
        passwords: Mapping[str, str] | None,
        connections: int,
    ) -> None:
        self._by_device: dict[str, DeviceConnection] = {}
        self._retained: dict[DeviceConnection, set[str]] = {}
        alone = list(devices) if len(devices) <= connections else list(devices[: connections - 1])
        groups = [[device] for device in alone] + ([rest] if (rest := list(devices[len(alone) :])) else [])
        for group in groups:
            broker = _broker(url, group[0], passwords)
            connection = DeviceConnection(broker, dialect, group, counters=counters)
            connection.open()
            self._retained[connection] = set()
            self._by_device |= dict.fromkeys(group, connection)

    def send(self, device: str, message: Message, stop: threading.Event) -> bool:
        """Send one message of ``device``; False if ``stop`` came first."""
        connection, topic = self._by_device[device], message.topic(device)
        if message.retain:
            self._retained[connection].add(topic)
        return connection.send(topic, message.body(), retain=message.retain, stop=stop)

    def drain(self, stop: threading.Event) -> None:
        """Wait for all acknowledgements, only a moment once ``stop`` has come."""
        late = [connection for connection in self._retained if not connection.drain(stop=stop)]
        for connection in late:
            connection.drain(stop=threading.Event(), patience=_FAREWELL / len(late))

    def close(self) -> None:
        """End all connections, and take back what was retained, so that it does not outlive the simulation."""
        for connection, topics in self._retained.items():
            connection.close(forget=sorted(topics), patience=_FAREWELL / len(self._retained))


def _broker(url: str, device: str, passwords: Mapping[str, str] | None) -> Broker:
    password = passwords.get(device) if passwords else None
    return Broker(url, device if password is not None else None, password)


def _timed(
    device: str,
    scenario: Scenario,
    *,
    seed: int,
    speed: float | None,
    started: datetime,
    until: datetime | None,
) -> Iterator[tuple[datetime, str, Message]]:
    """Yield (when it is to be sent by the clock, device, message), in order of time, up to the device's ``until``."""
    begin = started - _past(scenario.within, speed)
    messages = scenario.build(f"{seed}/{device}", begin)
    for message in itertools.takewhile(lambda each: until is None or each.ts <= until, messages):
        due = message.ts if speed is None else max(message.ts, started + (message.ts - begin) / speed)
        yield due, device, message


def _past(within: timedelta, speed: float | None) -> timedelta:
    """Return how far back a device must begin to catch up with the clock when ``within`` of its time is over."""
    if speed is None:
        return within
    if speed <= 0:
        raise ValueError(f"the speed must be above 0, got {speed}")
    return within * max(0.0, 1 - 1 / speed)


def _wait_until(due: datetime, stop: threading.Event) -> bool:
    """Wait until the clock shows ``due``; False if ``stop`` came first."""
    while not stop.is_set():
        seconds = clock.wall_seconds(due - clock.now())
        if seconds <= 0:
            return True
        stop.wait(min(seconds, _GLANCE))
    return False
