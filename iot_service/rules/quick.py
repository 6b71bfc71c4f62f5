"""Comparisons and arithmetic over numbers as Python functions, for those expressions that mean the very same in both.

The CEL library converts every value that it is handed, which takes many times as long as to compare two numbers. So an
expression of doubles, ``+ - * /``, comparisons, ``&& || !`` gets a function beside its program: both work on IEEE
doubles. Where the function meets anything else (a name without a value, a division by zero, what is not finite) it
raises, and the program has the word. A property test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

from iot_service.rules.syntax import Node, NodeKind

Quick = Callable[[Mapping[str, Any]], Any]
"""Gives the value over the values of names, or raises one of :data:`DOUBT`."""

DOUBT = (LookupError, TypeError, ArithmeticError)
"""What a quick function raises where the CEL program is to be asked."""

_COMPARISONS = frozenset({"<", "<=", ">", ">=", "==", "!="})
_LOGIC = {"&&": "and", "||": "or"}


class _NotQuickError(Exception):
    """An expression is not one of numbers alone."""


def quick_source(tree: Node, numbers: Collection[str]) -> str | None:
    """Return ``tree`` as a Python expression over ``v``, the values of ``numbers``; None where it may mean another."""
    writer = _Writer(numbers)
    try:
        is_condition = tree.kind is NodeKind.BINARY and tree.text in _COMPARISONS | _LOGIC.keys()
        text = writer.condition(tree) if is_condition or tree.text == "!" else writer.number(tree)
    except _NotQuickError:
        return None
    return text if writer.names else None


def quick_function(source: str) -> Quick:
    """Return the function that ``source``, which :func:`quick_source` gave, stands for."""
    scope = {"__builtins__": {}, "doubt": _doubt}
    function: Quick = eval(f"lambda v: {source}", scope)  # noqa: S307  # made of names, numbers and operators alone
    return function


def is_strict(source: str) -> bool:
    """Return whether ``source``, which :func:`quick_source` gave, has no value as soon as one name has none."""
    return not any(f" {word} " in source for word in _LOGIC.values())


def _doubt() -> float:
    raise ArithmeticError("not finite")


class _Writer:
    def __init__(self, numbers: Collection[str]) -> None:
        self._numbers = numbers
        self.names: set[str] = set()
        self._count = 0

    def condition(self, node: Node) -> str:
        if node.kind is NodeKind.UNARY and node.text == "!":
            return f"(not {self.condition(node.children[0])})"
        if node.kind is NodeKind.BINARY and node.text in _LOGIC:
            left, right = map(self.condition, node.children)
            return f"({left} {_LOGIC[node.text]} {right})"
        if node.kind is NodeKind.BINARY and node.text in _COMPARISONS:
            known = len(self.names)
            left, right = map(self.number, node.children)
            if len(self.names) == known and not self._reads(node):
                raise _NotQuickError  # of literals alone, which may be integers
            return f"({left} {node.text} {right})"
        raise _NotQuickError

    def number(self, node: Node) -> str:
        if node.kind is NodeKind.NAME and node.text in self._numbers:
            self.names.add(node.text)
            return f"v[{node.text!r}]"
        if node.kind in (NodeKind.INT, NodeKind.FLOAT):
            return self._literal(node.text)
        if node.kind is NodeKind.UNARY and node.text == "-":
            return f"(-{self.number(node.children[0])})"
        if node.kind is NodeKind.BINARY and node.text in ("+", "-", "*", "/") and self._reads(node):
            left, right = map(self.number, node.children)
            self._count += 1
            name = f"n{self._count}"
            return f"({name} if ({name} := {left} {node.text} {right}) - {name} == 0.0 else doubt())"
        raise _NotQuickError

    def _reads(self, node: Node) -> bool:
        return any(each.kind is NodeKind.NAME for each in node.walk())

    def _literal(self, text: str) -> str:
        try:
            value = float(text) if any(letter in text for letter in ".eE") and "x" not in text else float(int(text, 0))
        except (ValueError, OverflowError):
            raise _NotQuickError from None
        if not math.isfinite(value):
            raise _NotQuickError
        return repr(value)
