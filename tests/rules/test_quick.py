"""Quick functions give what the CEL programs beside them give, or nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iot_service.rules.expressions import compile_expression
from iot_service.rules.quick import DOUBT, quick_function

NAMES = ("a", "b", "c")
values = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [0.0, -0.0, 1.0, 2.5, 1e308, -1e308, 5e-324]
)
literals = st.sampled_from(["0", "1", "2.5", "-3", "1e3", "0.1", "1e308", "0x10"])
numbers = st.recursive(
    st.sampled_from(NAMES) | literals,
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner) | inner.map("-({})".format),
    max_leaves=6,
)
comparisons = st.builds("{} {} {}".format, numbers, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), numbers)
conditions = st.recursive(
    comparisons,
    lambda inner: (
        st.builds("({}) {} ({})".format, inner, st.sampled_from(["&&", "||"]), inner) | inner.map("!({})".format)
    ),
    max_leaves=4,
)


@settings(max_examples=400, deadline=None)
@given(source=conditions | numbers, given=st.dictionaries(st.sampled_from(NAMES), values))
def test_whatever_is_computed_quickly_is_what_the_program_says(source: str, given: dict[str, float]) -> None:
    expression, _ = compile_expression(source, numbers=NAMES)
    if expression is None or expression.quick is None:
        return
    by_program = replace(expression, quick=None)
    errors: list[str] = []
    quick_errors: list[str] = []
    expected = by_program.evaluate(given, errors)
    found = expression.evaluate(given, quick_errors)
    assert (found, type(found), quick_errors) == (expected, type(expected), errors)


@pytest.mark.parametrize(
    "source",
    [
        "a > b + 1", "a * b < 3 || !(a == c)", "a / b > 1.0 && -c <= 0x10", "a", "a + 1", "(a - b) / (c + 0.5)",
    ],
)  # fmt: skip
def test_comparisons_and_arithmetic_over_numbers_are_quick(source: str) -> None:
    expression, problems = compile_expression(source, numbers=NAMES, others=("text",))
    assert problems == []
    assert expression is not None
    assert expression.quick is not None


@pytest.mark.parametrize(
    "source",
    [
        "known(a)", "'x' in text", "size(text) > 1", "a > 1 ? b : c", "a > 1 ? b > 1 : c > 1", "a in [1, 2]",
        "1 / 2 > 0", "text == 'x'", "a % 2 == 0", "text.exists(a, a == 'x')", "double(a) > 1", "(a > 1) == (b > 1)",
    ],
)  # fmt: skip
def test_whatever_else_is_left_to_the_program(source: str) -> None:
    expression, _ = compile_expression(source, numbers=NAMES, others=("text",))
    assert expression is None or expression.quick is None


def test_where_a_name_has_no_value_or_the_result_is_not_finite_the_program_is_asked() -> None:
    expression, _ = compile_expression("a > 1 || b / c > 1", numbers=NAMES)
    assert expression is not None
    assert expression.quick is not None
    with pytest.raises(DOUBT):
        expression.quick({"a": 0.0})
    with pytest.raises(DOUBT):
        expression.quick({"a": 0.0, "b": 1.0, "c": 0.0})
    assert expression.evaluate({"a": 2.0}) is True
    assert expression.evaluate({"a": 0.0, "b": 1.0, "c": 0.0}) is None
    assert expression.unsure is not None
    assert expression.unsure({"a": 0.0}) is None
    assert expression.unsure({"b": 3.0, "c": 1.0}) is True


@pytest.mark.parametrize("source", ["__import__('os')", "v.__class__", "(lambda: open)()", "[v for v in v]", "v[", "x"])
def test_a_source_that_was_never_written_so_is_not_run(source: str) -> None:
    with pytest.raises(ValueError, match="no quick function"):
        quick_function(source)
