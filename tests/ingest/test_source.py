"""What every source does: the same tests for the broker's and for the fake that stands in for it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import pytest

from iot_service.ingest.mqtt import MqttSource
from iot_service.ingest.mqtt.plan import working
from iot_service.ingest.runner import OpenSource
from iot_service.ingest.source import Delivery, Message, Source
from iot_service.ingest.topics import SUBSCRIPTION
from tests.ingest.fake_source import FakeBroker
from tests.ingest.publisher import make_settings, publisher, wait_until
from tests.servers.mosquitto import MosquittoServer

TOPIC = "iot/v1/freezer-1/telemetry"
_slots = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of source: how to open it (again, as the same reader) and how to publish to it."""

    open: Callable[[], AbstractContextManager[OpenSource]]
    publish: Callable[[str, bytes], None]


@contextmanager
def mqtt_kind(server: MosquittoServer) -> Iterator[Kind]:
    settings, slot = make_settings(mqtt_url=server.url), f"contract-{next(_slots)}"

    @contextmanager
    def open_source() -> Iterator[OpenSource]:
        with MqttSource(settings, linger=0.02) as source:
            source.open(working(slot, (SUBSCRIPTION,), None))
            wait_until(lambda: source.connected)
            yield source

    with open_source():
        pass  # the broker keeps messages from the first subscription on
    with publisher(server.port) as device:
        yield Kind(open_source, device.publish)


@pytest.fixture(params=["fake", "mqtt"])
def kind(request: pytest.FixtureRequest) -> Iterator[Kind]:
    if request.param == "fake":
        broker = FakeBroker()
        yield Kind(broker.open, broker.publish)
    else:
        with mqtt_kind(request.getfixturevalue("mosquitto_server")) as found:
            yield found


def receive(source: Source, wanted: int, *, limit: int = 100) -> list[Delivery]:
    """Deliveries with ``wanted`` messages in all, markers left out."""
    deliveries: list[Delivery] = []
    for _ in range(60):
        if sum(len(told(delivery)) for delivery in deliveries) >= wanted:
            break
        deliveries.append(source.receive(limit, 0.25))
    return deliveries


def told(delivery: Delivery) -> list[Message]:
    return [message for message in delivery.messages if "$ingest" not in message.topic]


def payloads(deliveries: list[Delivery]) -> list[bytes]:
    return [message.payload for delivery in deliveries for message in told(delivery)]


def test_messages_come_in_the_order_they_were_sent_each_with_a_time_of_its_own(kind: Kind) -> None:
    with kind.open() as source:
        for number in range(20):
            kind.publish(TOPIC, b"%d" % number)
        found = receive(source, 20)
    assert payloads(found) == [b"%d" % number for number in range(20)]
    times = [message.received for delivery in found for message in delivery.messages]
    assert times == sorted(set(times))
    assert {message.topic for delivery in found for message in told(delivery)} == {TOPIC}


def test_no_more_messages_come_at_once_than_were_asked_for(kind: Kind) -> None:
    with kind.open() as source:
        for number in range(5):
            kind.publish(TOPIC, b"%d" % number)
        found = receive(source, 5, limit=2)
    assert all(len(delivery.messages) <= 2 for delivery in found)
    assert len(payloads(found)) == 5


def test_an_empty_delivery_comes_when_there_is_nothing(kind: Kind) -> None:
    with kind.open() as source:
        delivery = source.receive(10, 0.01)
        assert told(delivery) == []
        delivery.acknowledge()


def test_what_was_sent_while_the_source_was_closed_comes_when_it_opens(kind: Kind) -> None:
    kind.publish(TOPIC, b"early")
    with kind.open() as source:
        assert payloads(receive(source, 1)) == [b"early"]


def test_what_was_not_acknowledged_comes_again_and_what_was_does_not(kind: Kind) -> None:
    with kind.open() as source:
        kind.publish(TOPIC, b"kept")
        for delivery in receive(source, 1):
            delivery.acknowledge()
        kind.publish(TOPIC, b"crashed on")
        receive(source, 1)
    with kind.open() as source:
        kind.publish(TOPIC, b"next")
        assert payloads(receive(source, 2)) == [b"crashed on", b"next"]
