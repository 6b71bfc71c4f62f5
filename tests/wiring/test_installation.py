"""The embedded broker: open to this machine, or asking for secrets."""

from __future__ import annotations

from pathlib import Path

from iot_service.config import environment, load_settings
from iot_service.db import Database
from iot_service.products.catalog import load_catalog
from iot_service.registry.new_device import NewDevice
from iot_service.registry.register import register
from iot_service.wiring.broker_files import broker_jobs
from iot_service.wiring.installation import engines
from tests.factories import NOW, make_customer
from tests.registry.client import comes_in


def port_of(url: str | None) -> int:
    return int((url or "").rsplit(":", 1)[1])


def test_with_secrets_on_only_the_service_and_registered_devices_come_in(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    with database.transaction() as connection:
        make_customer(connection)
        device = NewDevice("freezer-1", "freezer", "anna", None, "x")
        secrets = register(
            connection, [device], catalog=load_catalog(), actor="operator:1", reason="a test", now=NOW
        )  # fmt: skip
    settings = load_settings(database_url=database_url, data_dir=tmp_path / "data", broker_auth=True)
    for run in ("first", "again"):
        with engines(settings) as complete:
            port = port_of(complete.mqtt_url)
            password = complete.mqtt_password.get_secret_value() if complete.mqtt_password else ""
            assert comes_in(port, complete.mqtt_username or "", password), run
            assert not comes_in(port, "somebody", "anything", within=0)
            assert environment(complete)["IOT_BROKER_FILES_DIR"] == str(complete.broker_files_dir)
            (job,) = broker_jobs(complete, database, load_catalog())
            job.run()
            assert comes_in(port, "freezer-1", secrets["freezer-1"])
            assert comes_in(port, complete.mqtt_username or "", password, within=0)


def test_without_it_the_broker_trusts_this_machine(database: Database, database_url: str, tmp_path: Path) -> None:
    settings = load_settings(database_url=database_url, data_dir=tmp_path / "data")
    with engines(settings) as complete:
        assert comes_in(port_of(complete.mqtt_url), "anybody", "anything")
        assert broker_jobs(complete, database, load_catalog()) == []
