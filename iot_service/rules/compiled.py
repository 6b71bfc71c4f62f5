"""Rules ready to be judged: expressions compiled, names resolved, and an index from each input to its rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from iot_service.errors import StopError
from iot_service.model.device import ServiceState
from iot_service.products.catalog import Catalog
from iot_service.products.documents import suggestion
from iot_service.products.model import ProductModel
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.expressions import Expression, compile_expression
from iot_service.rules.lets import Let, compile_let
from iot_service.rules.syntax import Node, NodeKind, parse
from iot_service.rules.windows import WindowKey, Windows

EVENTS = "events"
"""The variable that lists the names of the device events of this very instant."""
LEAD_DAYS = "lead_days"
"""The fact that an active subscription gives: cancel window and lead time, in days."""


def supplied_fact(consumable: str) -> str:
    """Return the name of the fact that says how much of ``consumable`` was supplied in all."""
    return f"{consumable}_supplied"


@dataclass(frozen=True, slots=True)
class Condition:
    """One expression with the lets that it reads, in order. ``inputs`` are the variables it depends on in the end."""

    expression: Expression
    lets: tuple[tuple[str, Let], ...]
    inputs: frozenset[str]

    def judge(self, values: Mapping[str, Any], windows: Windows, at: datetime, errors: list[str]) -> bool | None:
        """Return whether it holds at ``at``; None when that is unknown."""
        scope = values if not self.lets else self.scope(values, windows, at, errors)
        result = self.expression.evaluate(scope, errors)
        return result if isinstance(result, bool) else None

    def scope(self, values: Mapping[str, Any], windows: Windows, at: datetime, errors: list[str]) -> dict[str, Any]:
        """Return ``values`` with those of the lets that are known."""
        scope = dict(values)
        for name, let in self.lets:
            value = let.value(scope, windows, at, errors)
            if value is not None:
                scope[name] = value
        return scope


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """One rule; ``clear`` None means: not ``when``. ``inputs`` are the variables on which it depends."""

    spec: RuleSpec
    when: Condition | None
    clear: Condition | None
    absent: frozenset[str]
    inputs: frozenset[str]
    states: frozenset[ServiceState]

    @property
    def id(self) -> str:
        """The id of the rule within its product."""
        return self.spec.id


@dataclass(frozen=True, slots=True)
class CompiledProduct:
    """One product model with its rules.

    ``by_input`` gives the places in ``rules`` of those that read a variable, ``by_sample`` of those among them that
    may change with every sample of it although its value stays: those that look at windows. ``by_absence`` gives those
    that watch for its absence. ``watched`` are the metrics that matter to any of this, ``ages`` those whose readings
    become outdated, ``windows`` all that any rule reads. ``soonest`` is, per metric, how long after a reading the first
    thing can fall due because of it.
    """

    model: ProductModel
    rules: tuple[CompiledRule, ...]
    by_input: Mapping[str, tuple[int, ...]]
    by_sample: Mapping[str, frozenset[int]]
    by_absence: Mapping[str, tuple[int, ...]]
    watched: tuple[str, ...]
    in_service: Condition | None
    ages: Mapping[str, timedelta]
    windows: tuple[WindowKey, ...]
    soonest: Mapping[str, timedelta]


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """What is wrong with one field; ``rule`` is None when it is of the product model itself."""

    rule: str | None
    field: tuple[str, ...]
    message: str


def compile_catalog(catalog: Catalog) -> Mapping[str, CompiledProduct]:
    """Return every product of ``catalog`` with its rules compiled. Raises StopError with all that is wrong."""
    compiled: dict[str, CompiledProduct] = {}
    messages: list[str] = []
    for name, model in catalog.products.items():
        compiled[name], problems = compile_product(model, catalog.rules.get(name, {}).values())
        messages += [
            f"{name}: {'.'.join(('rules', p.rule, *p.field) if p.rule else p.field)}: {p.message}" for p in problems
        ]
    if messages:
        raise StopError("\n".join(messages))
    return compiled


def compile_product(model: ProductModel, specs: Iterable[RuleSpec]) -> tuple[CompiledProduct, list[RuleProblem]]:
    """Return ``model`` with those of its rules that compile, and all that is wrong with it and the others."""
    compiler = _Compiler(model)
    in_service = compiler.condition(None, ("in_service_when",), model.in_service_when, {})
    rules = tuple(rule for spec in specs if (rule := compiler.rule(spec)) is not None)
    keys: dict[WindowKey, None] = {}
    looking_back: set[int] = set()
    for place, rule in enumerate(rules):
        for condition in (rule.when, rule.clear):
            windows = [key for _, let in (condition.lets if condition else ()) for key in let.windows]
            keys |= dict.fromkeys(windows)
            looking_back |= {place} if windows else set()
    by_input = _places(rule.inputs - rule.absent if rule.when is None else rule.inputs for rule in rules)
    by_absence = _places(rule.absent for rule in rules)
    watched = {*by_input, *by_absence} | (in_service.inputs if in_service else frozenset())
    ages = {name: m.max_age for name, m in model.metrics.items() if m.max_age is not None and name in watched}
    soonest = dict(ages)
    for key in keys:
        soonest[key.metric] = min(soonest.get(key.metric, key.length), key.length - key.width)
    for name, places in by_absence.items():
        for span in (rules[place].spec.absent_for for place in places):
            if span is not None:
                soonest[name] = min(soonest.get(name, span), span)
    product = CompiledProduct(
        model=model,
        rules=rules,
        by_input=by_input,
        by_sample={name: frozenset(looking_back.intersection(places)) for name, places in by_input.items()},
        by_absence=by_absence,
        watched=tuple(name for name in model.metrics if name in watched),
        in_service=in_service,
        ages=ages,
        windows=tuple(keys),
        soonest=soonest,
    )
    return product, compiler.problems


def _places(names: Iterable[Iterable[str]]) -> dict[str, tuple[int, ...]]:
    """Return for each name at which places of ``names`` it stands."""
    found: dict[str, list[int]] = {}
    for place, each in enumerate(names):
        for name in each:
            found.setdefault(name, []).append(place)
    return {name: tuple(places) for name, places in found.items()}


class _Compiler:
    def __init__(self, model: ProductModel) -> None:
        self._model = model
        self._numbers = {LEAD_DAYS, *model.metrics, *model.parameters, *map(supplied_fact, model.consumables)}
        self._others = {EVENTS, *model.attributes}
        self.problems: list[RuleProblem] = []

    def _add(self, rule: str | None, field: tuple[str, ...], messages: Iterable[str]) -> None:
        self.problems += [RuleProblem(rule, field, message) for message in messages]

    def rule(self, spec: RuleSpec) -> CompiledRule | None:
        """Return ``spec`` compiled; None, with problems noted, when it cannot be."""
        before = len(self.problems)
        lets = self._lets(spec)
        when = self.condition(spec.id, ("when",), spec.when, lets, spec.let.keys())
        clear = self.condition(spec.id, ("clear",), spec.clear, lets, spec.let.keys())
        conditions = [condition for condition in (when, clear) if condition is not None]
        if when is not None and EVENTS in when.inputs and spec.clear is None:
            self._add(spec.id, ("when",), ["events last an instant, so a rule on them needs a 'clear' of its own"])
        if spec.clear is not None and spec.absent_for is not None:
            self._add(spec.id, ("clear",), ["an absence is over with the next reading; leave 'clear' out"])
        used = {name for condition in conditions for name, _ in condition.lets}
        for name in set(spec.let) - used if len(self.problems) == before else ():
            self._add(spec.id, ("let", name), ["is never used; remove it"])
        if len(self.problems) > before:
            return None
        absent = frozenset(spec.absent or self._model.metrics) if spec.absent_for is not None else frozenset()
        inputs = absent.union(*(condition.inputs for condition in conditions))
        return CompiledRule(spec, when, clear, absent, inputs, frozenset(spec.while_))

    def _lets(self, spec: RuleSpec) -> dict[str, Let]:
        lets: dict[str, Let] = {}
        earlier: set[str] = set()
        for name, source in spec.let.items():
            if name in self._numbers or name in self._others:
                self._add(spec.id, ("let", name), [f"'{name}' already is a name of the product; choose another"])
                continue
            numbers = self._numbers | earlier
            earlier.add(name)
            let, problems = compile_let(source, metrics=self._model.metrics, numbers=numbers, others=self._others)
            self._add(spec.id, ("let", name), problems)
            if let is not None:
                lets[name] = let
        return lets

    def condition(
        self,
        rule: str | None,
        field: tuple[str, ...],
        source: str | None,
        lets: Mapping[str, Let],
        named: Collection[str] = (),
    ) -> Condition | None:
        """Return ``source`` compiled with those of ``lets`` that it needs; None where there is none, or a problem.

        ``named`` are all lets, also those that did not compile: that is their problem, not one of this field.
        """
        if source is None:
            return None
        expression, problems = compile_expression(source, numbers=self._numbers.union(named), others=self._others)
        if expression is not None:
            problem = expression.result_problem(bool, self._others)
            problems = [*([problem] if problem else ()), *self._event_problems(parse(source))]
        if expression is None or problems:
            self._add(rule, field, problems)
            return None
        needed: set[str] = set(expression.inputs)
        for name in reversed(list(lets)):
            if name in needed:
                needed |= lets[name].inputs
        used = tuple((name, let) for name, let in lets.items() if name in needed)
        return Condition(expression, used, frozenset(needed - lets.keys()))

    def _event_problems(self, tree: Node) -> list[str]:
        """Return which of the events asked for the product does not have."""
        asked = [
            node.children[0].text.strip("'\"")
            for node in tree.walk()
            if node.kind is NodeKind.BINARY
            and node.text == "in"
            and node.children[0].kind is NodeKind.LITERAL
            and node.children[1].text == EVENTS
        ]
        known = self._model.events
        return [f"there is no event '{name}'{suggestion(name, known)}" for name in asked if known and name not in known]
