from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage

from iot_service import clock
from iot_service.engines.broker import EmbeddedBroker
from simulators.counters import Counters
from simulators.message import Message, telemetry, to_milliseconds
from simulators.publish import simulate
from simulators.scenarios import SCENARIOS, Scenario, find_scenario
from tests.servers.mosquitto import MosquittoServer
from tests.simulators.listener import listening

NORMAL = find_scenario("freezer_normal")


@pytest.fixture
def fast_clock() -> Iterator[float]:
    """A clock that runs 600 times as fast as life."""
    clock.run(anchor=datetime.fromtimestamp(time.time(), UTC), speed=600)
    yield 600.0
    clock.run(anchor=datetime(2026, 1, 1, tzinfo=UTC), speed=1)


def _in_background(seconds: float, devices: list[str], scenarios: list[Scenario], url: str) -> Counters:
    stop = threading.Event()
    threading.Timer(seconds, stop.set).start()
    return simulate(scenarios, devices, url=url, stop=stop)


def test_ten_devices_keep_up_with_a_clock_600_times_as_fast(
    mosquitto_server: MosquittoServer, fast_clock: float
) -> None:
    names = list(SCENARIOS)[:10]
    devices = [f"fast-{number}" for number in range(len(names))]
    lags: list[float] = []
    with listening(mosquitto_server.url) as (listener, client):

        def hear(_client: Client, _user: object, message: MQTTMessage) -> None:
            lags.append(clock.now().timestamp() - json.loads(message.payload)["ts"] / 1000)

        client.message_callback_add("iot/v1/fast-0/telemetry", hear)
        counters = _in_background(4.0, devices, [SCENARIOS[name] for name in names], mosquitto_server.url)
        assert listener.wait_for(
            lambda: len(listener.on("/telemetry")) + len(listener.on("/event")) + len(lags) >= counters.acknowledged
        )
    assert counters.acknowledged == counters.published > 300
    assert len(lags) > 20, "40 minutes of one freezer have passed"
    assert sorted(lags)[len(lags) // 2] < 0.5 * fast_clock, "half a second of life behind"


def test_a_device_is_online_while_it_lives_offline_after_and_the_world_keeps_nothing_else(
    mosquitto_server: MosquittoServer,
) -> None:
    with listening(mosquitto_server.url) as (listener, _):
        _in_background(0.5, ["status-1"], [NORMAL], mosquitto_server.url)
        assert listener.wait_for(lambda: listener.on("status-1/status") == [b"online", b"offline"])
    with listening(mosquitto_server.url) as (listener, _):
        assert listener.wait_for(lambda: listener.on("status-1/status") == [b"offline"])
        assert listener.on("status-1/telemetry") == []


def test_commands_are_acknowledged(mosquitto_server: MosquittoServer) -> None:
    stop = threading.Event()
    counters = Counters()
    with listening(mosquitto_server.url) as (listener, client):
        running = threading.Thread(
            target=simulate,
            args=([NORMAL], ["command-1"]),
            kwargs={"url": mosquitto_server.url, "stop": stop, "counters": counters},
        )
        running.start()
        assert listener.wait_for(lambda: bool(listener.on("command-1/status")))
        client.publish("iot/v1/command-1/command", b"not a command", qos=1)
        client.publish("iot/v1/command-1/command", b'{"id": 17, "name": "set", "args": {"setpoint": -75}}', qos=1)
        assert listener.wait_for(lambda: bool(listener.on("command-1/command/ack")))
        stop.set()
        running.join(timeout=10)
    assert [json.loads(answer) for answer in listener.on("command-1/command/ack")] == [{"id": 17, "ok": True}]
    assert counters.commands == 1


def test_a_burst_sends_the_past_of_a_scenario_up_to_now_and_no_more(mosquitto_server: MosquittoServer) -> None:
    now = clock.now()
    with listening(mosquitto_server.url) as (listener, _):
        counters = simulate([NORMAL], ["burst-2"], url=mosquitto_server.url, speed=None, until=now, seed=3)
        assert listener.wait_for(lambda: len(listener.on("burst-2/telemetry")) == counters.acknowledged)
        sent = [json.loads(payload)["ts"] for payload in listener.on("burst-2/telemetry")]
    assert NORMAL.within // timedelta(minutes=1) - 2 <= len(sent) <= NORMAL.within // timedelta(minutes=1) + 10
    assert to_milliseconds(now) - 60_000 <= sent[-1] <= to_milliseconds(now)


def test_faster_than_the_clock_begins_in_the_past_and_never_reports_the_future(
    mosquitto_server: MosquittoServer,
) -> None:
    scenario = Scenario("steps", "freezer", "Every second.", _every_second, within=timedelta(seconds=20))
    with listening(mosquitto_server.url) as (listener, _):
        began = clock.now()
        until = began + timedelta(seconds=2)
        simulate([scenario], ["steps-1"], url=mosquitto_server.url, speed=20, until=until)
        took = clock.now() - began
        assert listener.wait_for(lambda: len(listener.on("steps-1/telemetry")) >= 21)
        sent = [json.loads(payload)["ts"] for payload in listener.on("steps-1/telemetry")]
    assert sent[0] == pytest.approx(to_milliseconds(began - timedelta(seconds=19)), abs=500)
    assert timedelta(seconds=1) < took < timedelta(seconds=4), "caught up after one second, then in step"


def _every_second(_seed: str, start: datetime) -> Iterator[Message]:
    for second in range(100):
        yield telemetry(start + timedelta(seconds=second), {"temperature": -70.0})


def test_what_is_published_is_what_the_scenario_says_for_seed_and_device(mosquitto_server: MosquittoServer) -> None:
    scenario = find_scenario("sensor_goes_silent")
    at = datetime(2026, 5, 4, 12, tzinfo=UTC)
    clock.freeze(at)
    with listening(mosquitto_server.url) as (listener, _):
        counters = simulate([scenario], ["silent-1"], url=mosquitto_server.url, speed=None, until=at, seed=7)
        assert listener.wait_for(lambda: len(listener.on("silent-1/telemetry")) == counters.published)
        heard = listener.on("silent-1/telemetry")
    expected = takewhile(lambda m: m.ts <= at, scenario.build("7/silent-1", at - scenario.within))
    assert heard == [message.body() for message in expected]
    assert heard


def test_more_devices_than_connections_share_the_last_one(mosquitto_server: MosquittoServer) -> None:
    devices = [f"many-{number}" for number in range(7)]
    with listening(mosquitto_server.url) as (listener, _):
        counters = simulate(
            [NORMAL] * 7, devices, url=mosquitto_server.url, speed=None, until=clock.now(), connections=3
        )
        assert listener.wait_for(lambda: len(listener.on("/telemetry")) == counters.published)
        for device in devices:
            assert listener.on(f"{device}/status")[0] == b"online"
            assert len(listener.on(f"{device}/telemetry")) > 100


def test_rubbish_goes_out_as_it_is_and_what_it_retained_is_taken_back(mosquitto_server: MosquittoServer) -> None:
    with listening(mosquitto_server.url) as (listener, _):
        counters = simulate(
            [find_scenario("sends_rubbish")],
            ["rubbish-1"],
            url=mosquitto_server.url,
            speed=None,
            until=clock.now(),
        )
        assert counters.acknowledged == counters.published > 90
        assert listener.wait_for(
            lambda: len([t for t, _ in listener.heard if not t.endswith("status")]) >= counters.published
        )
    assert b"temperature=-70" in listener.on("rubbish-1/telemetry")
    with listening(mosquitto_server.url) as (later, _):
        assert later.wait_for(lambda: bool(later.on("rubbish-1/status")))
        assert later.on("rubbish-1/telemetry") == []


def test_a_broker_of_mqtt_3_will_do(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path / "broker", mosquitto=None) as broker:
        counters = simulate([NORMAL], ["old-1"], url=broker.url, speed=None, until=clock.now())
    assert counters.acknowledged == counters.published > 100


def test_nobody_to_simulate_is_no_work() -> None:
    assert simulate([], [], url="mqtt://127.0.0.1:1") == Counters()


def test_a_speed_of_zero_is_refused(mosquitto_server: MosquittoServer) -> None:
    with pytest.raises(ValueError, match="above 0"):
        simulate([NORMAL], ["zero-1"], url=mosquitto_server.url, speed=0)
