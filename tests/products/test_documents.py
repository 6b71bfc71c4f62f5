"""YAML with the line of every field."""

from __future__ import annotations

from importlib.resources.abc import Traversable

import pytest
import yaml

from iot_service.products.catalog import shipped_files
from iot_service.products.documents import parse_document, suggestion
from iot_service.products.problems import Problem, show_problems

TEXT = """\
a:
  - b: 1
  - c:
      d: 2
"""


def test_every_field_knows_its_line() -> None:
    document = parse_document("f.yaml", TEXT)
    assert [document.line(at) for at in (("a",), ("a", 0, "b"), ("a", 1, "c", "d"), ("a", 1, "x"), ("z",))] == [
        1, 2, 4, 3, 1,
    ]  # fmt: skip
    assert str(document.problem(("a", 1, "c"), "is wrong")) == "f.yaml:3: a.1.c: is wrong"


def test_what_is_no_yaml_is_told_by_line() -> None:
    (problem,) = parse_document("f.yaml", "a: [1\nb: 2\n").problems
    assert problem.line == 2
    assert problem.message.startswith("not YAML")


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-30",
        "2026-01-01T25:00:00Z",
        "0x_",
        "!!int abc",
        "!!float x",
        "!!bool maybe",
        "!!timestamp soon",
        "9" * 5000,
    ],
    ids=lambda value: value[:20],
)
def test_what_looks_like_a_value_and_is_none_is_told_by_line(value: str) -> None:
    (problem,) = parse_document("f.yaml", f"a: 1\nb:\n  - {value}\n").problems
    assert problem.line == 3
    assert "and is none; put it in quotes if it is a text" in problem.message


def test_a_key_that_stands_twice_is_found_but_merged_ones_are_not() -> None:
    text = "x: &x {a: 1}\ny: {<<: *x, a: 2}\nz:\n  a: 1\n  a: 2\n"
    (problem,) = parse_document("f.yaml", text).problems
    assert (problem.line, problem.field) == (5, "z.a")


def test_aliases_that_stand_for_millions_of_fields_are_refused() -> None:
    doubled = "".join(f"a{place}: &a{place} [{', '.join([f'*a{place - 1}'] * 10)}]\n" for place in range(1, 9))
    (problem,) = parse_document("f.yaml", f"a0: &a0 [1, 2]\n{doubled}").problems
    assert problem.message == "not YAML: its aliases stand for too many fields"


@pytest.mark.parametrize(
    "text", ["[" * 200_000, "- " * 200_000, "{a: " * 200_000, "[" * 60 + "]" * 60, "a: &a [*a]", "x: &x {y: *x}"]
)
def test_what_is_nested_without_end_is_refused(text: str) -> None:
    (problem,) = parse_document("f.yaml", text).problems
    assert "nested too deeply" in problem.message


@pytest.mark.parametrize("file", sorted(shipped_files(), key=str), ids=lambda file: file.name)
def test_both_yaml_readers_find_the_same_data_on_the_same_lines(file: Traversable) -> None:
    text = file.read_text(encoding="utf-8")
    document, problems = parse_document(file.name, text), parse_document(file.name, text + "\n]").problems
    assert document.data == yaml.safe_load(text)
    assert [problem.line for problem in problems] == [text.count("\n") + 2]
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(node, yaml.MappingNode)
    for key, value in node.value:
        assert document.line((key.value,)) == key.start_mark.line + 1
        for inner, _ in value.value if isinstance(value, yaml.MappingNode) else ():
            assert document.line((key.value, inner.value)) == inner.start_mark.line + 1


def test_many_short_lists_are_not_taken_for_deep_ones() -> None:
    text = "".join(f"a{place}: [']', {{x: 1}}]\n" for place in range(2_000))
    document = parse_document("f.yaml", text)
    assert document.problems == ()
    assert document.line(("a1999", 1, "x")) == 2_000


def test_problems_are_shown_in_order_of_file_and_line() -> None:
    shown = show_problems([Problem("b", 1, "", "y"), Problem("a", 10, "f", "x"), Problem("a", 2, "", "z")])
    assert shown.splitlines() == ["a:2: z", "a:10: f: x", "b:1: y"]


def test_a_suggestion_is_near_or_lists_what_there_is() -> None:
    assert suggestion("temprature", ["temperature", "door"]) == "; did you mean 'temperature'?"
    assert suggestion("xyz", ["b", "a"]) == "; known here: a, b"
    assert suggestion("xyz", []) == ""
