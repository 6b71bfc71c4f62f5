"""The rule book of a process: every product's rules as they are in force, compiled, and kept up to date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from iot_service import logs
from iot_service.db import Connection
from iot_service.products.catalog import Catalog
from iot_service.products.model import ProductModel
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.compiled import CompiledProduct, RuleProblem, compile_catalog, compile_product
from iot_service.rules.versions import store
from iot_service.rules.versions.text import read_rule
from iot_service.rules.versions.version import Mode, RuleInForce, Standing

_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class ProductRules:
    """What one product is judged by.

    ``rules`` are those that are live or in shadow, by id; ``not_live`` says of every other one, and of those in shadow,
    why no need of it can be open. ``revision`` is the id of the change of rules up to which this takes them into
    account, 0 where rules are not recorded. ``variant`` names the overrides that these are the rules with.
    """

    compiled: CompiledProduct
    rules: Mapping[str, RuleInForce]
    not_live: Mapping[str, str] = field(default_factory=dict)
    revision: int = 0
    variant: str = ""

    def in_shadow(self, rule: str) -> bool:
        """Return whether ``rule`` only writes down what it would do."""
        found = self.rules.get(rule)
        return found is not None and found.mode is Mode.SHADOW


class RuleBook:
    """The rules of every product of a catalog.

    Rules are those of the catalog's files; where they are ``recorded``, those that the database says are in force (the
    catalog then only gives the product models), and :meth:`look` keeps up with every change. Raises StopError, where
    they are not recorded, with all that is wrong with them.
    """

    def __init__(self, catalog: Catalog, *, recorded: bool = False) -> None:
        self._models = catalog.products
        self._recorded = recorded
        self._revision = -1
        self._specs: dict[int, RuleSpec] = {}
        self.products: dict[str, ProductRules] = {}
        self.watched: dict[str, tuple[str, ...]] = {}
        if not recorded:
            for name, compiled in compile_catalog(catalog).items():
                rules = {rule: RuleInForce(spec) for rule, spec in catalog.rules.get(name, {}).items()}
                self._take(name, ProductRules(compiled, rules))

    def look(self, connection: Connection) -> bool:
        """Take in what has changed; return whether devices wait to be woken for a change.

        A product whose rules do not compile goes on with those it had.
        """
        if not self._recorded:
            return False
        seen = store.look(connection)
        if seen.revision != self._revision:
            self._read(store.standings(connection))
            self._revision = seen.revision
        return seen.waking

    def _read(self, standings: store.Standings) -> None:
        by_product: dict[str, dict[str, Standing]] = {name: {} for name in self._models}
        for (product, rule), standing in standings.items():
            by_product.setdefault(product, {})[rule] = standing
        for name, model in self._models.items():
            revision = max((standing.changed for standing in by_product[name].values()), default=0)
            if name not in self.products or self.products[name].revision != revision:
                self._compile(name, model, by_product[name], revision)
        used = {version.id for standing in standings.values() if (version := standing.in_force) is not None}
        self._specs = {id_: spec for id_, spec in self._specs.items() if id_ in used}

    def _compile(self, name: str, model: ProductModel, standings: Mapping[str, Standing], revision: int) -> None:
        rules: dict[str, RuleInForce] = {}
        problems: list[RuleProblem] = []
        for rule, standing in standings.items():
            try:
                found = self._in_force(standing)
            except ValueError as error:  # written by another release
                problems.append(RuleProblem(rule, (), str(error)))
            else:
                if found is not None:
                    rules[rule] = found
        compiled, more = compile_product(model, judged_specs(rules.values()))
        problems += more
        for problem in problems:
            _log.error(
                "a rule cannot be used", action="rules.not_compiled", product=name, rule=problem.rule,
                field=".".join(problem.field), problem=problem.message, keeps_the_old_ones=name in self.products,
            )  # fmt: skip
        if problems and name in self.products:
            return
        not_live = {rule: why for rule, standing in standings.items() if (why := standing.why_not_live()) is not None}
        self._take(name, ProductRules(compiled, rules, not_live, revision))

    def _in_force(self, standing: Standing) -> RuleInForce | None:
        version = standing.in_force
        if version is None or standing.mode is Mode.OFF:
            return None
        spec = self._specs.get(version.id)
        if spec is None:
            spec = self._specs[version.id] = read_rule(version.text)
        return RuleInForce(spec, standing.mode, version.version, standing.changed)

    def _take(self, name: str, rules: ProductRules) -> None:
        self.products[name] = rules
        self.watched[name] = rules.compiled.watched


def judged_specs(rules: Iterable[RuleInForce]) -> list[RuleSpec]:
    """Return the rules as they are judged: one in shadow holds no other rule back, and has no part in a site's need."""
    alone = {"inhibits": (), "per": "device"}
    return [rule.spec if rule.mode is Mode.LIVE else rule.spec.model_copy(update=alone) for rule in rules]
