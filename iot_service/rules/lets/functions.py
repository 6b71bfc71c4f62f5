"""All functions of ``let``, and how a let is compiled."""

from __future__ import annotations

from collections.abc import Mapping

from iot_service.rules.expressions import compile_expression
from iot_service.rules.lets import ahead, anomaly, consumption, held, peers, places, service_plan, window
from iot_service.rules.lets.arguments import split_call
from iot_service.rules.lets.base import Let, LetFunction, Names
from iot_service.rules.lets.plain import ExpressionLet

FUNCTIONS: Mapping[str, LetFunction] = {
    function.name: function
    for module in (window, held, consumption, ahead, anomaly, places, service_plan, peers)
    for function in module.FUNCTIONS
}
"""Every function that can stand in a let, by name."""


def compile_let(source: str, names: Names) -> tuple[Let | None, list[str]]:
    """Return the value that ``source`` means, or None, with all that is wrong in it."""
    call = split_call(source)
    if call is not None and call[0] in FUNCTIONS:
        return FUNCTIONS[call[0]].compile(call[1], names)
    expression, problems = compile_expression(
        source, numbers=names.numbers, others=names.others, reported=names.reported
    )
    if expression is None:
        if any(f"{function}(" in source for function in FUNCTIONS):
            problems.append("a function over time stands alone in a let, such as avg(temperature, 10m)")
        return None, problems
    problem = expression.result_problem(float, names.others)
    return (None, [problem]) if problem else (ExpressionLet(expression), [])
