"""Expressions that were compiled before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from iot_service.products.cache import CacheFile
from iot_service.products.catalog import load_catalog
from iot_service.rules.compiled import compile_catalog
from iot_service.rules.expression_cache import ExpressionCache, use
from iot_service.rules.expressions import Expression, compile_expression
from iot_service.rules.syntax import Node, parse

NUMBERS, OTHERS = ("temperature", "setpoint"), ("text", "events")
SOURCES = (
    "temperature > setpoint + 1", "temperature / setpoint > 2", "known(setpoint) && temperature > 1",
    "'x' in text", "changed(temperature)", "previous(temperature) < 3", "text.exists(t, t.startsWith('P'))", "setpoint",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _no_cache_is_left() -> Iterator[None]:
    yield
    use(None)


def begin(path: Path) -> ExpressionCache:
    """A process that starts."""
    cache = ExpressionCache(CacheFile(path, least=0))
    use(cache)
    return cache


def compiled(source: str, *, numbers: tuple[str, ...] = NUMBERS, others: tuple[str, ...] = OTHERS) -> Expression:
    expression, problems = compile_expression(source, numbers=numbers, others=others)
    assert problems == []
    assert expression is not None
    return expression


def parts(expression: Expression) -> tuple[object, ...]:
    quick = expression.quick is not None, expression.unsure is not None
    return expression.names, expression.asks, expression.finite, quick, expression.program.source


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sources that were really parsed."""
    seen: list[str] = []

    def parsing(source: str) -> Node:
        seen.append(source)
        return parse(source)

    monkeypatch.setattr("iot_service.rules.expressions.parse", parsing)
    return seen


def test_an_expression_from_the_cache_is_the_one_that_was_compiled(tmp_path: Path, parsed: list[str]) -> None:
    first = [compiled(source) for source in SOURCES]
    cache = begin(tmp_path / "file.json")
    assert [parts(compiled(source)) for source in SOURCES] == [parts(each) for each in first]
    cache.save()
    parsed.clear()
    begin(tmp_path / "file.json")
    again = [compiled(source) for source in SOURCES]
    assert [parts(each) for each in again] == [parts(each) for each in first]
    assert parsed == []
    values = {"temperature": 5.0, "setpoint": 2.0, "text": ["x", "P0301"]}
    assert [each.evaluate(values) for each in again] == [each.evaluate(values) for each in first]


def test_the_same_source_over_names_of_another_sort_is_compiled_anew(tmp_path: Path, parsed: list[str]) -> None:
    begin(tmp_path / "file.json")
    assert compiled("temperature == setpoint").quick is not None
    assert compiled("temperature == setpoint", numbers=(), others=NUMBERS).quick is None
    assert compile_expression("temperature == setpoint", numbers=("temperature",))[1]
    assert compile_expression("changed(setpoint)", numbers=NUMBERS, reported=("setpoint",))[1] == []
    assert compile_expression("changed(setpoint)", numbers=NUMBERS, reported=())[1]
    assert len(parsed) == 5


def test_what_is_wrong_is_never_kept(tmp_path: Path) -> None:
    for _ in range(2):
        cache = begin(tmp_path / "file.json")
        assert compile_expression("temprature > 1", numbers=NUMBERS)[1] == [
            "there is no 'temprature'; did you mean 'temperature'?"
        ]
        assert compiled("setpoint").result_problem(bool) == "gives float; a condition (true or false) is needed"
        cache.save()


def test_a_catalog_compiles_to_the_same_with_and_without(tmp_path: Path, parsed: list[str]) -> None:
    catalog = load_catalog()
    without = compile_catalog(catalog)
    for _ in range(2):
        parsed.clear()
        cache = begin(tmp_path / "file.json")
        products = compile_catalog(catalog)
        cache.save()
        for name, product in products.items():
            assert [rule.inputs for rule in product.rules] == [rule.inputs for rule in without[name].rules]
            for rule, other in zip(product.rules, without[name].rules, strict=True):
                for one, two in ((rule.when, other.when), (rule.clear, other.clear)):
                    assert (one is None) == (two is None)
                    if one is not None and two is not None:
                        assert parts(one.expression) == parts(two.expression)
    assert parsed == []
