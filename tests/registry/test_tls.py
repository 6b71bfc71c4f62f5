"""A real Mosquitto behind TLS: whom the service trusts, and devices that come with certificates of their own."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from iot_service.db import Database
from iot_service.engines.ports import free_port
from iot_service.engines.tls import client_context
from iot_service.engines.topic_rights import DEVICE_RIGHTS
from iot_service.errors import StopError
from iot_service.products.catalog import Catalog
from iot_service.registry.new_device import NewDevice
from iot_service.registry.register import register
from iot_service.registry.registrations import disable
from tests.factories import make_customer
from tests.registry.certificates import Authority
from tests.registry.client import NOT_AUTHORISED, device
from tests.registry.conftest import SAID, files_runner
from tests.servers.mosquitto import MosquittoServer
from tests.servers.plugin import running

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def tls_port(
    pytestconfig: pytest.Config, authority: Authority, tmp_path: Path
) -> Iterator[tuple[int, MosquittoServer]]:
    """The listener that docs/production.md shows, with this test's certificates and port in their places."""
    port = free_port()
    text = (ROOT / "docs" / "production.md").read_text(encoding="utf-8")
    listener = text.split("`listener 8883`\n```\n")[1].split("```")[0]
    assert "use_identity_as_username true" in listener
    for name in ("listener 8883", "/mosquitto/certs/"):
        assert name in listener
    extra = listener.replace("listener 8883", f"listener {port} 127.0.0.1").replace("/mosquitto/certs/", "./")
    server = MosquittoServer({}, extra=extra)
    certificate, key = authority.issue("broker")
    server.beside = {"ca.pem": authority.certificate, "broker.pem": certificate, "broker.key": key}
    with running(pytestconfig, server):
        yield port, server


def test_devices_come_in_by_certificate_and_speak_for_themselves(
    database: Database, catalog: Catalog, authority: Authority, tls_port: tuple[int, MosquittoServer]
) -> None:
    port, server = tls_port
    with database.transaction() as connection:
        make_customer(connection)
        devices = [NewDevice(each, "freezer", "anna", None, each) for each in ("freezer-1", "freezer-2")]
        assert register(connection, devices, catalog=catalog, **SAID, with_secrets=False) == {}
    runner = files_runner(database, server, DEVICE_RIGHTS)
    runner.run_once()
    ca = authority.certificate
    with (
        device(port, "service", tls=client_context(ca, *authority.issue("iot-service"))) as service,
        device(port, "one", tls=client_context(ca, *authority.issue("freezer-1"))) as first,
        device(port, "two", tls=client_context(ca, *authority.issue("freezer-2"))) as second,
    ):
        service.subscribe("iot/v1/+/telemetry")
        assert first.publish("iot/v1/freezer-1/telemetry", b"1") == 0
        assert service.received() == ("iot/v1/freezer-1/telemetry", b"1")
        assert first.publish("iot/v1/freezer-2/telemetry") == NOT_AUTHORISED
        with database.transaction() as connection:
            disable(connection, "freezer-1", **SAID)
        assert runner.run_once() == 1
        assert second.publish("iot/v1/freezer-2/telemetry", b"2") == 0
        assert service.received() == ("iot/v1/freezer-2/telemetry", b"2")
        assert first.publish("iot/v1/freezer-1/telemetry") == NOT_AUTHORISED, "a certificate alone does nothing"
        assert not service.gone.is_set()


def shake_hands(port: int, context: ssl.SSLContext) -> bytes:
    """Connect by TLS, say nothing, and return what the other side says, if it does not close."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        return connection.recv(1)


def test_a_broker_that_nobody_vouches_for_is_not_spoken_to(
    tls_port: tuple[int, MosquittoServer], tmp_path: Path
) -> None:
    other = Authority(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(tls_port[0], client_context(other.certificate, None, None))


def test_without_a_certificate_nobody_comes_in(tls_port: tuple[int, MosquittoServer], authority: Authority) -> None:
    with pytest.raises(ssl.SSLError, match="certificate required"):
        shake_hands(tls_port[0], client_context(authority.certificate, None, None))


@pytest.mark.parametrize(
    ("names", "setting"),
    [
        (("nowhere.pem", None, None), "IOT_MQTT_CA_FILE=.*No such file"),
        (("freezer-9.csr", None, None), "IOT_MQTT_CA_FILE"),
        (("ca.pem", "nowhere.pem", None), "IOT_MQTT_CERTIFICATE_FILE=.*No such file"),
        (("ca.pem", "freezer-9.pem", "ca.key"), "IOT_MQTT_CERTIFICATE_FILE=.*the key that belongs to it"),
        (("ca.pem", None, "ca.key"), "IOT_MQTT_KEY_FILE=.*a key alone does nothing"),
    ],
)
def test_a_file_that_does_not_do_is_named_by_its_setting(
    authority: Authority, names: tuple[str | None, ...], setting: str
) -> None:
    authority.issue("freezer-9")
    folder = authority.certificate.parent
    ca, certificate, key = (folder / name if name else None for name in names)
    with pytest.raises(StopError, match=setting):
        client_context(ca, certificate, key)
