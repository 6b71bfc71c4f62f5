"""What we change in a CEL source before it is compiled, and what we find wrong in it (see expressions.py for why)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import ClassVar

from iot_service.products.documents import suggestion
from iot_service.rules.syntax import MACROS, Node, NodeKind

_FUNCTIONS = frozenset({"size", "int", "double", "string", "has", "known", "changed", "previous"})
_METHODS = MACROS | {"size", "contains", "startsWith", "endsWith", "matches"}
KNOWN_PREFIX = "known__"
"""What the variable that stands for ``known(name)`` begins with."""
CHANGED_PREFIX = "changed__"
"""What the variable that stands for ``changed(name)`` begins with: true at the instant of the change alone."""
PREVIOUS_PREFIX = "previous__"
"""What the variable that stands for ``previous(name)`` begins with: the value before the last change."""

_ABOUT_A_NAME = {"known": KNOWN_PREFIX, "changed": CHANGED_PREFIX, "previous": PREVIOUS_PREFIX}

_COMPARING = frozenset({"<", "<=", ">", ">=", "==", "!=", "+", "-", "*", "/", "%", "in"})
_ARITHMETIC = frozenset({"+", "-", "*", "/", "%"})
_NUMBER, _INTEGER, _OTHER = "number", "integer", "other"


class Rewriter:
    """Walks a tree; notes the names it reads, those it asks ``known()`` of and its problems, and collects edits.

    ``numbers`` are the names of variables that are doubles, ``others`` those that are text or lists. ``reported`` are
    those of them whose changes can be asked for; None: all.
    """

    def __init__(
        self, source: str, numbers: Collection[str], others: Collection[str], reported: Collection[str] | None = None
    ) -> None:
        self._source = source
        self._reported = {*numbers, *others} if reported is None else reported
        self._numbers = numbers
        self._others = others
        self._edits: list[tuple[int, int, str]] = []
        self._promoted: set[int] = set()
        self.names: set[str] = set()
        self.asks: set[str] = set()
        self.finite = False
        self.problems: list[str] = []

    def rewritten(self) -> str:
        """Return the source with all edits made."""
        result = self._source
        for start, end, text in sorted(self._edits, key=lambda edit: edit[0], reverse=True):
            result = result[:start] + text + result[end:]
        return result

    def visit(self, node: Node, bound: frozenset[str]) -> str:
        """Return what sort of value ``node`` is; ``bound`` are the names that macros around it have introduced."""
        handler = self._HANDLERS.get(node.kind)
        if handler is not None:
            return handler(self, node, bound)
        for child in node.children:
            self.visit(child, bound)
        return {NodeKind.INT: _INTEGER, NodeKind.FLOAT: _NUMBER}.get(node.kind, _OTHER)

    def _name(self, node: Node, bound: frozenset[str]) -> str:
        if node.text in bound:
            return _OTHER
        if self._exists(node):
            self.names.add(node.text)
        return _NUMBER if node.text in self._numbers else _OTHER

    def _exists(self, node: Node) -> bool:
        if node.text in self._numbers or node.text in self._others:
            return True
        self.problems.append(
            f"there is no '{node.text}'{suggestion(node.text, sorted({*self._numbers, *self._others}))}"
        )
        return False

    def _call(self, node: Node, bound: frozenset[str]) -> str:
        if node.text not in _FUNCTIONS:
            hint = suggestion(node.text, sorted(_FUNCTIONS))
            self.problems.append(f"there is no function '{node.text}' here (windows stand in 'let'){hint}")
            return _OTHER
        if node.text in _ABOUT_A_NAME:
            return self._about_a_name(node)
        for child in node.children:
            self.visit(child, bound)
        return {"size": _INTEGER, "int": _INTEGER, "double": _NUMBER}.get(node.text, _OTHER)

    def _about_a_name(self, node: Node) -> str:
        """Put a variable in the place of ``known(name)``, ``changed(name)`` or ``previous(name)``."""
        function = node.text
        if len(node.children) != 1 or node.children[0].kind is not NodeKind.NAME:
            self.problems.append(f"{function}() takes one name, as in {function}(temperature)")
            return _OTHER
        name = node.children[0].text
        if not self._exists(node.children[0]):
            return _OTHER
        if function == "known":
            self.asks.add(name)
        elif name not in self._reported:
            self.problems.append(f"{function}() takes what a device reports, and '{name}' is not")
        else:
            self.names.add(_ABOUT_A_NAME[function] + name)
        self._edits.append((node.start, node.end, _ABOUT_A_NAME[function] + name))
        return _NUMBER if function == "previous" and name in self._numbers else _OTHER

    def _method(self, node: Node, bound: frozenset[str]) -> str:
        if node.text not in _METHODS:
            self.problems.append(f"there is no method '{node.text}'{suggestion(node.text, sorted(_METHODS))}")
        target, *arguments = node.children
        self.visit(target, bound)
        if node.text in MACROS and arguments and arguments[0].kind is NodeKind.NAME:
            bound |= {arguments[0].text}
            arguments = arguments[1:]
        for argument in arguments:
            self.visit(argument, bound)
        return _INTEGER if node.text == "size" else _OTHER

    def _binary(self, node: Node, bound: frozenset[str]) -> str:
        left, right = node.children
        if node.text not in _COMPARING:
            self.visit(left, bound)
            self.visit(right, bound)
            return _OTHER
        kind = self._meet(left, right, bound)
        if node.text == "/" or (node.text == "*" and not {left.kind, right.kind} & {NodeKind.INT, NodeKind.FLOAT}):
            self.finite = True
            self._edits += [(node.start, node.start, "finite("), (node.end, node.end, ")")]
        return kind if node.text in _ARITHMETIC else _OTHER

    def _meet(self, left: Node, right: Node, bound: frozenset[str]) -> str:
        kinds = self.visit(left, bound), self.visit(right, bound)
        if _NUMBER not in kinds:
            return _INTEGER if kinds == (_INTEGER, _INTEGER) else _OTHER
        for node, kind in zip((left, right), kinds, strict=True):
            if kind == _INTEGER or node.kind is NodeKind.LIST:
                self._make_double(node)
        return _NUMBER

    def _ternary(self, node: Node, bound: frozenset[str]) -> str:
        condition, yes, no = node.children
        self.visit(condition, bound)
        return self._meet(yes, no, bound)

    def _unary(self, node: Node, bound: frozenset[str]) -> str:
        kind = self.visit(node.children[0], bound)
        return kind if node.text == "-" else _OTHER

    def _make_double(self, node: Node) -> None:
        if node.kind is NodeKind.INT:
            text = self._source[node.start : node.end]  # with the parentheses around it
            if node.start not in self._promoted:
                self._promoted.add(node.start)
                self._edits.append((node.start, node.end, text.replace(node.text, f"{int(node.text, 0)}.0")))
        elif node.kind in (NodeKind.CALL, NodeKind.METHOD):
            self._edits += [(node.start, node.start, "double("), (node.end, node.end, ")")]
        else:
            for child in node.children:
                self._make_double(child)

    _HANDLERS: ClassVar[Mapping[NodeKind, Callable[[Rewriter, Node, frozenset[str]], str]]] = {
        NodeKind.NAME: _name,
        NodeKind.CALL: _call,
        NodeKind.METHOD: _method,
        NodeKind.BINARY: _binary,
        NodeKind.TERNARY: _ternary,
        NodeKind.UNARY: _unary,
    }
