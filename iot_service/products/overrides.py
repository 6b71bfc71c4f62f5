"""Overrides: what a product model, a group of devices, a customer or a device has otherwise than the rule says.

Only what makes a rule stricter or laxer can be overridden, never what it looks at. Of several overrides of one field
the most specific counts: a device's goes before its customer's, that before its groups' (of several, the last by the
order of their ids), that before the product model's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from iot_service.model.need import Severity
from iot_service.products.documents import Document, suggestion, validate
from iot_service.products.durations import Duration
from iot_service.products.model import Frozen, ProductModel
from iot_service.products.rule_spec import NotNegative, RepeatWritten, RuleSpec


class Scope(StrEnum):
    """What an override holds for, from the least specific to the most."""

    PRODUCT = "product"
    GROUP = "group"
    CUSTOMER = "customer"
    DEVICE = "device"

    @property
    def rank(self) -> int:
        """How specific it is, from 0."""
        return list(Scope).index(self)


class RuleValues(Frozen):
    """What of a rule can be overridden; what is left out stays as it is."""

    enabled: bool | None = None
    """Whether the rule is judged at all."""
    severity: Severity | None = None
    """How bad a need is from its opening; levels that are not worse fall away."""
    for_: NotNegative | None = Field(default=None, alias="for")
    """How long ``when`` must hold before the need opens."""
    clear_for: NotNegative | None = None
    """How long ``clear`` must hold."""
    keep_for: NotNegative | None = None
    """How long ``when`` must not have held before the need resolves."""
    absent_for: Annotated[Duration, Field(gt=timedelta(0))] | None = None
    """For how long nothing must have come, of a rule that watches for silence."""
    repeat: RepeatWritten | Literal[False] | None = None
    """How often ``when`` must have come true, such as 3 times within 1h; false: once is enough."""
    levels: Literal[False] | None = None
    """False: the severity stays what it is while the need is open."""


_LARGEST = 1e300
_LEVELS_FIRST = ("levels", "repeat", "severity", "absent_for", "for_", "clear_for", "keep_for")


@dataclass(frozen=True, slots=True)
class Override:
    """One override, as it is kept.

    ``scope_id`` is the id of the product model, group, customer or device. ``rule`` None: ``values`` are parameters of
    ``product``; else they are fields of :class:`RuleValues`, as they are written. ``at`` is UTC.
    """

    scope: Scope
    scope_id: str
    product: str
    rule: str | None
    values: Mapping[str, Any]
    author: str
    reason: str
    at: datetime

    @property
    def said(self) -> str:
        """Whose it is and why, for people."""
        return f"{self.scope} {self.scope_id}, by {self.author} at {self.at:%Y-%m-%d %H:%M}: {self.reason}"


@dataclass(frozen=True, slots=True)
class EffectiveRule:
    """A rule as it is judged for some device.

    ``origins`` say by the key of a rule file which override a value comes from; ``refused`` are values that do not fit
    the rule as it is now, with the reason: they do not count.
    """

    spec: RuleSpec
    enabled: bool
    origins: Mapping[str, Override]
    refused: Mapping[str, str]


def in_order(overrides: Iterable[Override]) -> list[Override]:
    """Return ``overrides`` from the least specific to the most."""
    return sorted(overrides, key=lambda override: (override.scope.rank, override.scope_id))


def merged(overrides: Iterable[Override]) -> dict[str, Override]:
    """Return by field, or by parameter, which of the ``overrides`` (of one rule, or of none) counts."""
    return {field: override for override in in_order(overrides) for field in override.values}


def effective_rule(spec: RuleSpec, overrides: Iterable[Override]) -> EffectiveRule:
    """Return ``spec`` as the ``overrides`` of it change it."""
    origins = merged(overrides)
    written = {field: override.values[field] for field, override in origins.items()}
    enabled, refused = True, dict[str, str]()
    for field in sorted(written, key=_place):
        values, problems = checked_values({field: written[field]})
        changed = None
        if values is not None:
            changed, problems = _changed(spec, values, field)
            enabled = values.enabled if values.enabled is not None else enabled
        if changed is None:
            refused[field] = "; ".join(message for _, message in problems)
        else:
            spec = changed
    return EffectiveRule(spec, enabled, {f: o for f, o in origins.items() if f not in refused}, refused)


def checked_values(written: Mapping[str, Any]) -> tuple[RuleValues | None, list[tuple[str, str]]]:
    """Return ``written`` as values of a rule, or None with everything that is wrong, by field."""
    values, problems = validate(Document("", dict(written), {}), RuleValues)
    by_field = {problem.field.partition(".")[0]: problem.message for problem in reversed(problems)}
    found = list(by_field.items())
    if values is not None and all(getattr(values, name) is None for name in RuleValues.model_fields):
        found.append(("", f"say what is to be otherwise: {', '.join(_keys())}"))
    return (None if found else values), found


def rule_problems(spec: RuleSpec, written: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is wrong with ``written`` as values for the rule ``spec``, by field."""
    values, problems = checked_values(written)
    if values is None:
        return problems
    for name in _LEVELS_FIRST:
        changed, found = _changed(spec, values, name)
        problems += found
        spec = changed or spec
    return problems


def parameter_problems(model: ProductModel, written: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is wrong with ``written`` as parameters of ``model``, by name."""
    problems: list[tuple[str, str]] = []
    limits = {limit for plan in model.plans.values() for limit in plan.every.values()}
    for name, value in written.items():
        if name not in model.parameters:
            known = suggestion(name, list(model.parameters))
            problems.append((name, f"{model.id} has no parameter '{name}'{known}"))
        elif isinstance(value, bool) or not isinstance(value, float | int) or not -_LARGEST < value < _LARGEST:
            problems.append((name, "must be a number"))
        elif name in limits and value <= 0:
            problems.append((name, "must be above 0: a service plan goes by it"))
    return problems or ([] if written else [("", "say which parameters are to be otherwise")])


def _changed(spec: RuleSpec, values: RuleValues, field: str) -> tuple[RuleSpec | None, list[tuple[str, str]]]:
    name = "for_" if field == "for" else field
    value = getattr(values, name)
    if value is None or name == "enabled":
        return spec, []
    update: dict[str, Any] = {name: value}
    if name == "levels":
        update["levels"] = ()
    elif name == "repeat" and value is False:
        update["repeat"] = None
    elif name == "severity":
        update["levels"] = tuple(level for level in spec.levels if level.severity.is_worse_than(value))
    elif name == "absent_for" and spec.absent_for is None:
        return None, [("absent_for", "the rule does not watch for silence")]
    elif name == "for_" and spec.when is None and spec.absent_for is not None:
        return None, [("for", "the rule watches for silence: override 'absent_for'")]
    elif name == "clear_for" and spec.clear is None:
        return None, [("clear_for", "the rule has no 'clear': override 'keep_for'")]
    try:
        return RuleSpec.model_validate(dict(spec) | update), []
    except ValidationError as error:
        said = "; ".join(each["msg"].removeprefix("Value error, ") for each in error.errors())
        return None, [("for" if name == "for_" else name, said)]


def _place(field: str) -> int:
    name = "for_" if field == "for" else field
    return _LEVELS_FIRST.index(name) if name in _LEVELS_FIRST else -1


def _keys() -> list[str]:
    return [field.alias or name for name, field in RuleValues.model_fields.items()]
