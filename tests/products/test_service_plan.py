"""Service plans in product models."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from iot_service.products.catalog import load_catalog
from iot_service.products.facts import named_facts
from iot_service.products.service_plan import ServicePlan, plan_problems

COUNTERS = {"odometer": True, "speed": False}
PARAMETERS = {"interval": 15_000.0, "none": 0.0}


def problems(**every: Any) -> list[tuple[tuple[str, ...], str]]:
    return list(plan_problems({"check": ServicePlan(every=every)}, COUNTERS, PARAMETERS))


def test_counters_months_and_parameters_are_limits() -> None:
    assert problems(odometer=15_000, months=12) == []
    assert problems(odometer="interval") == []
    assert ServicePlan(every={"months": 12, "odometer": 5}).counters == ("odometer",)


@pytest.mark.parametrize(
    ("every", "field", "problem"),
    [
        ({"odometr": 5}, "odometr", "no metric 'odometr', nor is it months"),
        ({"speed": 5}, "speed", "'speed' is no counter: a plan goes by what only grows, so write counter: true there"),
        ({"months": "intervall"}, "months", "no parameter 'intervall'"),
        ({"months": "none"}, "months", "the parameter 'none' must be above 0"),
    ],
)
def test_what_there_is_not_is_a_problem(every: dict[str, Any], field: str, problem: str) -> None:
    assert problems(**every) == [(("check", "every", field), problem)]


@pytest.mark.parametrize("every", [{}, {"months": 0}, {"months": -1}, {"months": float("inf")}])
def test_a_plan_has_limits_above_zero(every: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        ServicePlan(every=every)


def test_its_facts_are_names_that_rules_may_use() -> None:
    facts = named_facts(load_catalog().products["car"])
    assert facts == {"annual_service_at", "annual_service_odometer"}
