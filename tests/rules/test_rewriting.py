"""What is changed in a source before CEL compiles it."""

from __future__ import annotations

import pytest

from iot_service.rules.rewriting import Rewriter
from iot_service.rules.syntax import parse


@pytest.mark.parametrize(
    ("source", "rewritten"),
    [
        ("a > 1", "a > 1.0"),
        ("a + 1 > 2 * (3)", "a + 1.0 > 2.0 * (3.0)"),
        ("a > 1.5", "a > 1.5"),
        ("codes[0] == 'x'", "codes[0] == 'x'"),
        ("size(codes) > 0", "size(codes) > 0"),
        ("1 / a / b > 0", "finite(finite(1.0 / a) / b) > 0.0"),
        ("a * 2 > b * a", "a * 2.0 > finite(b * a)"),
        ("size(codes) / a > 1", "finite(double(size(codes)) / a) > 1.0"),
        ("known(a) && a > 1", "known__a && a > 1.0"),
        ("'a > 1' == codes[0]", "'a > 1' == codes[0]"),
    ],
)
def test_only_what_must_change_is_changed(source: str, rewritten: str) -> None:
    rewriter = Rewriter(source, numbers=("a", "b"), others=("codes",))
    rewriter.visit(parse(source), frozenset())
    assert rewriter.problems == []
    assert rewriter.rewritten() == rewritten
