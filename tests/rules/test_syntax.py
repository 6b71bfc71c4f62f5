"""Reading CEL source with positions."""

from __future__ import annotations

import pytest

from iot_service.rules.syntax import Node, NodeKind, SyntaxProblemError, parse


def shape(node: Node) -> str:
    """The tree in one line, to compare how tightly operators bind."""
    if not node.children:
        return node.text
    return f"({node.text} {' '.join(map(shape, node.children))})"


@pytest.mark.parametrize(
    ("source", "tree"),
    [
        ("a || b && c", "(|| a (&& b c))"),
        ("a - b - c * d", "(- (- a b) (* c d))"),
        ("!a == -b", "(== (! a) (- b))"),
        ("a ? b : c ? d : e", "(?: a b (?: c d e))"),
        ("a.b.size() > c[0].d", "(> (size (b a)) (d ([] c 0)))"),
        ("x in [1, 2]", "(in x ([] 1 2))"),
        ("{'k': v}.k", "(k ({} 'k' v))"),
        ("(a + b) * c // why", "(* (+ a b) c)"),
        ("f(a, 'it\\'s')", "(f a 'it\\'s')"),
    ],
)
def test_operators_bind_as_the_language_says(source: str, tree: str) -> None:
    assert shape(parse(source)) == tree


def test_a_part_knows_its_place() -> None:
    source = "speed > 1 && (temperature + 2) < 3"
    places = {source[node.start : node.end] for node in parse(source).walk() if node.kind is NodeKind.BINARY}
    assert places == {source, "speed > 1", "(temperature + 2) < 3", "(temperature + 2)"}


@pytest.mark.parametrize("source", ["", "a >", "(a", "a b", "a ? b", "f(a", "'open", "a.1", "[1, 2"])
def test_what_is_no_expression_is_refused(source: str) -> None:
    with pytest.raises(SyntaxProblemError, match="column"):
        parse(source)
