"""Formats as other people's programs speak them, through a real Mosquitto."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue

import pytest

from iot_service.config import load_settings
from iot_service.ingest.formats import senml
from iot_service.ingest.formats.router import Router, load_formats
from iot_service.ingest.jsontext import parse_json
from iot_service.ingest.sent import Entry, Sent
from iot_service.ingest.source import Message
from iot_service.products.catalog import load_catalog
from tests.ingest.examples import MILLIS, RECEIVED
from tests.servers.mosquitto import MosquittoServer
from tests.servers.mqtt import Listener, connected
from tests.servers.plugin import running

GATEWAY = """\
import sys
from tb_gateway_mqtt import TBGatewayMqttClient

gateway = TBGatewayMqttClient("127.0.0.1", int(sys.argv[1]), "gateway")
gateway.connect()
results = [
    gateway.gw_connect_device("Freezer A", "freezer"),
    gateway.gw_send_telemetry("Freezer A", [{"ts": int(sys.argv[2]), "values": {"temperature": -70.5, "door": False}}]),
    gateway.gw_send_telemetry("Freezer A", {"temperature": -70.25}),
    gateway.gw_send_attributes("Freezer A", {"firmware": "1.2.3"}),
    gateway.gw_disconnect_device("Freezer A"),
]
for result in results:
    assert result.get() == 0, result
gateway.disconnect()
"""


@pytest.fixture(scope="module")
def broker(pytestconfig: pytest.Config) -> Iterator[MosquittoServer]:
    """A Mosquitto of these tests alone."""
    with running(pytestconfig, MosquittoServer()) as server:
        yield server


def received(messages: Queue[tuple[str, bytes]], count: int) -> list[tuple[str, bytes]]:
    return [messages.get(timeout=10) for _ in range(count)]


def publish(broker: MosquittoServer, topic: str, payload: str) -> None:
    """Publish with the C client that comes with Mosquitto."""
    command = ["mosquitto_pub", "-p", str(broker.port), "-q", "1", "-t", topic, "-m", payload]
    subprocess.run(command, check=True, timeout=10, capture_output=True)


def test_senml_from_mosquitto_pub(broker: MosquittoServer) -> None:
    with connected(broker.port, "senml") as listener:
        listener.subscribe("iot/v1/+/telemetry")
        pack = [
            {"bn": "urn:dev:ops:freezer-1:", "bt": MILLIS / 1000, "bver": 10},
            {"n": "temperature", "u": "Cel", "v": -70.5},
            {"n": "door", "t": -1, "vb": True},
        ]
        publish(broker, "iot/v1/freezer-1/telemetry", json.dumps(pack))
        ((_, payload),) = received(listener.messages, 1)
    document = parse_json(payload)
    assert senml.is_senml(document)
    assert isinstance(document, list)
    assert senml.read(document, device_id="freezer-1", received=RECEIVED) == Sent(
        "freezer-1",
        [Entry(MILLIS, {"temperature": -70.5}, {"temperature": "degC"}), Entry(MILLIS - 1000, {"door": True})],
    )


def listen(listener: Listener, formats: str) -> Router:
    """Subscribe to what the formats want, and return what reads it."""
    router = Router(load_formats(load_settings(formats=formats), load_catalog()))
    for topic_filter in router.subscriptions():
        listener.subscribe(topic_filter)
    return router


def test_the_gateway_client_of_thingsboard(broker: MosquittoServer, client_python: Callable[[str], Path]) -> None:
    python = client_python("thingsboard")
    with connected(broker.port, "thingsboard") as listener:
        router = listen(listener, "thingsboard")
        done = subprocess.run(
            [str(python), "-c", GATEWAY, str(broker.port), str(MILLIS)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found = [
            sent
            for topic, payload in received(listener.messages, 5)
            for sent in router.read(Message(topic, payload, RECEIVED)) or []
        ]
    assert [sent.faults for sent in found] == [[]] * 5
    assert [sent.online for sent in found] == [True, None, None, None, False]
    timed, plain, attributes = [sent.entries for sent in found[1:4]]
    assert timed == [Entry(MILLIS, {"temperature": -70.5, "door": False})]
    assert [entry.values for entry in plain] == [{"temperature": -70.25}]
    assert [entry.values for entry in attributes] == [{"firmware": "1.2.3"}]


def test_what_tasmota_and_zigbee2mqtt_publish_from_mosquitto_pub(broker: MosquittoServer) -> None:
    with connected(broker.port, "mapped") as listener:
        router = listen(listener, "tasmota,zigbee2mqtt")
        publish(broker, "tele/freezer-1/LWT", "Online")
        publish(broker, "zigbee2mqtt/probe", '{"temperature": -18.5, "linkquality": 3}')
        found = [router.read(Message(topic, payload, RECEIVED)) for topic, payload in received(listener.messages, 2)]
    assert found == [
        [Sent("freezer-1", [], [], online=True)],
        [Sent("probe", [Entry(None, {"temperature": -18.5}, {"temperature": "degC"})], [])],
    ]
