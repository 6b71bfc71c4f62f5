"""How much judging costs beside plain CEL: the same programs over the same variables, and nothing else.

*Relevant* is, for each message, each rule with a CEL condition that reads one of the metrics in it; it counts once for
the message, also where no value has changed. A pair is one such message and rule. The engine folds each device message
by message, as the runner does; it skips a rule that found nothing in the very same values, so it evaluates less often
than there are pairs. Plain CEL evaluates, for each pair, the programs that the engine evaluates there (the condition,
and expressions in ``let``), with the variables that were recorded from it, given as dicts.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unittest import mock

import cel

from bench.rules_telemetry import RuleSet, Telemetry
from iot_service.model.device import ServiceState
from iot_service.model.reading import SampleKind
from iot_service.rules.compiled import CompiledProduct
from iot_service.rules.expressions import Expression, must_be_finite
from iot_service.rules.fold import DeviceFold
from iot_service.rules.lets.base import Condition, Moment
from iot_service.rules.rewriting import KNOWN_PREFIX
from iot_service.rules.state import DeviceState
from iot_service.rules.windows import Window, Windows

Evaluation = tuple[cel.Program, dict[str, Any]]
"""A compiled program, and the variables that it was evaluated with."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is relevant in one set: pairs of message and rule, their evaluations, and those that the engine made."""

    pairs: int
    evaluations: Sequence[tuple[cel.Program, dict[str, Any]]]
    made: int


@dataclass(frozen=True, slots=True)
class Speed:
    """One set measured: pairs per CPU second of plain CEL and of the engine, and the share of evaluations it made."""

    name: str
    pairs: int
    cel_only: float
    cel_context: float
    engine: float
    engine_at_once: float
    made: float


def new_device(product: CompiledProduct) -> tuple[Windows, DeviceFold]:
    """Return the windows and the fold of a device of which nothing was heard yet."""
    windows = Windows(Window(key) for key in product.windows)
    return windows, DeviceFold(product, DeviceState(ServiceState.IN_SERVICE), windows, product.model.parameters)


def fold_messages(product: CompiledProduct, telemetry: Telemetry) -> int:
    """Fold one device message by message, with what the runner asks a fold each time; return what happened."""
    _, fold = new_device(product)
    facts, happened = dict(product.model.parameters), 0
    for message in telemetry:
        fold.advance(message)
        fold.next_due()
        if fold.outcomes:
            happened += len(fold.outcomes)
        fold.goes_on(facts, fold.state.rules.keys())
    return happened


def fold_at_once(product: CompiledProduct, telemetry: Telemetry) -> int:
    """Fold one device in one call, as a backtest does; return what happened."""
    _, fold = new_device(product)
    fold.advance([sample for message in telemetry for sample in message])
    return len(fold.outcomes)


def record(chosen: RuleSet) -> Recorded:
    """Return what is relevant in ``chosen``."""
    product = chosen.product
    conditions = {id(c): place for place, rule in enumerate(product.rules) for c in (rule.when, rule.clear) if c}
    lets = {id(expression): place for place, expression in _let_expressions(product)}
    readers = {
        name: {place for place in places if product.rules[place].when is not None}
        for name, places in product.by_input.items()
    }
    now: dict[int, list[Evaluation]] = {}
    judge, evaluate = Condition.judge, Expression.evaluate

    def judging(self: Condition, moment: Moment) -> bool | None:
        result = judge(self, moment)
        evaluation = self.expression.program, _variables(self.expression, self.scope(moment))
        now.setdefault(conditions[id(self)], []).append(evaluation)
        return result

    def evaluating(self: Expression, values: Mapping[str, Any], errors: list[str] | None = None) -> Any:
        if (place := lets.get(id(self))) is not None:
            now.setdefault(place, []).append((self.program, _variables(self, values)))
        return evaluate(self, values, errors)

    pairs, made = 0, 0
    evaluations: list[Evaluation] = []
    with mock.patch.object(Condition, "judge", judging), mock.patch.object(Expression, "evaluate", evaluating):
        for telemetry in chosen.devices:
            _, fold = new_device(product)
            last: dict[int, list[Evaluation]] = {}
            for message in telemetry:
                now.clear()
                fold.advance(message)
                metrics = {sample.name for sample in message if sample.kind is SampleKind.READING}
                relevant = set().union(*(readers.get(name, ()) for name in metrics))
                last |= now
                relevant &= last.keys()  # the others have not been in season yet, so nobody had to evaluate them
                pairs += len(relevant)
                made += len(relevant & now.keys())
                evaluations += [evaluation for place in sorted(relevant) for evaluation in last[place]]
    return Recorded(pairs, evaluations, made)


def _let_expressions(product: CompiledProduct) -> Iterator[tuple[int, Expression]]:
    for place, rule in enumerate(product.rules):
        for condition in (rule.when, rule.clear):
            for _, let in condition.lets if condition is not None else ():
                if (expression := getattr(let, "expression", None)) is not None:
                    yield place, expression


def _variables(expression: Expression, values: Mapping[str, Any]) -> dict[str, Any]:
    variables = {name: values[name] for name in expression.names if name in values}
    variables |= {KNOWN_PREFIX + name: name in values for name in expression.asks}
    return variables | _functions(expression)


def _functions(expression: Expression) -> dict[str, Any]:
    return {"finite": must_be_finite} if expression.finite else {}


def _context(variables: dict[str, Any]) -> cel.Context:
    context = cel.Context()
    context.update(variables)
    return context


def cel_only(evaluations: Sequence[tuple[cel.Program, dict[str, Any] | cel.Context]]) -> None:
    """Evaluate every program with its variables, from the dict that they were recorded in."""
    for program, variables in evaluations:
        try:
            program.execute(variables)
        except (RuntimeError, TypeError, ValueError, ArithmeticError):  # a variable is unknown
            continue


def measure(chosen: RuleSet, *, rounds: int) -> Speed:
    """Return the speed of one set: the median of ``rounds``, in each of which all ways take their turn."""
    recorded = record(chosen)
    contexts = [(program, _context(variables)) for program, variables in recorded.evaluations]
    cel_only(contexts)  # a context converts its variables on first use
    took: dict[str, list[float]] = {"cel": [], "context": [], "messages": [], "at once": []}
    for _ in range(rounds):
        began = time.process_time()
        cel_only(recorded.evaluations)
        took["cel"].append(time.process_time() - began)
        began = time.process_time()
        cel_only(contexts)
        took["context"].append(time.process_time() - began)
        began = time.process_time()
        for telemetry in chosen.devices:
            fold_messages(chosen.product, telemetry)
        took["messages"].append(time.process_time() - began)
        began = time.process_time()
        for telemetry in chosen.devices:
            fold_at_once(chosen.product, telemetry)
        took["at once"].append(time.process_time() - began)
    rates = {way: recorded.pairs / statistics.median(each) for way, each in took.items()}
    return Speed(
        name=chosen.name,
        pairs=recorded.pairs,
        cel_only=rates["cel"],
        cel_context=rates["context"],
        engine=rates["messages"],
        engine_at_once=rates["at once"],
        made=recorded.made / recorded.pairs,
    )


def together(found: Sequence[Speed]) -> Speed:
    """Return the speed over all sets: all pairs by all the time that they took."""
    pairs = sum(each.pairs for each in found)
    return Speed(
        name="all",
        pairs=pairs,
        cel_only=pairs / sum(each.pairs / each.cel_only for each in found),
        cel_context=pairs / sum(each.pairs / each.cel_context for each in found),
        engine=pairs / sum(each.pairs / each.engine for each in found),
        engine_at_once=pairs / sum(each.pairs / each.engine_at_once for each in found),
        made=sum(each.pairs * each.made for each in found) / pairs,
    )
