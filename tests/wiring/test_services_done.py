"""`device serviced` and `load`: from where service plans are counted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from iot_service import clock
from iot_service.config import Settings, load_settings
from iot_service.db import Database
from iot_service.errors import InvalidInputError
from iot_service.rules.facts import facts_of
from iot_service.wiring.commands import load_command
from iot_service.wiring.services_done import serviced_command
from tests.factories import NOW, make_device, make_home

FLEET = """\
customers:
  - {id: anna, name: Anna Berg}
devices:
  - {id: car-2, product: car, customer_id: anna, name: Elbilen,
     serviced: {annual_service: {at: 2025-11-03, readings: {odometer: 31200}}}}
"""


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    clock.freeze(NOW)
    with database.transaction() as connection:
        make_home(connection)
        make_device(connection, id="car-1", product="car", parameters={})
    return load_settings(database_url=SecretStr(database.url), data_dir=tmp_path)


def test_a_service_is_recorded_once(settings: Settings) -> None:
    said = serviced_command(settings, "car-1", "annual_service", "2026-10-20", ["odometer=44850"])
    assert said == "device car-1: annual_service is counted from 2026-10-20 00:00 UTC, odometer 44850"
    again = serviced_command(settings, "car-1", "annual_service", "2026-10-20", ["odometer=44850"])
    assert again == "device car-1: annual_service of 2026-10-20 was known already"


def test_without_a_time_it_was_done_now(settings: Settings, database: Database) -> None:
    serviced_command(settings, "car-1", "annual_service", None, [])
    with database.transaction() as connection:
        assert facts_of(connection, "car-1")["annual_service_at"][0] == NOW


@pytest.mark.parametrize(
    ("at", "readings", "field"),
    [
        ("yesterday", [], "--at yesterday"),
        ("2026-10-20T12:00", [], "--at 2026-10-20T12:00"),
        (None, ["odometer"], "--reading odometer"),
        (None, ["speed=3"], "readings.speed"),
    ],
)
def test_what_is_wrong_is_said(settings: Settings, at: str | None, readings: list[str], field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        serviced_command(settings, "car-1", "annual_service", at, readings)
    assert caught.value.field == field


def test_a_load_file_says_when_a_used_car_was_serviced_last(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(FLEET, encoding="utf-8")
    assert load_command(settings, file).endswith("1 services recorded")
    with database.transaction() as connection:
        assert facts_of(connection, "car-2")["annual_service_odometer"][1] == 31_200
    clock.freeze(NOW + timedelta(days=1))
    assert load_command(settings, file).endswith("everything is as it says, nothing changed")
