"""Comparisons and arithmetic over numbers as Python functions, for those expressions that mean the very same in both.

The CEL library converts every value that it is handed, which takes many times as long as to compare two numbers. So an
expression of doubles, ``+ - * /``, comparisons, ``&& || !`` gets a function beside its program: both work on IEEE
doubles. Where the function meets anything else (a name without a value, a division by zero, what is not finite) it
raises, and the program has the word. A property test holds the two together.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from iot_service.rules.syntax import Node, NodeKind

Quick = Callable[[Mapping[str, Any]], Any]
"""Gives the value over the values of names, or raises one of :data:`DOUBT`."""

DOUBT = (LookupError, TypeError, ArithmeticError)
"""What a quick function raises where the CEL program is to be asked."""

_COMPARISONS = frozenset({"<", "<=", ">", ">=", "==", "!="})
_LOGIC = {"&&": "and", "||": "or"}
_NAME = re.compile(r"v|doubt|both|either|other|n\d+")
_WRITTEN = (
    ast.Expression, ast.Lambda, ast.arguments, ast.arg, ast.Name, ast.Load, ast.Store, ast.Subscript, ast.Constant,
    ast.Compare, ast.cmpop, ast.BoolOp, ast.boolop, ast.BinOp, ast.operator, ast.UnaryOp, ast.unaryop, ast.IfExp,
    ast.NamedExpr, ast.Call,
)  # fmt: skip


class _NotQuickError(Exception):
    """An expression is not one of numbers alone."""


def quick_sources(tree: Node, numbers: Collection[str]) -> tuple[str, str | None] | None:
    """Return ``tree`` as Python expressions over ``v``, the values of ``numbers``; None where it may mean another.

    The first is for where all names have values. The second is for where some have none: it is None where the value
    has none then, and else gives None for that.
    """
    sure, unsure = _Writer(numbers), _UnsureWriter(numbers)
    try:
        if not _is_condition(tree):
            text, other = sure.number(tree), None
        else:
            text, other = sure.condition(tree), unsure.condition(tree)
    except _NotQuickError:
        return None
    return (text, other if unsure.chooses else None) if sure.names else None


def quick_function(source: str) -> Quick:
    """Return the function that ``source``, which :func:`quick_sources` gave, stands for.

    Raises ValueError for what it cannot have given: a source may come from a file, and nothing but arithmetic is run.
    """
    written = f"lambda v: {source}"
    try:
        parts = list(ast.walk(ast.parse(written, mode="eval")))
    except SyntaxError as error:
        raise ValueError(f"no quick function: {source}") from error
    if not all(isinstance(part, _WRITTEN) and _NAME.fullmatch(getattr(part, "id", "v")) for part in parts):
        raise ValueError(f"no quick function: {source}")
    scope = {"__builtins__": {}, "doubt": _doubt, "both": _both, "either": _either, "other": _other}
    function: Quick = eval(written, scope)  # noqa: S307  # made of names, numbers and operators alone
    return function


def _is_condition(node: Node) -> bool:
    if node.kind is NodeKind.UNARY:
        return node.text == "!"
    return node.kind is NodeKind.BINARY and node.text in _COMPARISONS | _LOGIC.keys()


def _doubt() -> float:
    raise ArithmeticError("not finite")


Part = Callable[[], bool | None]


def _value(part: Part) -> bool | None:
    try:
        return part()
    except LookupError:
        return None


def _both(left: Part, right: Part) -> bool | None:
    one = _value(left)
    if one is False:
        return False
    two = _value(right)
    return two if one or two is False else None


def _either(left: Part, right: Part) -> bool | None:
    one = _value(left)
    if one:
        return True
    two = _value(right)
    return two if one is False or two else None


def _other(part: Part) -> bool | None:
    value = _value(part)
    return None if value is None else not value


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


class _UnsureWriter(_Writer):
    """Writes conditions that can be true or false although a part of them is unknown."""

    def __init__(self, numbers: Collection[str]) -> None:
        super().__init__(numbers)
        self.chooses = False

    def condition(self, node: Node) -> str:
        parts = [f"lambda: {self.condition(child)}" for child in node.children] if _is_choice(node) else []
        if len(parts) == 1:
            return f"other({parts[0]})"
        if parts:
            self.chooses = True
            return f"{'both' if node.text == '&&' else 'either'}({', '.join(parts)})"
        return super().condition(node)


def _is_choice(node: Node) -> bool:
    return _is_condition(node) and node.text not in _COMPARISONS
