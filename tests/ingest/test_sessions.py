"""Sessions at a real broker: left, forgotten, and not confused by a broker that is slow or a buffer that is full."""

from __future__ import annotations

import itertools
import threading
import time
from datetime import timedelta

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from iot_service import clock
from iot_service.ingest.mqtt import MqttSource
from iot_service.ingest.mqtt.plan import SessionPlan, draining, working
from iot_service.ingest.topics import SUBSCRIPTION
from tests.ingest.proxy import Proxy
from tests.ingest.publisher import make_settings, publisher, wait_until
from tests.servers.mosquitto import MosquittoServer

TOPIC = "iot/v1/freezer-1/telemetry"
_numbers = itertools.count(1)


def shared() -> SessionPlan:
    """A slot of a shared subscription that the broker has never seen."""
    number = next(_numbers)
    return working(f"session-{number}", (SUBSCRIPTION,), f"sessions-{number}")


def received(source: MqttSource) -> list[bytes]:
    """What comes within a second, markers left out."""
    found = []
    for _ in range(4):
        delivery = source.receive(100, 0.25)
        delivery.acknowledge()
        found += [message.payload for message in delivery.messages if message.topic == TOPIC]
    return found


def test_a_session_that_is_emptied_is_dealt_nothing_new_and_gives_out_what_waits_in_it(
    mosquitto_server: MosquittoServer,
) -> None:
    settings, plan = make_settings(mqtt_url=mosquitto_server.url), shared()
    share = plan.filters[0].split("/")[1]
    with publisher(mosquitto_server.port) as device:
        with MqttSource(settings) as source:
            source.open(plan)
            wait_until(lambda: source.connected)
        device.publish(TOPIC, b"waits")
        with MqttSource(settings) as source:
            source.open(draining(plan.slot, (SUBSCRIPTION,), share))
            wait_until(lambda: source.connected)
            device.publish(TOPIC, b"somebody else's")
            assert received(source) == [b"waits"]
            assert source.forget(plan.slot, stored_until=clock.now())
        with MqttSource(settings) as source:
            source.open(SessionPlan(plan.slot, ("nothing/here",)))
            wait_until(lambda: source.connected)
            device.publish(TOPIC, b"not subscribed any more")
            assert received(source) == []


def test_a_session_is_not_forgotten_for_what_was_stored_before_its_present_connection(
    mosquitto_server: MosquittoServer,
) -> None:
    settings, plan = make_settings(mqtt_url=mosquitto_server.url), shared()
    with MqttSource(settings) as source:
        assert not source.forget(plan.slot, stored_until=clock.now())
        before = clock.now() - timedelta(milliseconds=1)
        source.open(plan)
        wait_until(lambda: source.connected)
        assert not source.forget(plan.slot, stored_until=before)
        assert list(source.slots) == [plan.slot]
        assert source.forget(plan.slot, stored_until=clock.now())
        assert list(source.slots) == []


def test_one_that_shares_from_now_on_gives_up_what_it_had_for_itself(mosquitto_server: MosquittoServer) -> None:
    settings, plan = make_settings(mqtt_url=mosquitto_server.url), shared()
    with MqttSource(settings) as source, publisher(mosquitto_server.port) as device:
        source.open(working(plan.slot, (SUBSCRIPTION,), None))
        wait_until(lambda: source.connected)
        source.close(plan.slot)
        source.open(plan)
        wait_until(lambda: source.connected)
        device.publish(TOPIC, b"once")
        assert received(source) == [b"once"]


def test_a_broker_that_spoke_mqtt_5_and_is_slow_now_is_not_taken_for_an_old_one(
    mosquitto_server: MosquittoServer,
) -> None:
    plan = shared()
    with (
        Proxy(mosquitto_server.port) as proxy,
        MqttSource(make_settings(mqtt_url=f"mqtt://127.0.0.1:{proxy.port}")) as source,
    ):
        source.open(plan)
        wait_until(lambda: source.connected)
        proxy.stall()
        proxy.reset()
        proxy.mend()
        proxy.stall()
        threading.Event().wait(4.5)  # longer than it waits for an answer
        proxy.mend()
        wait_until(lambda: source.connected)
        client = source._sessions[plan.slot]._client
        assert client is not None
        assert client.protocol is MQTTProtocolVersion.MQTTv5


def test_a_session_is_left_at_once_although_its_messages_wait_for_room(mosquitto_server: MosquittoServer) -> None:
    plan = shared()
    source = MqttSource(make_settings(mqtt_url=mosquitto_server.url, queue_messages=10))
    with source, publisher(mosquitto_server.port) as device:
        source.open(plan)
        wait_until(lambda: source.connected)
        for number in range(50):  # at QoS 0 the broker sends more than the queue holds
            device.publish_unsure(TOPIC, b"%d" % number)
        wait_until(lambda: source.waiting >= 10)
        source.take_no_more()
        leaving = threading.Thread(target=source.close, args=(plan.slot,))
        leaving.start()
        leaving.join(5)
        assert not leaving.is_alive()


def test_after_a_long_time_without_the_broker_nothing_is_vouched_for_before_devices_can_be_back(
    mosquitto_server: MosquittoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iot_service.ingest.mqtt.session._LONG_AWAY", 0.5)
    monkeypatch.setattr("iot_service.ingest.mqtt.session._RETURN", 3.0)
    plan = shared()
    own = plan.filters[-1]

    def markers(source: MqttSource, seconds: float) -> int:
        end, found = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            delivery = source.receive(100, 0.1)
            delivery.acknowledge()
            found += sum(message.topic == own for message in delivery.messages)
        return found

    with (
        Proxy(mosquitto_server.port) as proxy,
        MqttSource(make_settings(mqtt_url=f"mqtt://127.0.0.1:{proxy.port}")) as source,
    ):
        source.open(plan)
        wait_until(lambda: source.connected)
        assert markers(source, 2.0) >= 1
        proxy.cut()
        wait_until(lambda: not source.connected)
        markers(source, 1.0)
        proxy.mend()
        wait_until(lambda: source.connected)
        assert markers(source, 1.5) == 0
        assert markers(source, 4.0) >= 1
