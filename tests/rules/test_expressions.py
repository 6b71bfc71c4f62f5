"""CEL, three-valued, as authors expect it."""

from __future__ import annotations

from typing import Any

import pytest

from iot_service.rules.expressions import Expression, compile_expression

NUMBERS = ("temperature", "setpoint", "speed")
OTHERS = ("codes", "events")


def compiled(source: str) -> Expression:
    expression, problems = compile_expression(source, numbers=NUMBERS, others=OTHERS)
    assert expression is not None, problems
    return expression


@pytest.mark.parametrize(
    ("source", "values", "result"),
    [
        ("temperature > setpoint + 10", {"temperature": -59.0, "setpoint": -70.0}, True),
        ("temperature > setpoint + 10", {"temperature": -59.0}, None),
        ("temperature > 1 || speed > 2", {"temperature": 5.0}, True),
        ("speed > 2 || temperature > 1", {"temperature": 5.0}, True),
        ("temperature > 1 && speed > 2", {"temperature": 0.0}, False),
        ("temperature > 1 && speed > 2", {"temperature": 5.0}, None),
        ("!(temperature > 1)", {}, None),
        ("temperature / speed > 1", {"temperature": 1.0, "speed": 0.0}, None),
        ("1 / speed > 1 || temperature > 1", {"temperature": 5.0, "speed": 0.0}, True),
        ("temperature * speed > 1", {"temperature": 1e300, "speed": 1e300}, None),
        ("temperature == 3", {"temperature": 3.0}, True),
        ("temperature in [1, 2, 3]", {"temperature": 3.0}, True),
        ("(speed > 0 ? 1 : temperature) > 0.5", {"speed": 1.0, "temperature": 0.0}, True),
        ("size(codes) + 1 > 2", {"codes": ["a", "b"]}, True),
        ("size(codes) / speed >= 1", {"codes": ["a", "b"], "speed": 2.0}, True),
        ("codes[0] == 'P0301'", {"codes": ["P0301"]}, True),
        ("codes.exists(code, code.startsWith('P03'))", {"codes": ["P0301"]}, True),
        ("'Boiling' in events", {"events": ["Boiling"]}, True),
        ("known(speed) && speed > 1", {}, False),
        ("!known(speed) || speed > 1", {}, True),
        ("-temperature > -(1 + 2)", {"temperature": 1.0}, True),
        ("temperature + 0x10 > 16", {"temperature": 1.0}, True),
    ],
)
def test_a_condition_is_true_false_or_unknown(source: str, values: dict[str, Any], result: bool | None) -> None:
    assert compiled(source).evaluate(values) is result


def test_what_cannot_be_computed_is_unknown_and_named() -> None:
    errors: list[str] = []
    assert compiled("codes[3] == 'x'").evaluate({"codes": ["a"]}, errors) is None
    assert errors == ["index out of bounds: 3"]


def test_what_is_missing_or_not_finite_is_no_error() -> None:
    errors: list[str] = []
    assert compiled("speed > 1").evaluate({}, errors) is None
    assert compiled("1 / speed > 1").evaluate({"speed": 0.0}, errors) is None
    assert errors == []


def test_an_expression_knows_what_it_depends_on() -> None:
    expression = compiled("known(speed) && temperature > 1")
    assert expression.inputs == {"speed", "temperature"}
    assert expression.names == ("temperature",)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("temprature > 1", "there is no 'temprature'; did you mean 'temperature'?"),
        ("average(temperature) > 1", "there is no function 'average' here"),
        ("temperature >", "expected a value at column 14, found 'the end'"),
        ("temperature > 1 1", "'1' at column 17 does not fit here"),
        ("temperature # 1", "'#' at column 13 is not understood"),
        ("known(1)", "known() takes one name"),
        ("codes.starts('x')", "there is no method 'starts'"),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(source: str, problem: str) -> None:
    expression, problems = compile_expression(source, numbers=NUMBERS, others=OTHERS)
    assert expression is None
    assert problem in problems[0]


def test_all_problems_of_an_expression_come_at_once() -> None:
    _, problems = compile_expression("temprature > 1 && sped > 2", numbers=NUMBERS, others=OTHERS)
    assert len(problems) == 2


@pytest.mark.parametrize(
    ("source", "wanted", "problem"),
    [
        ("temperature > 1", bool, None),
        ("temperature + 1", float, None),
        ("codes[1] == 'x'", bool, None),
        ("temperature + 1", bool, "gives float; a condition (true or false) is needed"),
        ("temperature > 1", float, "gives bool; a number is needed"),
        ("temperature % 2 == 1", bool, "Unsupported operation: float % float"),
    ],
)
def test_an_expression_of_the_wrong_type_is_found_before_it_runs(
    source: str, wanted: type, problem: str | None
) -> None:
    assert compiled(source).result_problem(wanted, OTHERS) == problem
