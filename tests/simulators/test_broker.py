from __future__ import annotations

import threading
from pathlib import Path

import pytest
from paho.mqtt.client import MQTTv5, MQTTv311

from iot_service.engines.broker import EmbeddedBroker
from iot_service.engines.ports import free_port
from iot_service.errors import StopError
from simulators.broker import Broker, check_address, find_dialect
from tests.servers.mosquitto import MosquittoServer


def test_an_address_has_host_port_and_tells_whether_it_is_encrypted() -> None:
    plain, encrypted = Broker("mqtt://broker.example"), Broker("mqtts://broker.example:9999")
    assert (plain.host, plain.port, plain.encrypted) == ("broker.example", 1883, False)
    assert (encrypted.host, encrypted.port, encrypted.encrypted) == ("broker.example", 9999, True)
    assert Broker("mqtts://broker.example").port == 8883


@pytest.mark.parametrize("url", ["", "localhost:1883", "http://localhost", "mqtt://", "mqtt://host:port", "mqtt://h:0"])
def test_what_is_no_address_of_a_broker_is_told(url: str) -> None:
    with pytest.raises(StopError, match="it looks like mqtt://host:1883"):
        check_address(url)


def test_mosquitto_speaks_mqtt_5(mosquitto_server: MosquittoServer) -> None:
    dialect = find_dialect(Broker(mosquitto_server.url), threading.Event())
    assert dialect is not None
    assert dialect.protocol == MQTTv5


def test_amqtt_speaks_only_mqtt_3(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path / "broker", mosquitto=None) as broker:
        dialect = find_dialect(Broker(broker.url), threading.Event())
    assert dialect is not None
    assert dialect.protocol == MQTTv311


def test_a_broker_that_is_away_is_waited_for_until_stopped() -> None:
    stop = threading.Event()
    threading.Timer(0.7, stop.set).start()
    assert find_dialect(Broker(f"mqtt://127.0.0.1:{free_port()}"), stop) is None
