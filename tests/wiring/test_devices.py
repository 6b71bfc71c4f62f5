"""The commands about devices, gateways and claim keys, as people run them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from iot_service.config import Settings, load_settings
from iot_service.db import Database
from iot_service.errors import InvalidInputError, StopError
from iot_service.registry.credentials import verify_device, verify_user
from iot_service.wiring import devices, gateways
from tests.factories import make_customer, make_device, make_site

SECRET = re.compile(r"ds_[\w-]{32}")


@pytest.fixture
def settings(database: Database, database_url: str, tmp_path: Path) -> Settings:
    with database.transaction() as connection:
        make_customer(connection)
        make_site(connection)
    return load_settings(database_url=database_url, data_dir=tmp_path)


def verified(database: Database, device: str, said: str) -> bool:
    found = SECRET.search(said)
    assert found, said
    with database.transaction() as connection:
        return verify_user(connection, device, found[0])


def add(settings: Settings, device: str = "freezer-9", *, secret: bool = True, name: str = "Fryser") -> str:
    return devices.add_device_command(settings, device, "freezer", "anna", None, name, ["setpoint=-80"], secret=secret)


def table(settings: Settings, **wanted: object) -> list[str]:
    values = {"customer": None, "product": None, "state": None, "disabled": None, "after": None, "limit": 100, **wanted}
    said = devices.list_devices_command(settings, **values)  # type: ignore[arg-type]  # as the command line gives them
    return [line.split()[0] for line in said.splitlines()[1:]]


def test_a_new_device_gets_a_secret_and_an_old_one_keeps_its_own(settings: Settings, database: Database) -> None:
    said = add(settings)
    assert said.startswith("device freezer-9: created\nsecret: ds_")
    assert "not shown again" in said
    assert verified(database, "freezer-9", said)
    assert add(settings, name="Fryseren") == "device freezer-9: changed"
    assert verified(database, "freezer-9", said)
    assert add(settings, "freezer-8", secret=False) == "device freezer-8: created"


def test_the_list_is_filtered_and_goes_on_where_it_ended(settings: Settings, database: Database) -> None:
    assert devices.list_devices_command(
        settings, customer=None, product=None, state=None, disabled=None, after=None, limit=9
    ).startswith("no such devices")
    with database.transaction() as connection:
        for number in range(1, 4):
            make_device(connection, id=f"freezer-{number}")
        make_device(connection, id="car-1", product="car")
    assert table(settings, product="freezer", limit=2) == ["freezer-1", "freezer-2", "there"]
    assert table(settings, product="freezer", after="freezer-2") == ["freezer-3"]
    assert table(settings, state="in_service", customer="anna") == ["car-1", "freezer-1", "freezer-2", "freezer-3"]
    with pytest.raises(InvalidInputError, match="must be one of commissioning"):
        table(settings, state="broken")


def test_a_device_goes_through_its_life(settings: Settings, database: Database) -> None:
    first = add(settings)
    assert devices.disable_device_command(settings, "freezer-9", "stolen").endswith("disabled, and out of service")
    assert not verified(database, "freezer-9", first)
    assert table(settings, disabled=True) == ["freezer-9"]
    assert "disabled:        2" in devices.show_device_command(settings, "freezer-9")
    assert "put it back by" in devices.enable_device_command(settings, "freezer-9", "found")
    assert devices.device_state_command(settings, "freezer-9", "in_service", "found") == "device freezer-9: in_service"
    second = devices.rotate_device_command(settings, "freezer-9", "to be sure")
    assert (verified(database, "freezer-9", first), verified(database, "freezer-9", second)) == (False, True)
    moved = devices.move_device_command(settings, "freezer-9", None, "anna-home", "carried over")
    assert moved == "device freezer-9: with customer anna, at anna-home"
    devices.alias_command(settings, "freezer-9", "shelly-1", remove=False, reason="a test")
    shown = devices.show_device_command(settings, "freezer-9")
    assert "aliases:         shelly-1" in shown
    assert "site:            anna-home" in shown
    said = devices.alias_command(settings, "freezer-9", "shelly-1", remove=True, reason="a test")
    assert said == "shelly-1: stands for nothing now"


def test_a_csv_leaves_the_secrets_in_a_file_for_its_owner_only(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    fleet, out = tmp_path / "fleet.csv", tmp_path / "secrets.csv"
    fleet.write_text("\ufeffid,product,customer_id\nfreezer-1,freezer,anna\nfreezer-2,freezer,anna\n")
    said = devices.import_csv_command(settings, fleet, out)
    assert said == f"2 devices registered; their secrets are in {out}"
    assert out.stat().st_mode & 0o777 == 0o600
    rows = [line.split(",") for line in out.read_text().splitlines()]
    assert rows[0] == ["device_id", "secret"]
    with database.transaction() as connection:
        assert all(verify_device(connection, name, secret) for name, secret in rows[1:])
    with pytest.raises(StopError, match="is there already"):
        devices.import_csv_command(settings, fleet, out)


def test_a_csv_that_cannot_be_imported_leaves_no_file(settings: Settings, tmp_path: Path) -> None:
    fleet, out = tmp_path / "fleet.csv", tmp_path / "secrets.csv"
    fleet.write_text("id,product,customer_id\nfreezer-1,fridge,anna\n")
    with pytest.raises(InvalidInputError, match=r"fleet\.csv:2: product"):
        devices.import_csv_command(settings, fleet, out)
    assert not out.exists()
    with pytest.raises(InvalidInputError, match="cannot be read"):
        devices.import_csv_command(settings, tmp_path / "none.csv", None)
    fleet.write_text("id,product,customer_id\nfreezer-1,freezer,anna\n")
    assert devices.import_csv_command(settings, fleet, None) == "1 devices registered, without secrets"


def test_a_gateway_goes_through_its_life(settings: Settings, database: Database) -> None:
    said = gateways.add_gateway_command(settings, "edge-1", ["a/#"], [])
    assert said.startswith("user name: gateway.edge-1\nsecret: ds_")
    gateways.gateway_topics_command(settings, "edge-1", ["b/#"], ["c"], "another product")
    assert gateways.list_gateways_command(settings) == "gateway.edge-1: write b/#, read c"
    fresh = gateways.rotate_gateway_command(settings, "edge-1", "to be sure")
    assert (verified(database, "gateway.edge-1", said), verified(database, "gateway.edge-1", fresh)) == (False, True)
    gateways.switch_gateway_command(settings, "edge-1", "replaced", enabled=False)
    assert "(disabled)" in gateways.list_gateways_command(settings)
    assert gateways.switch_gateway_command(settings, "edge-1", "back", enabled=True) == "gateway edge-1: enabled"


def test_a_claim_key_goes_through_its_life(settings: Settings) -> None:
    assert gateways.list_claim_keys_command(settings) == "no claim keys"
    until = datetime(2100, 1, 1)  # noqa: DTZ001  # as the command line gives it
    said = gateways.create_claim_key_command(settings, "batch 7", "freezer", "anna", None, until, 500)
    assert said.startswith("claim key 1: ck_")
    assert gateways.list_claim_keys_command(settings) == "1: batch 7, freezer for anna, used 0 of 500, in force"
    assert gateways.revoke_claim_key_command(settings, 1, "built") == "claim key 1: revoked"
    assert "ended" in gateways.list_claim_keys_command(settings)


@pytest.mark.parametrize(
    ("act", "field"),
    [
        (
            lambda s: devices.add_device_command(s, "x", "freezer", "anna", None, "x", ["setpoint"], secret=True),
            "parameter",
        ),
        (lambda s: devices.add_device_command(s, "a b", "freezer", "anna", None, "x", [], secret=True), "id"),
        (lambda s: gateways.add_gateway_command(s, "edge", [], []), "write"),
        (lambda s: gateways.create_claim_key_command(s, "x", "fridge", "anna", None, None, None), "product"),
    ],
)
def test_what_is_wrong_is_named(settings: Settings, act: Callable[[Settings], str], field: str) -> None:
    with pytest.raises(InvalidInputError, match=field):
        act(settings)
