"""Compiled variants of a product: shared by those with the same values, and no more than so many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from iot_service.products.overrides import Override, Scope
from iot_service.rules.overrides.variants import Variants
from iot_service.rules.versions.book import ProductRules
from iot_service.rules.versions.version import RuleInForce
from tests.rules.telemetry import compiled, rule

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def product(*specs: Any) -> ProductRules:
    return ProductRules(compiled("freezer", specs), {spec.id: RuleInForce(spec) for spec in specs})


def override(scope: Scope, scope_id: str, of: str | None = "warm", **values: Any) -> Override:
    written = {name.rstrip("_"): value for name, value in values.items()}
    return Override(scope, scope_id, "freezer", of, written, "ola", "x", AT)


def test_the_same_values_share_one_variant_whoever_set_them() -> None:
    rules, variants = product(rule()), Variants()
    first = variants.of(rules, [override(Scope.DEVICE, "a", for_="5m")])
    second = variants.of(
        rules, [override(Scope.CUSTOMER, "c", for_="5m"), override(Scope.PRODUCT, "freezer", for_="9m")]
    )
    assert first.compiled is second.compiled
    assert first.variant == second.variant != ""
    assert first.compiled.rules[0].spec.for_ == timedelta(minutes=5)
    assert rules.compiled.rules[0].spec.for_ == timedelta(0)


def test_parameters_and_rules_that_are_gone_make_no_variant() -> None:
    rules = product(rule())
    overrides = [override(Scope.DEVICE, "a", None, band=3), override(Scope.DEVICE, "a", "gone", for_="5m")]
    assert Variants().of(rules, overrides) is rules


def test_a_rule_that_is_switched_off_holds_nothing_back_any_more() -> None:
    rules = product(rule("warm", inhibits=["other"]), rule("other"))
    found = Variants().of(rules, [override(Scope.DEVICE, "a", "other", enabled=False)])
    assert list(found.rules) == ["warm"]
    assert found.not_live["other"].startswith("The rule is switched off for this device (device a, by ola at ")


def test_only_so_many_are_kept() -> None:
    rules, variants = product(rule()), Variants(capacity=2)
    made = [variants.of(rules, [override(Scope.DEVICE, "a", for_=f"{n}m")]).compiled for n in (1, 2, 3)]
    assert variants.of(rules, [override(Scope.DEVICE, "a", for_="3m")]).compiled is made[2]
    assert variants.of(rules, [override(Scope.DEVICE, "a", for_="1m")]).compiled is not made[0]


def test_a_changed_rule_gives_another_variant() -> None:
    variants, overrides = Variants(), [override(Scope.DEVICE, "a", for_="5m")]
    before = variants.of(product(rule()), overrides)
    after = variants.of(product(rule(when="temperature > -50")), overrides)
    assert after.compiled.rules[0].spec.when == "temperature > -50"
    assert before.compiled is not after.compiled
