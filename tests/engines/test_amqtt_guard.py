"""The broker of last resort with secrets: the same files, read by our plugins."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from iot_service.engines.amqtt_guard import rights_in
from iot_service.engines.broker import EmbeddedBroker
from iot_service.engines.mosquitto_files import ACCESS_LIST, PASSWORDS, access_list, password_line, put_file
from iot_service.engines.passwords import hash_secret
from iot_service.engines.topic_rights import DEVICE_RIGHTS, NO_RIGHTS, SERVICE_RIGHTS, SERVICE_USER, TopicRights
from tests.servers.mqtt import connected

USERS = (SERVICE_USER, "freezer-1", "freezer-2")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    passwords = "".join(password_line(name, hash_secret(f"secret of {name}")) for name in USERS)
    files = {PASSWORDS: passwords, ACCESS_LIST: access_list({}, (), DEVICE_RIGHTS)}
    with EmbeddedBroker(tmp_path / "broker", mosquitto=None, files=files) as broker:
        yield broker


def test_only_those_in_the_files_come_in(broker: EmbeddedBroker) -> None:
    for name, password, refused in (
        ("freezer-1", "secret of freezer-1", False), ("freezer-2", "secret of freezer-1", True), ("nobody", "", True),
        ("nobody", None, True),
    ):  # fmt: skip
        with connected(broker.port, name, password) as client:
            assert (client.refused is not None) is refused, name


def test_each_speaks_and_listens_for_itself(broker: EmbeddedBroker) -> None:
    with (
        connected(broker.port, SERVICE_USER, f"secret of {SERVICE_USER}") as service,
        connected(broker.port, "freezer-1", "secret of freezer-1") as first,
        connected(broker.port, "freezer-2", "secret of freezer-2") as second,
    ):
        service.subscribe("iot/v1/+/telemetry")
        first.subscribe("#")
        second.subscribe("iot/v1/freezer-2/command")
        first.client.publish("iot/v1/freezer-2/telemetry", b"foreign", qos=0)
        second.publish("iot/v1/freezer-2/telemetry", b"own")
        assert service.messages.get(timeout=5) == ("iot/v1/freezer-2/telemetry", b"own")
        service.publish("iot/v1/freezer-2/command", b"defrost")
        assert second.messages.get(timeout=5) == ("iot/v1/freezer-2/command", b"defrost")
        time.sleep(0.2)
        assert first.messages.empty()
        assert service.messages.empty()


def test_new_files_hold_at_once(broker: EmbeddedBroker) -> None:
    put_file(broker.files_folder / PASSWORDS, [password_line("freezer-9", hash_secret("s"))])
    with (
        connected(broker.port, "freezer-9", "s") as new,
        connected(broker.port, "freezer-1", "secret of freezer-1") as old,
    ):
        assert new.refused is None
        assert old.refused is not None


def test_our_access_list_is_read_as_it_is_written() -> None:
    edge = TopicRights(write=("plant/two words/#",), read=("plant/x",))
    devices = DEVICE_RIGHTS.also_writing(["tele/%u/SENSOR"])
    found = rights_in(access_list({"gateway.edge": edge}, ["freezer-1"], devices))
    assert found.by_name == {SERVICE_USER: SERVICE_RIGHTS, "gateway.edge": edge, "freezer-1": NO_RIGHTS}
    assert found.devices == devices
    assert found.of("freezer-2").may_publish("tele/freezer-2/SENSOR")
    assert not found.of("freezer-2").may_publish("tele/freezer-3/SENSOR")
    assert not found.of("freezer-1").may_publish("tele/freezer-1/SENSOR")
