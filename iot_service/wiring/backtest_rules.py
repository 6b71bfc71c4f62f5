"""Which rules a backtest judges: those in use, those of files on top of them, and those that two versions differ in."""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path

from iot_service.config import Settings
from iot_service.db import Database
from iot_service.errors import InvalidInputError
from iot_service.products.catalog import Catalog
from iot_service.products.documents import suggestion
from iot_service.products.overrides import Override, effective_rule
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.checks import catalog_with
from iot_service.rules.versions.book import RuleBook


def rules_with(settings: Settings, files: Sequence[Path], database: Database | None) -> Catalog:
    """Return the rules in use with those of ``files`` (or folders) on top.

    In use are those that are in force in the database; where there is none, or it has recorded none yet, those that the
    service would read from files. Raises StopError with all that is wrong with the files.
    """
    own = [settings.products_dir] if settings.products_dir is not None else []
    base, read = catalog_with(own), catalog_with([*own, *files])
    in_force = _in_force(base, database) if database is not None else None
    if in_force is None:
        return read
    rules = {
        product: {
            **in_force.get(product, {}),
            **{name: spec for name, spec in specs.items() if base.rules.get(product, {}).get(name) != spec},
        }
        for product, specs in read.rules.items()
    }
    return read.model_copy(update={"rules": rules})


def _in_force(catalog: Catalog, database: Database) -> dict[str, dict[str, RuleSpec]] | None:
    book = RuleBook(catalog, recorded=True)
    with database.transaction() as connection:
        book.look(connection)
    if not any(rules.revision for rules in book.products.values()):
        return None
    return {
        product: {name: found.spec for name, found in rules.rules.items()} for product, rules in book.products.items()
    }


def rules_of_device(catalog: Catalog, product: str, overrides: Sequence[Override], named: Set[str]) -> Catalog:
    """Return ``catalog`` as ``overrides``, all that concern one device of ``product``, change its rules.

    Those that are switched off for the device are left out, unless they are ``named``.
    """
    rules: dict[str, RuleSpec] = {}
    for name, spec in catalog.rules.get(product, {}).items():
        effective = effective_rule(spec, [override for override in overrides if override.rule == name])
        if effective.enabled or not named.isdisjoint({name, f"{product}/{name}"}):
            rules[name] = effective.spec
    kept = {
        name: spec.model_copy(update={"inhibits": tuple(other for other in spec.inhibits if other in rules)})
        for name, spec in rules.items()
    }
    return catalog.model_copy(update={"rules": {**catalog.rules, product: kept}})


def changed_rules(before: Catalog, after: Catalog) -> list[str]:
    """Return the rules that differ, as product/rule; it says which product a recording is of."""
    products = dict.fromkeys((*before.products, *after.products))
    return [f"{product}/{rule}" for product in products for rule in sorted(_changed(before, after, product))]


def _changed(before: Catalog, after: Catalog, product: str) -> set[str]:
    old, new = before.rules.get(product, {}), after.rules.get(product, {})
    if before.products.get(product) != after.products.get(product):
        return {*old, *new}
    return {name for name in {*old, *new} if old.get(name) != new.get(name)}


def rules_to_judge(catalog: Catalog, other: Catalog, product: str) -> list[str]:
    """Return the rules of ``catalog`` that may find other needs than in ``other``: changed ones, those they inhibit."""
    specs = catalog.rules.get(product, {})
    affected = _changed(catalog, other, product)
    both = [*specs.values(), *other.rules.get(product, {}).values()]
    while True:
        more = {name for spec in both if spec.id in affected for name in spec.inhibits} - affected
        if not more:
            return [name for name in specs if name in affected]
        affected |= more


def choose_rules(catalog: Catalog, product: str, rules: Sequence[str]) -> list[str]:
    """Return the ids of ``rules`` (all, where none are named, or the product itself is).

    Raises InvalidInputError for a name that the product does not have.
    """
    specs = catalog.rules[product]
    chosen: dict[str, None] = {}
    for rule in rules:
        name = rule.removeprefix(f"{product}/")
        if rule == product:
            chosen |= dict.fromkeys(specs)
        elif name in specs:
            chosen[name] = None
        else:
            raise InvalidInputError(f"{product} has no rule '{name}'{suggestion(name, list(specs))}", field="RULE")
    return list(chosen) or list(specs)
