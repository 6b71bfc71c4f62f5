"""Rules ready to be judged: expressions compiled, names resolved, and an index from each input to its rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from iot_service.errors import StopError
from iot_service.model.device import ServiceState
from iot_service.products.catalog import Catalog
from iot_service.products.collecting import without_collecting
from iot_service.products.documents import suggestion
from iot_service.products.facts import named_facts
from iot_service.products.model import ProductModel
from iot_service.products.rule_spec import RuleSpec
from iot_service.products.schedule import Schedule
from iot_service.rules.expressions import compile_expression
from iot_service.rules.lets.base import EVENTS, Condition, Let, Names, condition_of
from iot_service.rules.lets.functions import compile_let
from iot_service.rules.limits import LETS, rule_problems, size_problems
from iot_service.rules.ordering import Part, in_order
from iot_service.rules.rewriting import CHANGED_PREFIX, PREVIOUS_PREFIX
from iot_service.rules.syntax import Node, NodeKind, parse
from iot_service.rules.told import SILENT, Told, told_of
from iot_service.rules.windows import WindowKey

LEAD_DAYS = "lead_days"
"""The fact that an active subscription gives: cancel window and lead time, in days."""
MAINTENANCE = "maintenance"
"""The fact that planned maintenance gives: 1 while the device, its site or its customer has some, else 0."""


def supplied_fact(consumable: str) -> str:
    """Return the name of the fact that says how much of ``consumable`` was supplied in all."""
    return f"{consumable}_supplied"


@dataclass(frozen=True, slots=True)
class TrackedLet:
    """A let with a track: it takes in every instant at which one of ``inputs`` does; ``lets`` are those it reads."""

    let: Let
    lets: tuple[tuple[str, Let], ...]
    inputs: frozenset[str]
    states: frozenset[ServiceState]


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """One rule, or one level of a rule; ``clear`` None means: not ``when``.

    ``inputs`` are the variables on which it depends, ``tracks`` names the tracks it reads. Of a level, ``parent``
    is the place of its rule; of a rule, ``levels`` are the places of its levels. ``inhibited_by`` and ``inhibits`` are
    places of rules too. Whatever a rule looks at stands before it. ``told`` is what its texts name. ``id``
    is that of the rule within its product, and ``rule/severity`` of a level. Nothing but ``when`` and ``clear`` moves a
    rule that is ``simple``.
    """

    spec: RuleSpec
    when: Condition | None
    clear: Condition | None
    absent: frozenset[str]
    inputs: frozenset[str]
    states: frozenset[ServiceState]
    hold_for: timedelta
    clear_for: timedelta
    tracks: frozenset[str] = frozenset()
    parent: int | None = None
    levels: tuple[int, ...] = ()
    inhibited_by: tuple[int, ...] = ()
    inhibits: tuple[int, ...] = ()
    told: Told = SILENT
    id: str = field(init=False)
    simple: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", self.spec.id)
        simple = self.when is not None and self.spec.repeat is None and not any(self.schedules)
        object.__setattr__(self, "simple", simple)

    @property
    def schedules(self) -> tuple[tuple[Schedule, ...], tuple[Schedule, ...]]:
        """The schedules during which, and outside of which, it counts."""
        return self.spec.during, self.spec.outside


@dataclass(frozen=True, slots=True)
class CompiledProduct:
    """One product model with its rules.

    ``by_input`` gives the places in ``rules`` of those that read a variable, ``by_sample`` of those among them that
    may change with every sample of it although its value stays: those that look at windows. ``by_absence`` gives those
    that watch for its absence, ``by_track`` those that read a track, ``scheduled`` are those with a schedule.
    ``watched`` are the metrics that matter to any of this, ``transitions`` the names whose changes do, ``ages`` those
    whose readings become outdated, ``windows`` all that any rule reads. ``soonest`` is, per metric, how long after a
    reading the first thing can fall due because of it. ``tracks`` are all tracks by name, ``tracks_by_input`` the names
    of those that take in a variable.
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
    tracks: Mapping[str, TrackedLet] = field(default_factory=dict)
    tracks_by_input: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by_track: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    scheduled: tuple[int, ...] = ()
    transitions: frozenset[str] = frozenset()


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


@without_collecting()
def compile_product(model: ProductModel, specs: Iterable[RuleSpec]) -> tuple[CompiledProduct, list[RuleProblem]]:
    """Return ``model`` with those of its rules that compile, and all that is wrong with it and the others."""
    compiler = _Compiler(model)
    in_service = compiler.condition(None, ("in_service_when",), model.in_service_when, {})
    parts = [part for spec in specs if (part := compiler.rule(spec)) is not None]
    rules, cycles = in_order(parts)
    compiler.problems += [RuleProblem(rule, ("inhibits",), message) for rule, message in cycles]
    product = _indexed(model, rules, in_service)
    sizes = size_problems(windows=len(product.windows), tracks=len(product.tracks))
    compiler.problems += [RuleProblem(None, ("metrics",), message) for message in sizes]
    return product, compiler.problems


def _indexed(model: ProductModel, rules: tuple[CompiledRule, ...], in_service: Condition | None) -> CompiledProduct:
    keys: dict[WindowKey, None] = {}
    tracks: dict[str, TrackedLet] = {}
    looking_back: set[int] = set()
    for place, rule in enumerate(rules):
        keys |= dict.fromkeys(key for _, let in rule.told.lets for key in let.windows)
        tracks |= _tracked(rule.told, rule.states)
        for condition in (rule.when, rule.clear):
            windows = [key for _, let in (condition.lets if condition else ()) for key in let.windows]
            keys |= dict.fromkeys(windows)
            looking_back |= {place} if windows or rule.tracks else set()
            tracks |= _tracked(condition, rule.states)
    by_input = _places(rule.inputs - rule.absent if rule.when is None else rule.inputs for rule in rules)
    by_absence = _places(rule.absent for rule in rules)
    named = {*by_input, *by_absence} | (in_service.inputs if in_service else frozenset())
    named = named.union(*(rule.told.inputs for rule in rules))
    transitions = {base for name in named if (base := _base(name)) != name}
    watched = named | transitions
    ages = {name: m.max_age for name, m in model.metrics.items() if m.max_age is not None and name in watched}
    return CompiledProduct(
        model=model,
        rules=rules,
        by_input=by_input,
        by_sample={name: frozenset(looking_back.intersection(places)) for name, places in by_input.items()},
        by_absence=by_absence,
        watched=tuple(name for name in model.metrics if name in watched),
        in_service=in_service,
        ages=ages,
        windows=tuple(keys),
        soonest=_soonest(rules, ages, keys, by_absence),
        tracks=tracks,
        tracks_by_input={
            name: tuple(key for key, tracked in tracks.items() if name in tracked.inputs)
            for name in {name for tracked in tracks.values() for name in tracked.inputs}
        },
        by_track=_places(rule.tracks for rule in rules),
        scheduled=tuple(place for place, rule in enumerate(rules) if any(rule.schedules)),
        transitions=frozenset(transitions),
    )


def _soonest(
    rules: tuple[CompiledRule, ...],
    ages: Mapping[str, timedelta],
    keys: Iterable[WindowKey],
    by_absence: Mapping[str, tuple[int, ...]],
) -> dict[str, timedelta]:
    soonest = dict(ages)
    for key in keys:
        soonest[key.metric] = min(soonest.get(key.metric, key.length), key.length - key.width)
    for name, places in by_absence.items():
        for span in (rules[place].spec.absent_for for place in places):
            if span is not None:
                soonest[name] = min(soonest.get(name, span), span)
    return soonest


def _tracked(condition: Condition | Told | None, states: frozenset[ServiceState]) -> dict[str, TrackedLet]:
    found: dict[str, TrackedLet] = {}
    lets = dict(condition.lets) if condition is not None else {}
    for place, let in enumerate(lets.values()):
        if let.track is not None:
            earlier = dict(list(lets.items())[:place])
            needed: set[str] = set(let.inputs)
            for name in reversed(list(earlier)):
                if name in needed:
                    needed |= earlier[name].inputs
            used = tuple((name, each) for name, each in earlier.items() if name in needed)
            found[let.track] = TrackedLet(let, used, frozenset(needed - earlier.keys()), states)
    return found


def _base(name: str) -> str:
    return name.removeprefix(CHANGED_PREFIX).removeprefix(PREVIOUS_PREFIX)


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
        self._numbers = frozenset(
            {LEAD_DAYS, MAINTENANCE, *model.metrics, *model.parameters, *map(supplied_fact, model.consumables)}
        ) | named_facts(model)
        self._others = frozenset({EVENTS, *model.attributes})
        self._reported = frozenset({*model.metrics, *model.attributes})
        self.problems: list[RuleProblem] = []

    def _add(self, rule: str | None, field: tuple[str, ...], messages: Iterable[str]) -> None:
        self.problems += [RuleProblem(rule, field, message) for message in messages]

    def rule(self, spec: RuleSpec) -> Part | None:
        """Return ``spec`` compiled, with its levels; None, with problems noted, when it cannot be."""
        before = len(self.problems)
        self.problems += [RuleProblem(spec.id, field, message) for field, message in rule_problems(spec)]
        if len(spec.let) > LETS:
            return None  # to read so many would take long
        lets = self._lets(spec)
        when = self.condition(spec.id, ("when",), spec.when, lets, spec.let.keys())
        clear = self.condition(spec.id, ("clear",), spec.clear, lets, spec.let.keys())
        levels = self._levels(spec, when, lets)
        conditions = [c for rule in levels for c in (rule.when, rule.clear) if c is not None]
        conditions += [condition for condition in (when, clear) if condition is not None]
        if spec.clear is None and not spec.keep_for and spec.repeat is None:
            self._check_momentary(spec.id, ("when",), when)
        if spec.clear is not None and spec.absent_for is not None:
            self._add(spec.id, ("clear",), ["an absence is over with the next reading; leave 'clear' out"])
        told, mistakes = told_of(spec, lets, self._numbers | self._others)
        self.problems += [RuleProblem(spec.id, field, message) for field, message in mistakes]
        used = {name for condition in conditions for name, _ in condition.lets} | {name for name, _ in told.lets}
        for name in set(spec.let) - used if len(self.problems) == before else ():
            self._add(spec.id, ("let", name), ["is never used; remove it"])
        if len(self.problems) > before:
            return None
        absent = frozenset(spec.absent or self._model.metrics) if spec.absent_for is not None else frozenset()
        return Part(self._compiled(spec, when, clear, absent, told), tuple(levels))

    def _compiled(
        self,
        spec: RuleSpec,
        when: Condition | None,
        clear: Condition | None,
        absent: frozenset[str] = frozenset(),
        told: Told = SILENT,
    ) -> CompiledRule:
        conditions = [condition for condition in (when, clear) if condition is not None]
        return CompiledRule(
            spec=spec,
            when=when,
            clear=clear,
            absent=absent,
            inputs=absent.union(*(condition.inputs for condition in conditions)),
            states=frozenset(spec.while_),
            hold_for=timedelta(0) if spec.repeat is not None else spec.for_,
            clear_for=spec.clear_for or spec.keep_for,
            tracks=frozenset(let.track for c in conditions for _, let in c.lets if let.track is not None),
            told=told,
        )

    def _levels(self, spec: RuleSpec, when: Condition | None, lets: Mapping[str, Let]) -> list[CompiledRule]:
        levels: list[CompiledRule] = []
        for place, level in enumerate(spec.levels):
            at = ("levels", str(place))
            own = self.condition(spec.id, (*at, "when"), level.when, lets, spec.let.keys()) if level.when else when
            clear = self.condition(spec.id, (*at, "clear"), level.clear, lets, spec.let.keys())
            if level.when and level.clear is None and not level.keep_for:
                self._check_momentary(spec.id, (*at, "when"), own)
            inner = spec.model_copy(
                update={
                    "id": f"{spec.id}/{level.severity}", "severity": level.severity, "when": level.when or spec.when,
                    "for_": level.for_, "clear": level.clear, "clear_for": level.clear_for,
                    "keep_for": level.keep_for, "levels": (), "repeat": None, "inhibits": (), "let": {},
                }
            )  # fmt: skip
            if own is not None:
                levels.append(self._compiled(inner, own, clear))
        return levels

    def _check_momentary(self, rule: str, field: tuple[str, ...], when: Condition | None) -> None:
        if when is not None and when.momentary:
            what = "events last" if EVENTS in when.momentary else "a change lasts"
            self._add(rule, field, [f"{what} an instant, so the rule needs 'clear', 'keep_for' or 'repeat'"])

    def _lets(self, spec: RuleSpec) -> dict[str, Let]:
        lets: dict[str, Let] = {}
        earlier: set[str] = set()
        for name, source in spec.let.items():
            if name in self._numbers or name in self._others:
                self._add(spec.id, ("let", name), [f"'{name}' already is a name of the product; choose another"])
                continue
            names = Names(
                self._model, self._numbers | earlier, self._others, self._reported, dict(lets), f"{spec.id}.{name}"
            )
            earlier.add(name)
            let, problems = compile_let(source, names)
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
        expression, problems = compile_expression(
            source, numbers=self._numbers.union(named), others=self._others, reported=self._reported
        )
        if expression is not None:
            problem = expression.result_problem(bool, self._others)
            events = self._event_problems(parse(source)) if EVENTS in expression.names else ()
            problems = [*([problem] if problem else ()), *events]
        if expression is None or problems:
            self._add(rule, field, problems)
            return None
        return condition_of(expression, lets)

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
