"""What a real Mosquitto does with our files: who gets in, and what each may do there."""

from __future__ import annotations

import time

from iot_service.engines.topic_rights import SERVICE_USER
from iot_service.registry import gateways
from iot_service.registry.credentials import rotate
from iot_service.registry.registrations import disable, enable
from tests.registry.client import NOT_AUTHORISED, comes_in, device
from tests.registry.conftest import SAID, SERVICE_PASSWORD, Fleet


def test_only_the_right_secret_lets_a_device_in(fleet: Fleet) -> None:
    secrets = fleet.add("freezer-1", "freezer-2")
    assert fleet.runner.run_once() == 2
    assert comes_in(fleet.port, "freezer-1", secrets["freezer-1"])
    for username, password in (
        ("freezer-1", "wrong"), ("freezer-1", secrets["freezer-2"]), ("freezer-1", None), ("freezer-3", "wrong"),
        (None, None), ("iot-service", secrets["freezer-1"]),
    ):  # fmt: skip
        with device(fleet.port, username, password) as refused:
            assert refused.code == NOT_AUTHORISED, (username, password)


def test_another_devices_topics_take_nothing_and_give_nothing(fleet: Fleet) -> None:
    secrets = fleet.add("freezer-1", "freezer-2")
    fleet.runner.run_once()
    assert comes_in(fleet.port, "freezer-2", secrets["freezer-2"])
    with (
        device(fleet.port, SERVICE_USER, SERVICE_PASSWORD) as service,
        device(fleet.port, "freezer-1", secrets["freezer-1"]) as first,
        device(fleet.port, "freezer-2", secrets["freezer-2"]) as second,
    ):
        service.subscribe("$share/ingest/iot/v1/+/telemetry")
        first.subscribe("iot/v1/freezer-2/#", "iot/v1/+/command", "#", "$SYS/#", "$share/x/iot/v1/#")
        second.subscribe("iot/v1/freezer-2/command")
        for topic in ("telemetry", "event", "status", "command/ack"):
            assert first.publish(f"iot/v1/freezer-2/{topic}") == NOT_AUTHORISED
        for topic in ("iot/v1/freezer-1/command", "iot/v1/freezer-1/other", "iot/v1/$ingest/1", "spBv1.0/g/NDATA/x"):
            assert first.publish(topic) == NOT_AUTHORISED, topic
        assert second.publish("iot/v1/freezer-2/telemetry", b"21") == 0
        assert service.received() == ("iot/v1/freezer-2/telemetry", b"21")
        assert service.publish("iot/v1/freezer-2/command", b"defrost") == 0
        assert second.received() == ("iot/v1/freezer-2/command", b"defrost")
        assert first.received(within=0.5) is None
        assert service.received(within=0.1) is None


def test_a_disabled_device_is_put_out_while_the_others_stay(fleet: Fleet) -> None:
    secrets = fleet.add("freezer-1", "freezer-2")
    fleet.runner.run_once()
    assert comes_in(fleet.port, "freezer-2", secrets["freezer-2"])
    with (
        device(fleet.port, "freezer-1", secrets["freezer-1"]) as first,
        device(fleet.port, "freezer-2", secrets["freezer-2"]) as second,
    ):
        with fleet.database.transaction() as connection:
            disable(connection, "freezer-1", **SAID)
        assert fleet.runner.run_once() == 1
        assert first.gone.wait(5)
        assert second.publish("iot/v1/freezer-2/telemetry") in {0, 0x10}
        assert not second.gone.is_set()
        with device(fleet.port, "freezer-1", secrets["freezer-1"]) as again:
            assert again.code == NOT_AUTHORISED
        with fleet.database.transaction() as connection:
            enable(connection, "freezer-1", **SAID)
        fleet.runner.run_once()
        assert comes_in(fleet.port, "freezer-1", secrets["freezer-1"])
        assert not second.gone.is_set()


def test_a_new_secret_ends_the_old_one_and_who_is_connected_by_it(fleet: Fleet) -> None:
    old = fleet.add("freezer-1")["freezer-1"]
    fleet.runner.run_once()
    assert comes_in(fleet.port, "freezer-1", old)
    with device(fleet.port, "freezer-1", old) as connected:
        with fleet.database.transaction() as connection:
            new = rotate(connection, "freezer-1", **SAID)
        fleet.runner.run_once()
        assert connected.gone.wait(5)
    assert comes_in(fleet.port, "freezer-1", new)
    assert not comes_in(fleet.port, "freezer-1", old, within=0)


def test_one_more_device_is_known_within_a_second(fleet: Fleet) -> None:
    fleet.add(*(f"freezer-{number}" for number in range(1000)))
    fleet.runner.run_once()
    time.sleep(0.2)  # the pause after a reload belongs to the one before
    began = time.monotonic()
    secret = fleet.add("one-more")["one-more"]
    fleet.runner.run_once()
    assert comes_in(fleet.port, "one-more", secret)
    assert time.monotonic() - began < 1.0


def test_a_reload_keeps_what_waits_for_who_is_away(fleet: Fleet) -> None:
    """Mosquitto checks passwords again at each reload; a session whose client is away must not pay for that."""
    secrets = fleet.add("freezer-1")
    fleet.runner.run_once()
    assert comes_in(fleet.port, "freezer-1", secrets["freezer-1"])
    with device(fleet.port, SERVICE_USER, SERVICE_PASSWORD, keep_session=True) as service:
        service.subscribe("iot/v1/#")
    with device(fleet.port, "freezer-1", secrets["freezer-1"]) as first:
        assert first.publish("iot/v1/freezer-1/telemetry", b"before") == 0
        fleet.add("freezer-2")
        fleet.runner.run_once()
        assert first.publish("iot/v1/freezer-1/telemetry", b"after") == 0
    with device(fleet.port, SERVICE_USER, SERVICE_PASSWORD, keep_session=True) as service:
        assert [service.received(), service.received()] == [
            ("iot/v1/freezer-1/telemetry", b"before"), ("iot/v1/freezer-1/telemetry", b"after"),
        ]  # fmt: skip


def test_a_gateway_keeps_to_the_topics_it_was_given(fleet: Fleet) -> None:
    topics = {"write": ["spBv1.0/plant/+/edge-1/#", "two words/#"], "read": ["spBv1.0/plant/NCMD/edge-1"]}
    with fleet.database.transaction() as connection:
        gateway, secret = gateways.add_gateway(connection, "edge-1", **topics, actor="operator:1", now=SAID["now"])
    assert fleet.runner.run_once() == 1
    assert comes_in(fleet.port, gateway.username, secret)
    with (
        device(fleet.port, SERVICE_USER, SERVICE_PASSWORD) as service,
        device(fleet.port, gateway.username, secret) as edge,
    ):
        service.subscribe("spBv1.0/#", "two words/#")
        edge.subscribe("spBv1.0/#")
        assert edge.publish("spBv1.0/plant/NDATA/edge-2") == NOT_AUTHORISED
        assert edge.publish("iot/v1/edge-1/telemetry") == NOT_AUTHORISED
        assert edge.publish("spBv1.0/plant/DDATA/edge-1/pump", b"1") == 0
        assert service.received() == ("spBv1.0/plant/DDATA/edge-1/pump", b"1")
        assert edge.publish("two words/x", b"2") == 0
        assert service.publish("spBv1.0/plant/NCMD/edge-1", b"rebirth") == 0
        assert edge.received() == ("spBv1.0/plant/NCMD/edge-1", b"rebirth")
        with fleet.database.transaction() as connection:
            gateways.switch_gateway(connection, "edge-1", enabled=False, **SAID)
        fleet.runner.run_once()
        assert edge.gone.wait(5)
        assert not service.gone.is_set()
