"""Overrides of a rule: which counts, and what they may say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from iot_service.model.need import Severity
from iot_service.products.catalog import load_catalog
from iot_service.products.overrides import (
    Override,
    Scope,
    effective_rule,
    merged,
    parameter_problems,
    rule_problems,
)
from iot_service.products.rule_spec import RuleSpec

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TITLE = {"nb": "a", "en": "b"}


def rule(**over: Any) -> RuleSpec:
    given = {"id": "warm", "kind": "fault", "severity": "normal", "title": TITLE, "when": "temperature > 8"}
    return RuleSpec.model_validate(given | over)


def override(scope: str, scope_id: str, **values: Any) -> Override:
    written = {name.rstrip("_"): value for name, value in values.items()}
    return Override(Scope(scope), scope_id, "freezer", "warm", written, "ola", "because", AT)


def test_the_most_specific_override_of_each_field_counts() -> None:
    overrides = [
        override("device", "d", for_="1m"),
        override("customer", "c", for_="2m", severity="high"),
        override("group", "b", severity="low", keep_for="3m"),
        override("group", "a", severity="critical", keep_for="4m"),
        override("product", "freezer", for_="5m", severity="normal", keep_for="6m", enabled=False),
    ]
    found = effective_rule(rule(), overrides)
    assert found.spec.for_ == timedelta(minutes=1)
    assert found.spec.severity is Severity.HIGH
    assert found.spec.keep_for == timedelta(minutes=3)  # of several groups, the last by id
    assert not found.enabled
    assert {field: origin.scope_id for field, origin in found.origins.items()} == {
        "for": "d", "severity": "c", "keep_for": "b", "enabled": "freezer",
    }  # fmt: skip
    assert found.refused == {}


def test_the_order_in_which_overrides_come_is_all_the_same() -> None:
    overrides = [
        override("group", "b", for_="1m"),
        override("group", "a", for_="2m"),
        override("device", "d", for_="3m"),
    ]
    assert merged(overrides) == merged(reversed(overrides))


def test_levels_that_are_not_worse_than_an_overridden_severity_fall_away() -> None:
    spec = rule(levels=[{"severity": "high", "for": "1h"}, {"severity": "critical", "for": "2h"}])
    found = effective_rule(spec, [override("device", "d", severity="high")])
    assert [level.severity for level in found.spec.levels] == ["critical"]
    assert effective_rule(spec, [override("device", "d", levels=False)]).spec.levels == ()


def test_a_repetition_can_be_set_and_taken_away() -> None:
    found = effective_rule(rule(), [override("device", "d", repeat="3 times within 1h")])
    assert found.spec.repeat is not None
    assert found.spec.repeat.times == 3
    assert effective_rule(found.spec, [override("device", "d", repeat=False)]).spec.repeat is None


def test_what_does_not_fit_the_rule_any_more_does_not_count_and_the_rest_does() -> None:
    found = effective_rule(rule(clear="temperature < 5"), [override("device", "d", keep_for="5m", severity="low")])
    assert (found.spec.severity, found.spec.keep_for) == (Severity.LOW, timedelta(0))
    assert list(found.refused) == ["keep_for"]
    assert list(found.origins) == ["severity"]


@pytest.mark.parametrize(
    ("over", "values", "expected"),
    [
        ({}, {"sevrity": "low"}, ("sevrity", "no such key; did you mean 'severity'?")),
        ({}, {"when": "true"}, ("when", "no such key; known here")),
        ({}, {"for": "long"}, ("for", "'long' is not a duration")),
        ({}, {"severity": "bad"}, ("severity", "Input should be 'low'")),
        ({}, {"repeat": "often"}, ("repeat", "'often' is no repetition")),
        ({}, {"levels": True}, ("levels", "Input should be False")),
        ({}, {}, ("", "say what is to be otherwise: enabled, severity, for")),
        ({}, {"clear_for": "5m"}, ("clear_for", "the rule has no 'clear'")),
        ({}, {"absent_for": "5m"}, ("absent_for", "does not watch for silence")),
        ({"clear": "temperature < 5"}, {"keep_for": "5m"}, ("keep_for", "write 'clear_for'")),
        ({"when": None, "absent_for": "5m"}, {"for": "5m"}, ("for", "override 'absent_for'")),
    ],
)
def test_what_cannot_be_overridden_is_told(
    over: dict[str, Any], values: dict[str, Any], expected: tuple[str, str]
) -> None:
    ((field, message),) = rule_problems(rule(**over), values)
    assert field == expected[0]
    assert expected[1] in message


def test_what_fits_is_no_problem() -> None:
    values = {"enabled": True, "severity": "low", "for": "1m", "keep_for": "2m", "repeat": False, "levels": False}
    assert rule_problems(rule(), values) == []
    assert rule_problems(rule(when=None, absent_for="5m"), {"absent_for": "1h"}) == []


def test_parameters_are_numbers_that_the_product_model_has() -> None:
    model = load_catalog().products["freezer"]
    assert parameter_problems(model, {"alarm_offset": 12, "band": 4.5}) == []
    assert parameter_problems(model, {"alarm_ofset": 12, "band": "4", "setpoint": float("nan")}) == [
        ("alarm_ofset", "freezer has no parameter 'alarm_ofset'; did you mean 'alarm_offset'?"),
        ("band", "must be a number"),
        ("setpoint", "must be a number"),
    ]
    assert parameter_problems(load_catalog().products["car"], {"service_months": 0}) == [
        ("service_months", "must be above 0: a service plan goes by it")
    ]
    assert parameter_problems(model, {}) == [("", "say which parameters are to be otherwise")]
