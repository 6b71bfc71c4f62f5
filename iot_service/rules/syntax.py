"""A reader of CEL source that keeps positions.

The CEL library compiles and evaluates, but gives no syntax tree. We need one to say where an unknown name stands, and
to make integer literals doubles where they meet a metric. Grammar: the language definition of CEL ("Syntax").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_TOKEN = re.compile(
    r"""(?P<space>(?:\s|//[^\n]*)+)
    |(?P<string>[rRbB]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<int>0[xX][0-9a-fA-F]+[uU]?|\d+[uU]?)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<operator>\|\||&&|==|!=|<=|>=|[-+*/%!<>?:.,()\[\]{}])""",
    re.VERBOSE | re.DOTALL,
)
_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"||"}),
    frozenset({"&&"}),
    frozenset({"<", "<=", ">", ">=", "==", "!=", "in"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
)
SOURCE_CHARACTERS = 2_000
"""The longest source."""
_MOST_NESTED = 40  # parentheses, lists and calls in one another: more than people write, less than the stack can take
_DEEPEST = 120  # the same of the tree, into which operators that follow one another grow as well
MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
"""Methods of lists whose first argument is a name of their own."""


class SyntaxProblemError(ValueError):
    """The source is no CEL; the message says where."""


class NodeKind(StrEnum):
    """What a part of an expression is."""

    NAME = "name"
    INT = "int"
    FLOAT = "float"
    LITERAL = "literal"
    CALL = "call"
    METHOD = "method"
    MEMBER = "member"
    INDEX = "index"
    LIST = "list"
    MAP = "map"
    UNARY = "unary"
    BINARY = "binary"
    TERNARY = "ternary"


@dataclass(frozen=True, slots=True)
class Node:
    """One part of an expression: ``text`` is its operator, name or literal, ``start`` and ``end`` its place."""

    kind: NodeKind
    text: str
    start: int
    end: int
    children: tuple[Node, ...] = ()

    def walk(self) -> Iterator[Node]:
        """Yield this node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def parse(source: str) -> Node:
    """Return the syntax tree of ``source``.

    Raises SyntaxProblemError, with the place, where it is no CEL, or is longer or deeper than can be read and compiled.
    """
    if len(source) > SOURCE_CHARACTERS:
        raise SyntaxProblemError(f"it has {len(source):,} characters; up to {SOURCE_CHARACTERS:,} can be read")
    reader = _Reader(source)
    node = reader.expression()
    reader.expect_end()
    level, depth = [node], 0
    while level:
        level, depth = [child for parent in level for child in parent.children], depth + 1
    if depth > _DEEPEST:
        raise SyntaxProblemError(f"it has {depth} operators in one another; up to {_DEEPEST} can be compiled")
    return node


class _Reader:
    def __init__(self, source: str) -> None:
        self._tokens: list[_Token] = []
        at = 0
        while at < len(source):
            match = _TOKEN.match(source, at)
            if match is None:
                raise SyntaxProblemError(f"'{source[at]}' at column {at + 1} is not understood")
            if match.lastgroup != "space":
                self._tokens.append(_Token(str(match.lastgroup), match.group(), at, match.end()))
            at = match.end()
        self._depth = 0
        self._end = len(source)
        self._tokens.append(_Token("end", "", self._end, self._end))
        self._next = 0

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._token
        self._next += 1
        return token

    def _is(self, text: str) -> bool:
        return self._token.text == text and self._token.kind != "string"

    def _expect(self, text: str) -> _Token:
        if not self._is(text):
            raise SyntaxProblemError(f"expected '{text}' at column {self._token.start + 1}, found '{self._token.text}'")
        return self._take()

    def expect_end(self) -> None:
        if self._token.kind != "end":
            raise SyntaxProblemError(f"'{self._token.text}' at column {self._token.start + 1} does not fit here")

    def expression(self) -> Node:
        self._go_deeper()
        node = self._binary(0)
        if self._is("?"):
            self._take()
            yes = self._binary(0)
            self._expect(":")
            no = self.expression()
            node = Node(NodeKind.TERNARY, "?:", node.start, no.end, (node, yes, no))
        self._depth -= 1
        return node

    def _go_deeper(self) -> None:
        self._depth += 1
        if self._depth > _MOST_NESTED:
            raise SyntaxProblemError(f"it is nested too deeply at column {self._token.start + 1}; split it with 'let'")

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self._token.text in _LEVELS[level] and self._token.kind in ("operator", "name"):
            operator = self._take()
            right = self._binary(level + 1)
            left = Node(NodeKind.BINARY, operator.text, left.start, right.end, (left, right))
        return left

    def _unary(self) -> Node:
        if self._is("!") or self._is("-"):
            operator = self._take()
            self._go_deeper()
            inner = self._unary()
            self._depth -= 1
            return Node(NodeKind.UNARY, operator.text, operator.start, inner.end, (inner,))
        return self._member(self._primary())

    def _member(self, node: Node) -> Node:
        while True:
            if self._is("."):
                self._take()
                name = self._take()
                if name.kind != "name":
                    raise SyntaxProblemError(f"expected a name at column {name.start + 1}, found '{name.text}'")
                if self._is("("):
                    arguments, end = self._arguments("(", ")")
                    node = Node(NodeKind.METHOD, name.text, node.start, end, (node, *arguments))
                else:
                    node = Node(NodeKind.MEMBER, name.text, node.start, name.end, (node,))
            elif self._is("["):
                arguments, end = self._arguments("[", "]")
                node = Node(NodeKind.INDEX, "[]", node.start, end, (node, *arguments))
            else:
                return node

    def _arguments(self, opening: str, closing: str) -> tuple[list[Node], int]:
        self._expect(opening)
        arguments: list[Node] = []
        while not self._is(closing):
            arguments.append(self.expression())
            if self._is(":"):  # the entries of a map: key and value follow one another
                self._take()
                arguments.append(self.expression())
            if not self._is(","):
                break
            self._take()
        return arguments, self._expect(closing).end

    def _primary(self) -> Node:
        if self._is("("):
            opening = self._take()
            inner = self.expression()
            return Node(inner.kind, inner.text, opening.start, self._expect(")").end, inner.children)
        if self._is("[") or self._is("{"):
            opening, closing, kind = self._token, *(("]", NodeKind.LIST) if self._is("[") else ("}", NodeKind.MAP))
            items, end = self._arguments(opening.text, closing)
            return Node(kind, opening.text + closing, opening.start, end, tuple(items))
        token = self._take()
        if token.kind == "name" and token.text not in ("true", "false", "null"):
            if not self._is("("):
                return Node(NodeKind.NAME, token.text, token.start, token.end)
            arguments, end = self._arguments("(", ")")
            return Node(NodeKind.CALL, token.text, token.start, end, tuple(arguments))
        kinds = {"int": NodeKind.INT, "float": NodeKind.FLOAT, "string": NodeKind.LITERAL, "name": NodeKind.LITERAL}
        if token.kind not in kinds:
            raise SyntaxProblemError(f"expected a value at column {token.start + 1}, found '{token.text or 'the end'}'")
        return Node(kinds[token.kind], token.text, token.start, token.end)
