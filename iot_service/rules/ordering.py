"""The order in which the rules of a product are judged at one instant: whatever another looks at comes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from iot_service.products.documents import suggestion

if TYPE_CHECKING:
    from iot_service.rules.compiled import CompiledRule


@dataclass(frozen=True, slots=True)
class Part:
    """One rule with its levels, none of which knows its place yet."""

    rule: CompiledRule
    levels: tuple[CompiledRule, ...]


def in_order(parts: Sequence[Part]) -> tuple[tuple[CompiledRule, ...], list[tuple[str, str]]]:
    """Return all rules in their order, each knowing the places of the others; and what is wrong, by rule.

    Levels come before their rule, and rules before those that they inhibit; otherwise the order is that of ``parts``.
    """
    by_id = {part.rule.id: part for part in parts}
    problems: list[tuple[str, str]] = []
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for part in parts:
        sorter.add(part.rule.id)
        for name in part.rule.spec.inhibits:
            if name in by_id:
                sorter.add(name, part.rule.id)
            else:
                problems.append((part.rule.id, f"there is no rule '{name}'{suggestion(name, sorted(by_id))}"))
    try:
        order = list(sorter.static_order())
    except CycleError as error:
        circle = error.args[1]
        problems.append((circle[0], f"rules inhibit each other in a circle: {' -> '.join(reversed(circle))}"))
        order = list(by_id)
    if not any(part.rule.spec.inhibits for part in parts):
        order = list(by_id)
    return _placed([by_id[name] for name in order]), problems


def _placed(parts: Sequence[Part]) -> tuple[CompiledRule, ...]:
    places: dict[str, int] = {}
    count = 0
    for part in parts:
        count += len(part.levels)
        places[part.rule.id] = count
        count += 1
    inhibited_by: dict[str, list[int]] = {}
    for part in parts:
        for name in part.rule.spec.inhibits:
            inhibited_by.setdefault(name, []).append(places[part.rule.id])
    rules: list[CompiledRule] = []
    for part in parts:
        rule, place = part.rule, places[part.rule.id]
        rules += [replace(level, parent=place) for level in part.levels]
        if part.levels or rule.spec.inhibits or rule.id in inhibited_by:
            rule = replace(
                rule,
                levels=tuple(range(place - len(part.levels), place)),
                inhibits=tuple(sorted(places[name] for name in rule.spec.inhibits if name in places)),
                inhibited_by=tuple(sorted(inhibited_by.get(rule.id, ()))),
            )
        rules.append(rule)
    return tuple(rules)
