"""What the texts of a rule name: values that the evidence of its needs must hold, though no condition reads them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from iot_service.products.rule_spec import RuleSpec
from iot_service.products.texts import is_plain, names_in, text_problems
from iot_service.rules.lets.base import EVENTS, Let, Moment, value_of


@dataclass(frozen=True, slots=True)
class Told:
    """``names`` are those in the texts, ``lets`` what it takes to know them, ``inputs`` the variables in the end."""

    names: frozenset[str] = frozenset()
    lets: tuple[tuple[str, Let], ...] = ()
    inputs: frozenset[str] = frozenset()

    def scope(self, moment: Moment, scope: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return ``scope`` with those of the lets that it has not and that are known at ``moment``."""
        if all(name in scope for name, _ in self.lets):
            return scope
        found = dict(scope)
        for name, let in self.lets:
            value = value_of(let, found, moment)
            if value is not None:
                found[name] = value
        return found


SILENT = Told()
"""A rule whose texts name nothing."""


def told_of(
    spec: RuleSpec, lets: Mapping[str, Let], known: Collection[str]
) -> tuple[Told, list[tuple[tuple[str, str], str]]]:
    """Return what the texts of ``spec`` name, and what is wrong with them, by field.

    ``lets`` are those of the rule that compiled; ``known`` are all names that a text may say besides those of the rule.
    """
    if is_plain(spec):
        return SILENT, []
    problems = list(text_problems(spec, [*(name for name in known if name != EVENTS), *spec.let]))
    names = names_in(spec)
    if not names:
        return SILENT, problems
    needed: set[str] = set(names)
    for name in reversed(list(lets)):
        if name in needed:
            needed |= lets[name].inputs
    used = tuple((name, let) for name, let in lets.items() if name in needed)
    return Told(names, used, frozenset(needed - lets.keys())), problems
