"""Conditions and values in CEL, three-valued: true, false (or a number), and unknown.

What goes in are metrics, parameters and facts (doubles), attributes (text or lists) and device events (a list of
names). Before the CEL library compiles a source we change three things in it, so that authors need not know them:

- CEL does not mix integers and doubles in arithmetic, so integer literals that meet a double become doubles;
- CEL lets ``a / 0.0 > 1.0`` be true, so each division, and each product of two variables, must be finite;
- ``known(name)`` becomes a truth value: whether ``name`` has a value now. ``changed(name)`` and ``previous(name)``
  become variables, which the fold supplies.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

import cel

from iot_service.rules import expression_cache
from iot_service.rules.expression_cache import Kept, Known
from iot_service.rules.limits import expression_problems
from iot_service.rules.quick import DOUBT, Quick, quick_function, quick_sources
from iot_service.rules.rewriting import CHANGED_PREFIX, KNOWN_PREFIX, PREVIOUS_PREFIX, Rewriter
from iot_service.rules.syntax import Node, NodeKind, SyntaxProblemError, parse

logging.getLogger("cel").setLevel(logging.ERROR)  # it warns of each value that is not finite


_NO_VALUE = (RuntimeError, TypeError, ValueError, ArithmeticError, LookupError)


@dataclass(frozen=True, slots=True)
class Expression:
    """One compiled expression. ``names`` are the variables it reads, ``asks`` those it asks ``known()`` of.

    ``quick`` and ``unsure`` are functions that give the same where they give anything (see quick.py). ``gives`` are the
    names of the types that it was found to give when it was compiled before.
    """

    source: str
    names: tuple[str, ...]
    asks: tuple[str, ...]
    finite: bool
    rewritten: str
    quick: Quick | None = None
    unsure: Quick | None = None
    gives: tuple[str, ...] = ()
    _program: cel.Program | None = field(default=None, repr=False, compare=False)

    @property
    def program(self) -> cel.Program:
        """Return the program, which is compiled when it is first asked for."""
        if self._program is None:
            object.__setattr__(self, "_program", cel.compile(self.rewritten))
        return cast("cel.Program", self._program)

    @property
    def inputs(self) -> frozenset[str]:
        """Return every variable on which the value depends."""
        return frozenset(self.names) | frozenset(self.asks)

    def evaluate(self, values: Mapping[str, Any], errors: list[str] | None = None) -> Any:
        """Return the value over ``values``, or None when it is unknown.

        Unknown is what depends on a name that has no value, and what is not finite. What cannot be computed although
        all names have values is unknown as well; its message goes to ``errors``.
        """
        if self.quick is not None:
            try:
                return self.quick(values)
            except LookupError:
                if self.unsure is None:
                    return None
                with suppress(*DOUBT):
                    return self.unsure(values)
            except DOUBT:
                pass  # the program knows
        try:
            result = self._execute(values)
        except _NO_VALUE as error:
            if errors is not None and values.keys() >= set(self.names) and "not finite" not in str(error):
                errors.append(str(error))
            return None
        if isinstance(result, float) and not math.isfinite(result):
            return None
        return result

    def _execute(self, values: Mapping[str, Any]) -> Any:
        variables = {name: values[name] for name in self.names if name in values}
        if self.asks:
            variables |= {KNOWN_PREFIX + name: name in values for name in self.asks}
        if self.finite:
            variables["finite"] = must_be_finite
        return self.program.execute(variables)

    def result_problem(self, wanted: type, others: Collection[str] = ()) -> str | None:
        """Return why this gives no ``wanted`` (bool or float), or None; found by trying it on sample values.

        ``others`` are the names of variables that may be text or lists.
        """
        if wanted.__name__ in self.gives:
            return None
        problem = self._result_problem(wanted, others)
        if problem is None and (cache := expression_cache.active()) is not None:
            cache.note(self.rewritten, wanted.__name__)
        return problem

    def _result_problem(self, wanted: type, others: Collection[str]) -> str | None:
        values: dict[str, Any] = {name: False if name.startswith(CHANGED_PREFIX) else 1.0 for name in self.inputs}
        others = {*others, *(PREVIOUS_PREFIX + name for name in others)} & self.inputs
        samples: tuple[object, ...] = (["text"], "text")
        message: str | None = None
        for sample in samples:
            values |= dict.fromkeys(others, sample)
            try:
                result = self._execute({**values, "events": []})
            except TypeError as error:
                message = str(error).split(". ", maxsplit=1)[0]
            except (RuntimeError, ValueError, ArithmeticError, LookupError):
                return None  # it depends on the values
            else:
                if isinstance(result, wanted):
                    return None
                message = f"gives {type(result).__name__}; a {_SHOWN[wanted]} is needed"
        return message


def must_be_finite(value: float) -> float:
    """Return ``value``; raises ValueError for infinity and what is no number."""
    if not math.isfinite(value):
        raise ValueError("not finite")
    return value


def compile_expression(
    source: str,
    *,
    numbers: Collection[str],
    others: Collection[str] = (),
    reported: Collection[str] | None = None,
) -> tuple[Expression | None, list[str]]:
    """Return ``source`` compiled, or None, with all that is wrong in it.

    ``numbers`` are the names of variables that are doubles, ``others`` those that are text or lists, ``reported`` those
    of them that devices report, so that ``changed()`` and ``previous()`` have a meaning; None: all.
    """
    names = Known(numbers, others, reported)
    cache = expression_cache.active()
    kept = cache.find(source, names) if cache is not None else None
    found = kept
    if found is None:
        found, problems = _understood(source, names)
        if found is None:
            return None, problems
    program = None
    if kept is None:  # what is kept has been compiled before, and is again when it is needed
        try:
            program = cel.compile(found.rewritten)
        except ValueError as error:
            return None, [f"not an expression: {str(error).splitlines()[0]}"]
        if cache is not None:
            cache.keep(source, names, found)
    expression = Expression(
        source, found.names, found.asks, found.finite, found.rewritten, gives=found.gives, _program=program
    )
    for name, text in (("quick", found.quick), ("unsure", found.unsure)):
        if text is not None:
            object.__setattr__(expression, name, _at_first_use(expression, name, text))
    return expression, []


def _at_first_use(expression: Expression, name: str, source: str) -> Quick:
    """Return a function that puts the one that ``source`` stands for in its own place when it is first called."""

    def first(values: Mapping[str, Any]) -> Any:
        function = quick_function(source)
        object.__setattr__(expression, name, function)
        return function(values)

    return first


def _understood(source: str, names: Known) -> tuple[Kept | None, list[str]]:
    try:
        tree = parse(source)
    except SyntaxProblemError as error:
        return None, [f"not an expression: {error}"]
    rewriter = Rewriter(source, names.numbers, names.others, names.reported)
    rewriter.visit(tree, frozenset())
    if problems := rewriter.problems or expression_problems(tree, names.others) or _pattern_problems(tree):
        return None, problems
    read, asked = tuple(sorted(rewriter.names)), tuple(sorted(rewriter.asks))
    quick, unsure = quick_sources(tree, names.numbers) or (None, None)
    return Kept(rewriter.rewritten(), read, asked, rewriter.finite, quick, unsure), []


def _pattern_problems(tree: Node) -> list[str]:
    """Return which patterns of ``matches`` the CEL library cannot read; else it would say so at each evaluation."""
    problems: list[str] = []
    for node in tree.walk():
        if node.kind is NodeKind.METHOD and node.text == "matches":
            pattern = node.children[1].text
            try:
                cel.compile(f"''.matches({pattern})").execute({})
            except (RuntimeError, ValueError) as error:
                problems.append(f"the pattern of matches() is none: {str(error).strip().splitlines()[-1]}")
    return problems


_SHOWN: Mapping[type, str] = {bool: "condition (true or false)", float: "number"}
