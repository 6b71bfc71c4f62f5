"""The functions of let: each is documented as it is, with an example that compiles."""

from __future__ import annotations

from pathlib import Path

import pytest

from iot_service.rules.compiled import compile_product
from iot_service.rules.lets.base import LetFunction
from iot_service.rules.lets.functions import FUNCTIONS
from iot_service.wiring.rules import show_functions
from tests.rules.telemetry import SHIPPED, rule

PAGE = Path(__file__).parents[2] / "docs" / "rules" / "functions.md"


def test_the_page_has_every_function_as_it_is() -> None:
    assert show_functions() in PAGE.read_text(encoding="utf-8"), "put the output of `iot-service rules functions` there"


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_the_example_of_a_function_compiles_in_a_shipped_product(function: LetFunction) -> None:
    problems = []
    for model in SHIPPED.products.values():
        spec = rule(let={"wanted": function.example}, when="wanted > 1.0")
        product, found = compile_product(model, [spec])
        if not found:
            assert [each.id for each in product.rules] == ["warm"]
            return
        problems += found
    pytest.fail(f"{function.example}: {problems}")
