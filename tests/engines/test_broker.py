"""The embedded broker: Mosquitto where there is one, amqtt where there is none."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from iot_service.engines.broker import EmbeddedBroker, find_mosquitto
from iot_service.errors import StopError
from tests.servers.mosquitto import MosquittoServer
from tests.servers.mqtt import connected


def _goes_round(broker: EmbeddedBroker) -> tuple[str, bytes]:
    with connected(broker.port, "service") as service, connected(broker.port, "device") as device:
        service.subscribe("iot/v1/+/telemetry")
        device.publish("iot/v1/device/telemetry", b'{"values": {"speed": 1}}')
        return service.messages.get(timeout=5)


@pytest.mark.parametrize("program", ["find", None], ids=["mosquitto", "amqtt"])
def test_a_message_goes_through_either_broker(
    tmp_path: Path, program: str | None, mosquitto_server: MosquittoServer
) -> None:
    """The server fixture is asked for so that a machine without Mosquitto says so as it does elsewhere."""
    assert mosquitto_server.running
    with EmbeddedBroker(tmp_path / "broker", mosquitto=program) as broker:
        assert broker.kind == ("mosquitto" if program else "amqtt")
        assert broker.url == f"mqtt://127.0.0.1:{broker.port}"
        assert _goes_round(broker) == ("iot/v1/device/telemetry", b'{"values": {"speed": 1}}')


def test_what_waits_for_the_service_survives_a_restart_of_the_embedded_mosquitto(
    tmp_path: Path, mosquitto_server: MosquittoServer
) -> None:
    assert mosquitto_server.running
    closed = tmp_path / "closed"  # as root's home is to the broker's user
    closed.mkdir(mode=0o700)
    broker = EmbeddedBroker(closed / "broker")
    with broker:
        with connected(broker.port, "service") as service:
            service.subscribe("iot/#")
        with connected(broker.port, "device") as device:
            for number in range(50):
                device.publish("iot/v1/device/telemetry", str(number).encode())
    with broker, connected(broker.port, "service") as service:
        assert [int(service.messages.get(timeout=5)[1]) for _ in range(50)] == list(range(50))


def test_as_root_mosquitto_runs_as_somebody_without_rights(tmp_path: Path, mosquitto_server: MosquittoServer) -> None:
    assert mosquitto_server.running
    with EmbeddedBroker(tmp_path / "broker") as broker:
        owner = Path(f"/proc/{broker.pid}").stat().st_uid
    assert owner != 0


def test_a_mosquitto_that_does_not_start_makes_way_for_amqtt(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path / "broker", mosquitto="/bin/false") as broker:
        assert broker.kind == "amqtt"
        assert _goes_round(broker)[0] == "iot/v1/device/telemetry"


def test_mosquitto_is_found_where_debian_hides_it_from_ordinary_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = find_mosquitto()
    monkeypatch.setenv("PATH", str(tmp_path))
    hidden = find_mosquitto()
    assert hidden == usual or (usual and not usual.startswith("/usr/sbin/"))


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(StopError, match=f"port {port} on 127.0.0.1 is taken"):
            EmbeddedBroker(tmp_path / "broker", port=port).start()


def test_its_folder_goes_with_it_when_it_is_for_once(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path / "broker", remove=True) as broker:
        pid = broker.pid
    assert list(tmp_path.iterdir()) == []
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("place", ["x", "x/sessions"])
def test_a_file_where_a_folder_should_be_is_named(tmp_path: Path, place: str) -> None:
    file = tmp_path / place
    file.parent.mkdir(exist_ok=True)
    file.write_text("")
    with pytest.raises(StopError, match="cannot use the data folder"):
        EmbeddedBroker(tmp_path / "x", mosquitto=find_mosquitto()).start()
