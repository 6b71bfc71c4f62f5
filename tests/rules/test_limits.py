"""What a rule may cost, and that what is allowed keeps to it."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from iot_service.model.reading import Sample, SampleKind
from iot_service.rules.compiled import compile_product
from iot_service.rules.expressions import compile_expression
from iot_service.rules.limits import (
    LIST_ITEMS,
    LONGEST,
    TEXT_CHARACTERS,
    TRACKS,
    WINDOWS,
    is_too_large,
    size_problems,
    time_problems,
)
from iot_service.rules.syntax import SOURCE_CHARACTERS
from tests.rules.telemetry import SHIPPED, START, event, happened, new_fold, rule

CODES = [f"{number:04}{'P' * 996}" for number in range(LIST_ITEMS)]
TEXT = ("aé1 " * TEXT_CHARACTERS)[:TEXT_CHARACTERS]
_SECOND = 1.0  # many times what the dearest expression takes: this machine may have much else to do


def problems(source: str) -> list[str]:
    """What is wrong with ``source``."""
    return compile_expression(source, numbers={"x", "y"}, others={"codes", "text"})[1]


@pytest.mark.parametrize(
    "source",
    [
        "codes.all(a, codes.all(b, codes.all(c, a != b || b != c)))",
        "codes.map(a, codes.map(b, a + b)).size() > 3",
        "codes.filter(a, codes.exists(b, a == b + 'x')).size() > 0",
        "previous(codes).all(a, previous(codes).all(b, codes.all(c, a != b || b != c)))",
        "text.matches('((a{0,100}){0,100}){0,100}')",
        "text.matches('(?:.{0,300}){0,30}x')",
        r"text.matches('\\w{0,900}x')",
        "codes.all(a, a.matches('(?:.{0,30}){0,10}x'))",
        "codes" + ".map(a, a + a)" * 30 + ".size() > 0",
        "['a']" + ".map(a, a + a)" * 60 + ".size() > 0",
        "[[1]]" + ".map(a, a + a)" * 60 + ".size() > 0",
        f"[{','.join('1' * 400)}].map(a, [{','.join('1' * 400)}]).size() > 1",
    ],
)
def test_what_may_run_long_is_refused_with_the_steps_it_may_take(source: str) -> None:
    (problem,) = problems(source)
    assert "steps where lists have 128 items, and 100,000 are allowed" in problem


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("text.matches(text)", "matches() takes its pattern as a text in quotes"),
        ("text.matches('a' + 'b')", "matches() takes its pattern as a text in quotes"),
        (f"text.matches('{'a' * 300}')", "the pattern of matches() may have 200 characters"),
        ("text.matches('(')", "the pattern of matches() is none"),
        ("x > 0" + " || x > 0" * 250, f"up to {SOURCE_CHARACTERS:,} can be read"),
        ("x > " + "+".join("x" * 900), "901 operators in one another; up to 120"),
        ("(" * 300 + "x" + ")" * 300 + " > 0", "nested too deeply at column 41; split it with 'let'"),
        ("[" * 300 + "x" + "]" * 300 + " == []", "nested too deeply at column 41"),
        ("!" * 900 + "(x > 0)", "nested too deeply at column 41"),
        ("x > 0 ? true : " * 100 + "false", "nested too deeply"),
        ("(" * 1_000_000, "up to 2,000 can be read"),
    ],
)
def test_what_is_too_long_or_too_deep_is_refused_with_the_reason(source: str, problem: str) -> None:
    assert problem in "; ".join(problems(source))


@pytest.mark.parametrize(
    "source",
    [
        "codes.exists(a, a.startsWith('P03'))",
        "codes.exists(a, a in ['P0300', 'P0301'])",
        "codes.filter(a, a.matches('^P0[0-9]{3}$')).size() > 2",
        "codes.exists(a, a.contains('x') && text.contains(a))",
        "codes.map(a, a + '!').exists(a, a == 'P!')",
        "text.matches('^[A-Za-z]+ [0-9]{1,3}$')",
        r"text.matches('\\w+ \\d{2}')",
        r"text.matches('\\w{0,30}x')",
        "text.matches('(?:.{0,30}){0,10}x')",
        "x > 0" + " && x > 0" * 110,
        "(" * 30 + "x" + ")" * 30 + " > 0",
        "x > 0 ? true : " * 30 + "false",
    ],
)
def test_what_is_allowed_is_soon_done_with_the_largest_values(source: str) -> None:
    expression, found = compile_expression(source, numbers={"x"}, others={"codes", "text"})
    assert expression is not None, found
    began = time.perf_counter()
    expression.evaluate({"x": 1.0, "codes": CODES, "text": TEXT})
    assert time.perf_counter() - began < _SECOND


def test_values_larger_than_expressions_may_look_at_are_known_as_such() -> None:
    assert not is_too_large(CODES)
    assert is_too_large([*CODES, "P0301"])
    assert not is_too_large(TEXT)
    assert is_too_large(TEXT + "a")
    assert is_too_large([TEXT + "a"])
    assert not is_too_large(1.0)


def test_a_time_longer_than_a_year_and_what_comes_late_is_refused_by_name() -> None:
    second = timedelta(seconds=1)
    assert time_problems({"for": LONGEST, "clear_for": LONGEST + second}) == {"clear_for": "is at the most 400 d"}


def test_what_a_product_keeps_of_each_device_is_bounded() -> None:
    assert size_problems(windows=WINDOWS, tracks=TRACKS) == []
    assert "2,001 windows, and 2,000 are allowed" in size_problems(windows=WINDOWS + 1, tracks=0)[0]
    assert "501 values of a device, and 500 are allowed" in size_problems(windows=0, tracks=TRACKS + 1)[0]


@pytest.mark.parametrize(
    ("over", "field", "message"),
    [
        ({"for": "401d"}, ("for",), "is at the most 400 d"),
        ({"keep_for": "500d"}, ("keep_for",), "is at the most 400 d"),
        ({"repeat": "3 times within 999d"}, ("repeat",), "is within at the most 400 d"),
        ({"levels": [{"severity": "critical", "for": "401d"}]}, ("levels", "0", "for"), "is at the most 400 d"),
        ({"let": {"w": "avg(temperature, 401d)"}, "when": "w > 1"}, ("let", "w"), "a window is at the most 400 d"),
        ({"let": {"w": "time_true(door > 0.5, 500d)"}, "when": "w > 1"}, ("let", "w"), "a window is at the most 400 d"),
        ({"let": {f"w{n}": "temperature + 1" for n in range(51)}}, ("let",), "has 51, and 50 are allowed"),
        ({"message": {"nb": "a", "en": "b" * 2001}}, ("message",), "may have 2,000 characters"),
        (
            {"during": [{"hours": "07:00-08:00"}] * 15 + [{"season": "06-01..08-31"}]},
            ("during",),
            "has 32 schedules, hours and seasons, and 30 are allowed",
        ),
    ],
)
def test_rules_check_names_the_field_that_goes_too_far(
    over: dict[str, Any], field: tuple[str, ...], message: str
) -> None:
    _, found = compile_product(SHIPPED.products["freezer"], [rule(**over)])
    assert (field, message) in [(problem.field, problem.message) for problem in found]


def test_of_many_events_at_one_instant_the_first_are_looked_at() -> None:
    model = SHIPPED.products["freezer"]
    product, _ = compile_product(model, [rule(f"e{n}", when=f"'e{n}' in events", keep_for="1h") for n in (127, 128)])
    fold = new_fold(product)
    fold.advance([event(f"e{number}", START) for number in range(LIST_ITEMS + 1)])
    assert happened(fold) == [("opened", "e127", 0)]


def test_a_list_that_is_too_long_is_unknown_and_not_kept() -> None:
    model = SHIPPED.products["freezer"].model_copy(update={"attributes": {"codes": {}}})
    product, _ = compile_product(model, [rule(when="codes.exists(code, code == 'x')")])
    fold = new_fold(product)
    fold.advance([Sample(SampleKind.ATTRIBUTE, "codes", START, START, ("x",) * 129)])
    assert happened(fold) == []
    assert str(fold.state.unknown["warm"]) == "codes has no value"
    assert fold.state.attributes == {}
    later = START + timedelta(minutes=1)
    fold.advance([Sample(SampleKind.ATTRIBUTE, "codes", later, later, ("x",))])
    assert happened(fold) == [("opened", "warm", 1)]
    assert fold.state.unknown == {}
