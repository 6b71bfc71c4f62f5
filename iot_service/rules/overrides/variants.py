"""The rules of a product as overrides change them: compiled once for each set of values, and shared by its devices."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from iot_service import logs
from iot_service.products.overrides import EffectiveRule, Override, effective_rule, merged
from iot_service.rules.compiled import CompiledProduct, compile_product
from iot_service.rules.versions.book import ProductRules, judged_specs
from iot_service.rules.versions.version import RuleInForce

_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class _Variant:
    """What became of ``base``; ``compiled`` None where the changed rules do not compile together."""

    base: ProductRules
    compiled: CompiledProduct | None
    rules: Mapping[str, RuleInForce]


class Variants:
    """The variants that were used last, at most ``capacity`` of them: so many sets of values are judged by at a time.

    Who sets the same values shares a variant, at whatever level they were set.
    """

    def __init__(self, capacity: int = 200) -> None:
        self._capacity = capacity
        self._variants: OrderedDict[tuple[str, str], _Variant] = OrderedDict()

    def of(self, rules: ProductRules, overrides: Sequence[Override]) -> ProductRules:
        """Return ``rules`` as ``overrides``, all that concern one device, change them; parameters are left aside.

        Where the changed rules cannot be judged together, they stay as they are, and it is logged.
        """
        by_rule = of_rules(overrides, rules)
        if not by_rule:
            return rules
        digest = _digest(by_rule)
        key = (rules.compiled.model.id, digest)
        variant = self._variants.pop(key, None)
        if variant is None or variant.base is not rules:
            variant = _make(rules, by_rule)
        self._variants[key] = variant
        while len(self._variants) > self._capacity:
            self._variants.popitem(last=False)
        if variant.compiled is None:
            return replace(rules, variant=digest)
        not_live = dict(rules.not_live)
        for rule in by_rule.keys() - variant.rules.keys():
            said = merged(by_rule[rule])["enabled"].said
            not_live[rule] = f"The rule is switched off for this device ({said})"
        return ProductRules(variant.compiled, variant.rules, not_live, rules.revision, digest)


def of_rules(overrides: Sequence[Override], rules: ProductRules) -> dict[str, list[Override]]:
    """Return those of ``overrides`` that concern rules of ``rules``, by rule."""
    found: dict[str, list[Override]] = {}
    for override in overrides:
        if override.rule is not None and override.rule in rules.rules:
            found.setdefault(override.rule, []).append(override)
    return found


def _make(base: ProductRules, by_rule: Mapping[str, Sequence[Override]]) -> _Variant:
    rules: dict[str, RuleInForce] = {}
    for name, rule in base.rules.items():
        if name not in by_rule:
            rules[name] = rule
            continue
        effective = effective_rule(rule.spec, by_rule[name])
        _complain(base, name, effective)
        if effective.enabled:
            rules[name] = replace(rule, spec=effective.spec)
    specs = [
        spec.model_copy(update={"inhibits": tuple(name for name in spec.inhibits if name in rules)})
        for spec in judged_specs(rules.values())
    ]
    compiled, problems = compile_product(base.compiled.model, specs)
    for problem in problems:
        _log.error(
            "a rule cannot be used as it is overridden", action="rules.override_refused", rule=problem.rule,
            product=base.compiled.model.id, field=".".join(problem.field), problem=problem.message,
        )  # fmt: skip
    return _Variant(base, None if problems else compiled, rules)


def _complain(base: ProductRules, rule: str, effective: EffectiveRule) -> None:
    for field, message in effective.refused.items():
        _log.warning(
            "an override does not fit its rule any more", action="rules.override_unfit", rule=rule, field=field,
            product=base.compiled.model.id, problem=message,
        )  # fmt: skip


def _digest(by_rule: Mapping[str, Sequence[Override]]) -> str:
    values = {
        rule: {field: override.values[field] for field, override in merged(overrides).items()}
        for rule, overrides in by_rule.items()
    }
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
