"""Comparisons with the fleet in product models."""

from __future__ import annotations

from typing import Any

import pytest

from iot_service.products.catalog import load_catalog
from iot_service.products.comparison import Comparison, comparison_problems
from iot_service.products.facts import named_facts

METRICS = {"compressor": False, "ambient": False, "starts": True}


def problems(**over: Any) -> list[tuple[tuple[str, ...], str]]:
    comparison = Comparison.model_validate({"metric": "compressor", "alike": {"ambient": 2}, **over})
    return list(comparison_problems({"share": comparison}, METRICS))


def test_a_metric_is_compared_where_others_are_alike() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("over", "field", "problem"),
    [
        ({"metric": "compresor"}, ("share", "metric"), "no metric 'compresor'"),
        ({"metric": "starts"}, ("share", "metric"), "'starts' is a counter, and its mean says nothing"),
        ({"alike": {"ambiant": 2}}, ("share", "alike", "ambiant"), "no metric 'ambiant'"),
    ],
)
def test_what_there_is_not_is_a_problem(over: dict[str, Any], field: tuple[str, ...], problem: str) -> None:
    assert problems(**over) == [(field, problem)]


def test_its_facts_are_names_that_rules_may_use() -> None:
    facts = named_facts(load_catalog().products["freezer"])
    assert facts == {"compressor_share_vs_peers", "compressor_share_of_peers", "compressor_share_peers"}
