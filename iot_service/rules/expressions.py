"""Conditions and values in CEL, three-valued: true, false (or a number), and unknown.

What goes in are metrics, parameters and facts (doubles), attributes (text or lists) and device events (a list of
names). Before the CEL library compiles a source we change three things in it, so that authors need not know them:

- CEL does not mix integers and doubles in arithmetic, so integer literals that meet a double become doubles;
- CEL lets ``a / 0.0 > 1.0`` be true, so each division, and each product of two variables, must be finite;
- ``known(name)`` becomes a truth value: whether ``name`` has a value now.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import cel

from iot_service.rules.rewriting import KNOWN_PREFIX, Rewriter
from iot_service.rules.syntax import SyntaxProblemError, parse

logging.getLogger("cel").setLevel(logging.ERROR)  # it warns of each value that is not finite


@dataclass(frozen=True, slots=True)
class Expression:
    """One compiled expression. ``names`` are the variables it reads, ``asks`` those it asks ``known()`` of."""

    source: str
    names: tuple[str, ...]
    asks: tuple[str, ...]
    finite: bool
    program: cel.Program

    @property
    def inputs(self) -> frozenset[str]:
        """Return every variable on which the value depends."""
        return frozenset(self.names) | frozenset(self.asks)

    def evaluate(self, values: Mapping[str, Any], errors: list[str] | None = None) -> Any:
        """Return the value over ``values``, or None when it is unknown.

        Unknown is what depends on a name that has no value, and what is not finite. What cannot be computed although
        all names have values is unknown as well; its message goes to ``errors``.
        """
        try:
            result = self._execute(values)
        except (RuntimeError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            if errors is not None and all(name in values for name in self.names) and "not finite" not in str(error):
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
            variables["finite"] = _must_be_finite
        return self.program.execute(variables)

    def result_problem(self, wanted: type, others: Collection[str] = ()) -> str | None:
        """Return why this gives no ``wanted`` (bool or float), or None; found by trying it on sample values.

        ``others`` are the names of variables that may be text or lists.
        """
        values: dict[str, Any] = dict.fromkeys(self.inputs, 1.0)
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


def _must_be_finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("not finite")
    return value


def compile_expression(
    source: str, *, numbers: Collection[str], others: Collection[str] = ()
) -> tuple[Expression | None, list[str]]:
    """Return ``source`` compiled, or None, with all that is wrong in it.

    ``numbers`` are the names of variables that are doubles, ``others`` those that are text or lists.
    """
    try:
        tree = parse(source)
    except SyntaxProblemError as error:
        return None, [f"not an expression: {error}"]
    rewriter = Rewriter(source, numbers, others)
    rewriter.visit(tree, frozenset())
    if rewriter.problems:
        return None, rewriter.problems
    try:
        program = cel.compile(rewriter.rewritten())
    except ValueError as error:
        return None, [f"not an expression: {str(error).splitlines()[0]}"]
    return Expression(source, tuple(sorted(rewriter.names)), tuple(sorted(rewriter.asks)), rewriter.finite, program), []


_SHOWN: Mapping[type, str] = {bool: "condition (true or false)", float: "number"}
