"""A client library of other people through a real Mosquitto: it is understood, and understands our request."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue
from threading import Thread

import pytest

from iot_service.ingest.sent import Sent
from iot_service.ingest.source import Message
from iot_service.ingest.sparkplug.reader import SparkplugReader
from iot_service.ingest.sparkplug.topics import SUBSCRIPTION
from tests.ingest.examples import RECEIVED
from tests.servers.mosquitto import MosquittoServer
from tests.servers.mqtt import Listener, connected

SCRIPT = Path(__file__).with_name("pysparkplug_node.py")
WAIT = 10.0  # seconds


class Node:
    """The process of an edge node."""

    def __init__(self, python: Path, port: int) -> None:
        self.process = subprocess.Popen(
            [str(python), str(SCRIPT), str(port)], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.lines: Queue[str] = Queue()
        self._thread = Thread(target=self._listen)
        self._thread.start()
        assert self.lines.get(timeout=WAIT) == "ready"

    def do(self, command: str) -> None:
        """Send one command."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        self._thread.join()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line.strip())


class Subscriber:
    """Reads what the broker has, as ingest does, and publishes the requests."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._reader = SparkplugReader(lambda _keys: {})
        self._received = RECEIVED
        self.requests: list[str] = []

    def hear(self, count: int) -> list[Sent]:
        """What devices said in the next ``count`` messages that say something."""
        said: list[Sent] = []
        while count:
            topic, payload = self._listener.messages.get(timeout=WAIT)
            self._received += 1
            reading = self._reader.read([Message(topic, payload, self._received)])
            self._reader.keep(reading)
            for address, request in reading.rebirths:
                self.requests.append(address)
                self._listener.client.publish(address, request)
            ((_, sent),) = reading.sent
            said += sent
            count -= bool(sent)
        return said


@pytest.fixture
def broker() -> Iterator[MosquittoServer]:
    """A broker of our own, since what nodes leave behind would be heard by others."""
    server = MosquittoServer()
    if reason := server.available():
        pytest.skip(reason)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def subscriber(broker: MosquittoServer) -> Iterator[Subscriber]:
    with connected(broker.port, "sparkplug-host") as listener:
        listener.subscribe(SUBSCRIPTION)
        yield Subscriber(listener)


@pytest.fixture
def node(broker: MosquittoServer, subscriber: Subscriber, client_python: Callable[[str], Path]) -> Iterator[Node]:
    made = Node(client_python("sparkplug"), broker.port)
    yield made
    made.stop()


def test_births_data_and_deaths_of_a_real_library_are_understood(node: Node, subscriber: Subscriber) -> None:
    node.do("connect")
    edge, freezer = subscriber.hear(2)
    assert (edge.device_id, edge.online) == ("plant/edge", True)
    assert edge.entries[0].values == {"voltage": 12.1}
    assert (freezer.device_id, freezer.online, freezer.faults) == ("plant/edge/freezer", True, [])
    values = {name: value for entry in freezer.entries for name, value in entry.values.items()}
    assert values == {"Inputs/temperature": -70.2, "door": False, "offset": -5, "firmware": "2.1"}
    node.do("temperature -69.5")
    (data,) = subscriber.hear(1)
    assert data.entries[0].values == {"Inputs/temperature": -69.5}
    assert data.entries[0].ts is not None
    node.do("leave")
    (gone,) = subscriber.hear(1)
    assert (gone.device_id, gone.online) == ("plant/edge/freezer", False)
    assert subscriber.requests == []


def test_a_real_library_is_asked_for_its_births_and_gives_them(node: Node, subscriber: Subscriber) -> None:
    node.do("connect")
    subscriber.hear(2)
    node.do("skip")
    node.do("temperature -60")
    (data,) = subscriber.hear(1)
    assert data.entries[0].values == {"Inputs/temperature": -60.0}
    assert subscriber.requests == ["spBv1.0/plant/NCMD/edge"]
    assert node.lines.get(timeout=WAIT) == "rebirth requested"
    node.do("goodbye")  # the library has no rebirth of its own: to connect again is its way
    assert [(sent.device_id, sent.online) for sent in subscriber.hear(1)] == [
        ("plant/edge", False),
        ("plant/edge/freezer", False),
    ]
    node.do("connect")
    assert [(sent.device_id, sent.online) for sent in subscriber.hear(2)] == [
        ("plant/edge", True),
        ("plant/edge/freezer", True),
    ]
    node.do("temperature -61")
    subscriber.hear(1)
    assert len(subscriber.requests) == 1


def test_a_real_library_that_crashes_is_offline_by_its_will(node: Node, subscriber: Subscriber) -> None:
    node.do("connect")
    subscriber.hear(2)
    node.stop()
    assert [(sent.device_id, sent.online) for sent in subscriber.hear(1)] == [
        ("plant/edge", False),
        ("plant/edge/freezer", False),
    ]
