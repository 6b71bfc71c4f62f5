"""The commands about overrides and groups, as people type them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from iot_service import clock
from iot_service.config import Settings, load_settings
from iot_service.db import Database
from iot_service.errors import InvalidFieldsError, InvalidInputError, NotFoundError
from iot_service.wiring.rule_overrides import (
    delete_group_command,
    list_groups_command,
    list_overrides_command,
    put_group_command,
    remove_override_command,
    set_override_command,
    show_command,
)
from iot_service.wiring.rule_versions import reload_rules_command
from tests.factories import make_home

DEVICE = ("device", "freezer-1")
RULE = "freezer/temperature_high"


@pytest.fixture
def settings(database: Database, database_url: str, tmp_path: Path) -> Settings:
    clock.freeze(datetime(2026, 11, 21, 12, 0, tzinfo=UTC))
    with database.transaction() as connection:
        make_home(connection)
    return load_settings(database_url=SecretStr(database_url), data_dir=tmp_path / "data")


def test_an_override_is_set_listed_shown_and_removed(settings: Settings) -> None:
    assert list_overrides_command(settings, None) == "nothing is overridden"
    values = ["for=20m", "severity=high", "repeat=3 times within 6h"]
    said = set_override_command(settings, RULE, values, DEVICE, "vaccines")
    assert said == f"{RULE}: for 20m, repeat 3 times within 6h, severity high for device freezer-1"
    set_override_command(settings, "freezer", ["band=3.5"], ("product", ""), "narrow")
    assert list_overrides_command(settings, "freezer").splitlines() == [
        "parameters of freezer: band 3.5 (product freezer, by command line at 2026-11-21 12:00: narrow)",
        f"{RULE}: for 20m, repeat 3 times within 6h, severity high"
        " (device freezer-1, by command line at 2026-11-21 12:00: vaccines)",
    ]
    origin = "  # device freezer-1, by command line at 2026-11-21 12:00: vaccines"
    shown = show_command(settings, RULE, None, "freezer-1").splitlines()
    assert shown[0] == f"# {RULE} for freezer-1"
    assert f"severity: high{origin}" in shown
    assert f"for: 20m{origin}" in shown
    assert f"repeat:{origin}" in shown or f"repeat: 3 times within 6h{origin}" in shown
    assert "kind: fault" in shown
    assert "#   band: 3.5  # product freezer, by command line at 2026-11-21 12:00: narrow" in shown
    assert "#   alarm_offset: 10  # of the product model" in shown
    said = remove_override_command(settings, RULE, DEVICE, "")
    assert said == f"{RULE} holds as it is for device freezer-1 again"
    assert origin not in show_command(settings, RULE, None, "freezer-1")


def test_what_is_taken_away_is_shown_as_taken_away(settings: Settings) -> None:
    set_override_command(settings, "freezer/silent", ["enabled=false"], DEVICE, "moved")
    assert show_command(settings, "silent", None, "freezer-1").splitlines()[1].startswith("enabled: false  # device fr")


def test_without_a_device_the_rule_in_force_is_shown(settings: Settings) -> None:
    reload_rules_command(settings)
    assert "in_service" not in show_command(settings, RULE, None, None)
    assert "version 1" in show_command(settings, RULE, 1, None)
    with pytest.raises(InvalidInputError, match="leave --version out"):
        show_command(settings, RULE, 1, "freezer-1")


def test_what_is_wrong_is_told(settings: Settings) -> None:
    with pytest.raises(InvalidInputError, match="write NAME=VALUE"):
        set_override_command(settings, RULE, ["for"], DEVICE, "x")
    with pytest.raises(InvalidFieldsError, match=r"values.fro: no such key; did you mean 'for'\?"):
        set_override_command(settings, RULE, ["fro=20m"], DEVICE, "x")
    with pytest.raises(NotFoundError, match="freezer has no rule 'nothing'"):
        show_command(settings, "freezer/nothing", None, "freezer-1")
    with pytest.raises(InvalidInputError, match="device freezer-1 is a freezer"):
        show_command(settings, "car/overheating", None, "freezer-1")
    with pytest.raises(NotFoundError, match="overrides nothing of"):
        remove_override_command(settings, RULE, DEVICE, "")


def test_groups_are_made_listed_and_deleted(settings: Settings) -> None:
    assert list_groups_command(settings) == "there are no groups"
    assert put_group_command(settings, "cold", None, []) == "cold (cold): no devices"
    assert put_group_command(settings, "cold", "Cold", ["freezer-1"]) == "cold (Cold): freezer-1"
    assert put_group_command(settings, "cold", None, ["freezer-1"]) == "cold (Cold): freezer-1"
    assert list_groups_command(settings) == "cold (Cold): freezer-1"
    assert delete_group_command(settings, "cold") == "group cold is deleted"
    with pytest.raises(InvalidInputError, match="letters, digits"):
        put_group_command(settings, "a b", None, [])
