"""Which rules a backtest judges."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from iot_service.config import Settings
from iot_service.db import Database
from iot_service.errors import InvalidInputError, StopError
from iot_service.products.catalog import Catalog
from iot_service.products.overrides import Override, Scope
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.versions.changing import RuleName, delete_rule, put_rule
from iot_service.rules.versions.version import Mode
from iot_service.wiring.backtest_rules import changed_rules, choose_rules, rules_of_device, rules_to_judge, rules_with
from iot_service.wiring.backtest_sources import compiled_for
from tests.rules.telemetry import SHIPPED, START, rule

FILE = """
product: freezer
rules:
  warm:
    kind: fault
    severity: low
    title: {nb: Varm, en: Warm}
    when: temperature > -60
"""
WRITTEN = {"kind": "fault", "severity": "low", "title": {"nb": "Kald", "en": "Cold"}, "when": "temperature < -85"}


def catalog(*rules: RuleSpec) -> Catalog:
    """The shipped products, with these rules of the freezer only."""
    return SHIPPED.model_copy(update={"rules": {"freezer": {each.id: each for each in rules}}})


def written(folder: Path, text: str = FILE) -> Path:
    path = folder / "freezer.rules.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_files_are_read_on_top_of_the_rules_in_use(tmp_path: Path) -> None:
    found = rules_with(Settings(), [written(tmp_path)], None)
    assert found.rules["freezer"].keys() == {*SHIPPED.rules["freezer"], "warm"}
    assert found.rules["car"] == SHIPPED.rules["car"]


def test_one_s_own_rules_are_in_use(tmp_path: Path) -> None:
    written(tmp_path)
    assert "warm" in rules_with(Settings(products_dir=tmp_path), [], None).rules["freezer"]


def test_what_is_wrong_with_a_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(StopError, match="there is no 'temprature'; did you mean 'temperature'"):
        rules_with(Settings(), [written(tmp_path, FILE.replace("temperature", "temprature"))], None)


def test_before_any_rule_is_recorded_those_of_files_are_in_use(database: Database) -> None:
    assert rules_with(Settings(), [], database).rules == SHIPPED.rules


def test_what_is_in_force_in_the_database_is_in_use(database: Database, tmp_path: Path) -> None:
    with database.transaction() as connection:
        for name, mode in (("cold", Mode.SHADOW), ("cold_too", Mode.OFF), ("gone", Mode.LIVE)):
            put_rule(
                connection, RuleName("freezer", name), WRITTEN, mode=mode, catalog=SHIPPED, author="kari", now=START
            )  # fmt: skip
        delete_rule(connection, RuleName("freezer", "gone"), catalog=SHIPPED, author="kari", now=START)
    assert list(rules_with(Settings(), [], database).rules["freezer"]) == ["cold"]
    assert list(rules_with(Settings(), [written(tmp_path)], database).rules["freezer"]) == ["cold", "warm"]


def test_rules_that_differ_are_judged_and_those_that_they_hold_back() -> None:
    old = catalog(rule("main", inhibits=["part"]), rule("part", inhibits=["leaf"]), rule("leaf"), rule("other"))
    new = catalog(
        rule("main", inhibits=["part"], severity="low"), rule("part", inhibits=["leaf"]), rule("leaf"), rule("other"),
        rule("more"),
    )  # fmt: skip
    assert changed_rules(old, new) == ["freezer/main", "freezer/more"]
    assert rules_to_judge(old, new, "freezer") == ["main", "part", "leaf"]
    assert rules_to_judge(new, old, "freezer") == ["main", "part", "leaf", "more"]
    assert changed_rules(old, old) == rules_to_judge(old, old, "freezer") == []


def test_another_product_model_makes_all_of_its_rules_others() -> None:
    model = SHIPPED.products["freezer"].model_copy(update={"parameters": {"setpoint": -80.0}})
    other = SHIPPED.model_copy(update={"products": {**SHIPPED.products, "freezer": model}})
    assert changed_rules(SHIPPED, other) == sorted(f"freezer/{name}" for name in SHIPPED.rules["freezer"])


def test_rules_that_can_hold_back_others_are_judged_with_them() -> None:
    together = catalog(rule("offline", inhibits=["main"]), rule("main", inhibits=["part"]), rule("part"), rule("other"))
    product = compiled_for(together, "freezer", ["part"])
    assert {each.id for each in product.rules} == {"offline", "main", "part"}


def override(name: str, **values: object) -> Override:
    return Override(Scope.DEVICE, "freezer-1", "freezer", name, values, "kari", "a try", START)


def test_a_device_has_its_own_values_of_a_rule() -> None:
    some = catalog(rule("warm", inhibits=["off"]), rule("off"))
    changed = [override("warm", **{"for": "1h"}), override("off", enabled=False), override("gone", severity="low")]
    found = rules_of_device(some, "freezer", changed, set()).rules["freezer"]
    assert list(found) == ["warm"]
    assert (found["warm"].for_, found["warm"].inhibits) == (timedelta(hours=1), ())
    named = rules_of_device(some, "freezer", changed, {"freezer/off"}).rules["freezer"]
    assert list(named) == ["warm", "off"]


def test_rules_are_named_with_or_without_their_product() -> None:
    some = catalog(rule("warm"), rule("warmer"))
    assert choose_rules(some, "freezer", []) == choose_rules(some, "freezer", ["freezer"]) == ["warm", "warmer"]
    assert choose_rules(some, "freezer", ["warmer", "freezer/warm", "warmer"]) == ["warmer", "warm"]
    with pytest.raises(InvalidInputError, match="freezer has no rule 'wram'; did you mean 'warm'"):
        choose_rules(some, "freezer", ["wram"])
