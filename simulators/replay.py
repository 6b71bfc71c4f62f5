"""Replay a recording over MQTT as the device that made it, until the broker has acknowledged all of it."""

from __future__ import annotations

import heapq
import random
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from iot_service import clock
from iot_service.model.reading import SampleKind
from simulators.broker import Broker, check_address, find_dialect
from simulators.connection import DeviceConnection
from simulators.counters import Counters
from simulators.mapping import RecordingMapping, load_mapping
from simulators.message import Message
from simulators.recording import read_messages
from simulators.samples import to_samples


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What became of a replay.

    ``messages`` handed to the broker, the different ``readings`` in them, and how many messages it ``acknowledged``
    (PUBACK) or ``refused``. ``unheard`` of the acknowledged had no subscriber (brokers that speak MQTT 5 tell).
    """

    messages: int
    readings: int
    acknowledged: int
    refused: int = 0
    unheard: int = 0


def replay(
    file: Path,
    device_id: str,
    mapping: RecordingMapping | Path | str,
    *,
    url: str,
    speed: float | None = None,
    shift: bool = True,
    shuffle_within: timedelta | None = None,
    twice: bool = False,
    stop: threading.Event | None = None,
    seed: int = 0,
    password: str | None = None,
) -> ReplayReport:
    """Publish the CSV ``file`` with QoS 1 as ``device_id`` at the broker ``url``; return when all is acknowledged.

    ``mapping`` may be the name of a shipped one, or a file. ``speed`` is relative to the clock; None sends everything
    in one burst. ``shift`` moves the times so that the recording ends now. ``shuffle_within`` lets each message go up
    to that span earlier or later than in the recording (``seed`` says which), so that none comes more than twice the
    span behind a later one. ``twice`` sends the whole recording again after its end. The user name at the broker is the
    device's id if there is a ``password``.

    When the broker goes away it waits for it, and sends again, unchanged, what was not acknowledged. ``stop`` ends it
    early; the report then says how far it came.

    Raises InvalidInputError for what is wrong with file or mapping, before anything is sent; StopError when ``url`` is
    no address of a broker, or the broker refuses the device.
    """
    if speed is not None and speed <= 0:
        raise ValueError(f"the speed must be above 0, got {speed}")
    check_address(url)
    mapping = mapping if isinstance(mapping, RecordingMapping) else load_mapping(mapping)
    messages = list(read_messages(file, device_id, mapping, shift_to=clock.now() if shift else None))
    stop, counters = stop or threading.Event(), Counters()
    broker = Broker(url, device_id if password is not None else None, password)
    dialect = find_dialect(broker, stop)
    if dialect is None:
        return ReplayReport(0, 0, 0)
    connection = DeviceConnection(broker, dialect, [device_id], counters=counters)
    connection.open()
    readings, chance = 0, random.Random(seed)
    try:
        for again in range(2 if twice else 1):
            order = shuffled(messages, shuffle_within, chance) if shuffle_within else iter(messages)
            sent = _send(connection, device_id, _paced(order, speed, stop), stop)
            readings = readings if again else sent
        connection.drain(stop=stop)
    finally:
        connection.close()
    return ReplayReport(counters.published, readings, counters.acknowledged, counters.refused, counters.unheard)


def _send(connection: DeviceConnection, device_id: str, messages: Iterator[Message], stop: threading.Event) -> int:
    """Send ``messages`` until ``stop``; return how many readings went out."""
    readings = 0
    for message in messages:
        if not connection.send(message.topic(device_id), message.body(), stop=stop):
            break
        readings += _readings(message)
    return readings


def shuffled(messages: Iterable[Message], within: timedelta, chance: random.Random) -> Iterator[Message]:
    """Yield ``messages``, which come in order of time, as if each went up to ``within`` earlier or later."""
    waiting: list[tuple[float, int, Message]] = []
    seconds = within.total_seconds()
    for number, message in enumerate(messages):
        measured = message.ts.timestamp()
        while waiting and waiting[0][0] < measured - seconds:
            yield heapq.heappop(waiting)[2]
        heapq.heappush(waiting, (measured + chance.uniform(-seconds, seconds), number, message))
    while waiting:
        yield heapq.heappop(waiting)[2]


def _paced(messages: Iterator[Message], speed: float | None, stop: threading.Event) -> Iterator[Message]:
    """Yield each message when it is due, until ``stop``."""
    began, first = time.monotonic(), None
    for message in messages:
        first = first or message.ts
        if speed is not None:
            due = began + clock.wall_seconds((message.ts - first) / speed)
            if stop.wait(max(0.0, due - time.monotonic())):
                return
        yield message


def _readings(message: Message) -> int:
    """Return how many readings a message of a recording holds."""
    return sum(sample.kind is SampleKind.READING for sample in to_samples([message]))
