"""Devices that speak on topics of their own, with secrets of their own, at a real Mosquitto."""

from __future__ import annotations

import pytest

from iot_service.config import load_settings
from iot_service.db import Database
from iot_service.engines.topic_rights import DEVICE_RIGHTS, SERVICE_USER
from iot_service.errors import StopError
from iot_service.products.catalog import load_catalog
from iot_service.registry.registrations import disable
from iot_service.wiring.broker_files import device_rights
from tests.registry.client import NOT_AUTHORISED, comes_in, device
from tests.registry.conftest import SAID, SERVICE_PASSWORD, speaking

SENSOR = "tele/freezer-1/SENSOR"


def test_what_devices_may_do_follows_from_the_formats_that_are_on() -> None:
    catalog = load_catalog()
    assert device_rights(load_settings(), catalog) == DEVICE_RIGHTS
    assert device_rights(load_settings(formats="thingsboard,sparkplug"), catalog) == DEVICE_RIGHTS, "gateways speak"
    rights = device_rights(load_settings(formats="tasmota"), catalog)
    assert rights.write == (*DEVICE_RIGHTS.write, "tele/%u/SENSOR", "tele/%u/LWT")
    assert rights.read == DEVICE_RIGHTS.read
    with pytest.raises(StopError, match="did you mean 'tasmota'"):
        device_rights(load_settings(formats="tasmoto"), catalog)


def test_a_tasmota_device_comes_in_by_its_own_secret_and_speaks_for_itself(
    pytestconfig: pytest.Config, database: Database
) -> None:
    catalog = load_catalog()
    rights = device_rights(load_settings(formats="tasmota"), catalog)
    with speaking(pytestconfig, database, catalog, rights) as fleet:
        secrets = fleet.add("freezer-1", "freezer-2")
        fleet.runner.run_once()
        assert comes_in(fleet.port, "freezer-2", secrets["freezer-2"])
        with (
            device(fleet.port, SERVICE_USER, SERVICE_PASSWORD) as service,
            device(fleet.port, "freezer-1", secrets["freezer-1"]) as first,
            device(fleet.port, "freezer-2", secrets["freezer-2"]) as second,
        ):
            service.subscribe("tele/#")
            second.subscribe("tele/#", SENSOR)
            assert first.publish(SENSOR, b"{}") == 0
            assert service.received() == (SENSOR, b"{}")
            assert second.publish(SENSOR) == NOT_AUTHORISED
            for topic in ("tele/freezer-1/STATE", "cmnd/freezer-1/POWER", "tele/freezer-1/SENSOR/x"):
                assert first.publish(topic) == NOT_AUTHORISED, topic
            assert second.received(within=0.3) is None
            with fleet.database.transaction() as connection:
                disable(connection, "freezer-1", **SAID)
            fleet.runner.run_once()
            assert first.gone.wait(5)
        assert "user freezer-1\ntopic deny iot/v1/freezer-1/#\ntopic deny tele/freezer-1/SENSOR\n" in (
            fleet.server.folder / "mosquitto.acl"
        ).read_text(encoding="utf-8")
