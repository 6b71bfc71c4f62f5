from __future__ import annotations

from pathlib import Path

import pytest

from iot_service.db import Database
from iot_service.engines.passwords import is_secret
from iot_service.engines.topic_rights import DEVICE_RIGHTS
from iot_service.errors import RetryError
from iot_service.products.catalog import Catalog
from iot_service.registry import gateways
from iot_service.registry.credentials import rotate
from iot_service.registry.new_device import NewDevice
from iot_service.registry.register import register
from iot_service.registry.registrations import disable, enable
from iot_service.registry.runner import BrokerFilesRunner
from tests.factories import make_customer, make_device, make_site
from tests.registry.conftest import SAID


class Broker:
    """Counts the reloads; ``fails`` has the next one fail. Its clock moves only while somebody sleeps."""

    def __init__(self) -> None:
        self.reloads = 0
        self.fails = False
        self.now = 0.0

    def reload(self) -> None:
        if self.fails:
            raise RetryError("not now")
        self.reloads += 1

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def runner(database: Database, tmp_path: Path, broker: Broker) -> BrokerFilesRunner:
    with database.transaction() as connection:
        make_customer(connection)
        make_site(connection)
    return make_runner(database, tmp_path, broker)


def make_runner(database: Database, folder: Path, broker: Broker) -> BrokerFilesRunner:
    return BrokerFilesRunner(
        database,
        folder,
        broker.reload,
        devices=DEVICE_RIGHTS,
        service_password="p",
        monotonic=lambda: broker.now,
        sleep=broker.sleep,
    )


def written(file: Path) -> tuple[int, int]:
    """Which file it is and when it was written: reading it changes other times."""
    about = file.stat()
    return about.st_ino, about.st_mtime_ns


def users(folder: Path) -> dict[str, str]:
    return dict(line.split(":", 1) for line in (folder / "passwords").read_text().splitlines())


def add(database: Database, catalog: Catalog, *ids: str) -> dict[str, str]:
    with database.transaction() as connection:
        devices = [NewDevice(each, "freezer", "anna", None, each) for each in ids]
        return register(connection, devices, catalog=catalog, **SAID)


def test_the_file_has_a_line_for_each_user_and_follows_every_change(
    database: Database, catalog: Catalog, runner: BrokerFilesRunner, broker: Broker, tmp_path: Path
) -> None:
    assert runner.run_once() == 0
    assert list(users(tmp_path)) == ["iot-service"]
    secrets = add(database, catalog, "freezer-1", "freezer-2")
    assert runner.run_once() == 2
    assert is_secret(secrets["freezer-1"], users(tmp_path)["freezer-1"])
    with database.transaction() as connection:
        fresh = rotate(connection, "freezer-1", **SAID)
        disable(connection, "freezer-2", **SAID)
        gateways.add_gateway(connection, "edge", write=["a/#"], read=[], actor="operator:1", now=SAID["now"])
    assert runner.run_once() == 3
    assert list(users(tmp_path)) == ["iot-service", "gateway.edge", "freezer-1"]
    assert is_secret(fresh, users(tmp_path)["freezer-1"])
    assert "user freezer-2\ntopic deny" in (tmp_path / "mosquitto.acl").read_text()
    with database.transaction() as connection:
        enable(connection, "freezer-2", **SAID)
    assert runner.run_once() == 1
    assert "deny" not in (tmp_path / "mosquitto.acl").read_text()
    assert broker.reloads == 4


def test_nothing_new_writes_nothing_and_reloads_nothing_also_after_a_restart(
    database: Database, catalog: Catalog, runner: BrokerFilesRunner, broker: Broker, tmp_path: Path
) -> None:
    add(database, catalog, "freezer-1")
    runner.run_once()
    before = written(tmp_path / "passwords")
    assert runner.run_once() == 0
    again = make_runner(database, tmp_path, broker)
    assert again.run_once() == 1, "it reads all of them at its start"
    assert written(tmp_path / "passwords") == before
    assert broker.reloads == 1


def test_a_change_that_is_committed_after_a_later_one_is_not_overlooked(
    database: Database, runner: BrokerFilesRunner, tmp_path: Path
) -> None:
    with database.transaction() as connection:
        for number in (1, 2):
            make_device(connection, id=f"freezer-{number}")
    with database.transaction() as slow:
        rotate(slow, "freezer-1", **SAID)
        with database.transaction() as fast:
            rotate(fast, "freezer-2", **SAID)
        runner.run_once()
        assert list(users(tmp_path)) == ["iot-service", "freezer-2"]
    assert runner.run_once() == 1
    assert list(users(tmp_path)) == ["iot-service", "freezer-2", "freezer-1"]


def test_a_reload_that_failed_stays_due(
    database: Database, catalog: Catalog, runner: BrokerFilesRunner, broker: Broker
) -> None:
    broker.fails = True
    add(database, catalog, "freezer-1")
    with pytest.raises(RetryError):
        runner.run_once()
    broker.fails = False
    assert runner.run_once() == 0
    assert broker.reloads == 1


def test_between_two_reloads_is_a_pause_but_none_before_the_first(
    database: Database, catalog: Catalog, runner: BrokerFilesRunner, broker: Broker
) -> None:
    add(database, catalog, "freezer-1")
    runner.run_once()
    assert broker.now == 0.0
    add(database, catalog, "freezer-2")
    runner.run_once()
    assert 0.1 <= broker.now < 0.2
    broker.now += 10
    began = broker.now
    add(database, catalog, "freezer-3")
    runner.run_once()
    assert broker.now == began


def test_a_device_with_a_certificate_has_no_line(
    database: Database, catalog: Catalog, runner: BrokerFilesRunner, tmp_path: Path
) -> None:
    with database.transaction() as connection:
        devices = [NewDevice("freezer-1", "freezer", "anna", None, "x")]
        register(connection, devices, catalog=catalog, **SAID, with_secrets=False)
        disable(connection, "freezer-1", **SAID)
    assert runner.run_once() == 1
    assert list(users(tmp_path)) == ["iot-service"]
    assert "user freezer-1\ntopic deny" in (tmp_path / "mosquitto.acl").read_text()
