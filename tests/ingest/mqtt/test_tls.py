"""The source behind TLS, against a real Mosquitto: the same messages, read ahead just as well."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from iot_service.engines.ports import free_port
from iot_service.ingest.mqtt import MqttSource
from iot_service.ingest.mqtt.plan import working
from iot_service.ingest.topics import SUBSCRIPTION
from tests.ingest.publisher import make_settings, publisher, wait_until
from tests.registry.certificates import Authority
from tests.servers.mosquitto import MosquittoServer
from tests.servers.plugin import running

TOPIC = "iot/v1/freezer-1/telemetry"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def secure(pytestconfig: pytest.Config, authority: Authority) -> Iterator[tuple[int, MosquittoServer]]:
    """A broker that listens with TLS as well, and the port of that."""
    port = free_port()
    extra = f"listener {port} 127.0.0.1\ncafile ./ca.pem\ncertfile ./broker.pem\nkeyfile ./broker.key\n"
    server = MosquittoServer(extra=extra)
    certificate, key = authority.issue("broker")
    server.beside = {"ca.pem": authority.certificate, "broker.pem": certificate, "broker.key": key}
    with running(pytestconfig, server):
        yield port, server


def test_everything_arrives_once_and_in_order_over_tls(
    secure: tuple[int, MosquittoServer], authority: Authority
) -> None:
    port, server = secure
    settings = make_settings(mqtt_url=f"mqtts://localhost:{port}", mqtt_ca_file=authority.certificate)
    sent = [b"%d %s" % (number, b"x" * (number % 300)) for number in range(2000)] + [b"y" * 200_000]
    found: list[bytes] = []
    with MqttSource(settings) as source, publisher(server.port) as device:
        source.open(working("tls", (SUBSCRIPTION,), None))
        wait_until(lambda: source.connected)
        device.publish_all([(TOPIC, payload) for payload in sent])

        def all_came() -> bool:
            delivery = source.receive(1000, 0.2)
            found.extend(message.payload for message in delivery.messages if message.topic == TOPIC)
            delivery.acknowledge()
            return len(found) >= len(sent)

        wait_until(all_came)
    assert found == sent


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho leaves it to the collector
def test_a_broker_whose_certificate_nobody_vouches_for_is_not_spoken_to(
    secure: tuple[int, MosquittoServer], capsys: pytest.CaptureFixture[str]
) -> None:
    with MqttSource(make_settings(mqtt_url=f"mqtts://localhost:{secure[0]}")) as source:
        source.open(working("tls", (SUBSCRIPTION,), None))

        def refused() -> bool:
            said = capsys.readouterr()
            return "certificate verify failed" in said.out + said.err

        wait_until(refused)
        assert not source.connected
    gc.collect()  # here, where its warnings are expected, and not within another test
