"""Setting and removing overrides: checked as a whole, kept with author and reason, and told in the event log.

Runners notice at their next run: the devices concerned are woken, and judged anew by what holds then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from iot_service.db import Connection, Jsonb
from iot_service.db.events import record
from iot_service.errors import InvalidFieldsError, InvalidInputError, NotFoundError
from iot_service.model.event import Event, EventType
from iot_service.products.catalog import Catalog
from iot_service.products.documents import suggestion
from iot_service.products.model import ProductModel
from iot_service.products.overrides import Override, Scope, effective_rule, parameter_problems, rule_problems
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.overrides.store import QUERIES, Kept, group, kept
from iot_service.rules.versions import store as versions
from iot_service.rules.versions.checks import set_problems
from iot_service.rules.versions.text import read_rule
from iot_service.rules.windows import EPOCH


@dataclass(frozen=True, slots=True)
class Target:
    """What an override is for: a rule of a product model (``rule`` None: its parameters), within a scope."""

    product: str
    rule: str | None
    scope: Scope
    scope_id: str

    def __str__(self) -> str:
        return f"{self.product}/{self.rule}" if self.rule is not None else f"parameters of {self.product}"


def set_override(
    connection: Connection,
    target: Target,
    written: Mapping[str, Any],
    *,
    catalog: Catalog,
    author: str,
    reason: str,
    now: datetime,
) -> Kept:
    """Put ``written`` (as in :class:`RuleValues`, or parameters) in the place of what ``target`` had otherwise before.

    Raises NotFoundError where there is no such product, rule, group, customer or device, InvalidInputError for an empty
    reason or a device of another product, InvalidFieldsError with all that is wrong with the values.
    """
    if not reason.strip():
        raise InvalidInputError("say why", field="reason")
    _check(connection, target, written, catalog)
    device_id, customer_id = _concerned(connection, target)
    before = kept(connection, target.scope, target.scope_id, target.product, target.rule)
    row = QUERIES["set_override"].one(
        connection, scope=target.scope.value, scope_id=target.scope_id, product=target.product, rule=target.rule,
        values=Jsonb(dict(written)), author=author, reason=reason.strip(), at=now,
    )  # fmt: skip
    _record(
        connection, EventType.RULE_OVERRIDE_SET, target, reason, before, dict(written),
        device_id=device_id, customer_id=customer_id, actor=author, now=now,
    )  # fmt: skip
    _wake(connection, target, now=now)
    return Kept(row.pop("id"), Override(**{**row, "scope": target.scope}))


def remove_override(connection: Connection, target: Target, *, author: str, reason: str, now: datetime) -> None:
    """Take back what ``target`` has otherwise. Raises NotFoundError where that is nothing."""
    before = kept(connection, target.scope, target.scope_id, target.product, target.rule)
    if before is None:
        raise NotFoundError(f"{target.scope} {target.scope_id} overrides nothing of {target}")
    device_id, customer_id = _concerned(connection, target)
    QUERIES["remove_override"].run(connection, id=before.id)
    _record(
        connection, EventType.RULE_OVERRIDE_REMOVED, target, reason or "no longer needed", before, {},
        device_id=device_id, customer_id=customer_id, actor=author, now=now,
    )  # fmt: skip
    _wake(connection, target, now=now)


def rule_in_force(connection: Connection, catalog: Catalog, product: str, rule: str) -> RuleSpec:
    """Return a rule as it is in force: as recorded, else as ``catalog`` has it. Raises NotFoundError."""
    standing = versions.standing(connection, product, rule)
    if standing is not None and standing.in_force is not None:
        return read_rule(standing.in_force.text)
    rules = catalog.rules.get(product, {})
    if standing is None and rule in rules:
        return rules[rule]
    raise NotFoundError(f"{product} has no rule '{rule}'{suggestion(rule, list(rules))}")


def _check(connection: Connection, target: Target, written: Mapping[str, Any], catalog: Catalog) -> None:
    model = catalog.products.get(target.product)
    if model is None:
        known = suggestion(target.product, list(catalog.products))
        raise NotFoundError(f"there is no product '{target.product}'{known}")
    if target.rule is None:
        problems = parameter_problems(model, written)
    else:
        spec = rule_in_force(connection, catalog, target.product, target.rule)
        problems = rule_problems(spec, written)
        if not problems:
            problems = _cannot_be_judged(model, spec, target, written)
    if problems:
        raise InvalidFieldsError([(f"values.{field}" if field else "values", message) for field, message in problems])


def _cannot_be_judged(
    model: ProductModel, spec: RuleSpec, target: Target, written: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Return why ``spec`` could not be judged as ``written``: a runner would leave all overrides of a device aside."""
    override = Override(target.scope, target.scope_id, target.product, spec.id, written, "", "", EPOCH)
    changed = effective_rule(spec, [override]).spec.model_copy(update={"inhibits": ()})
    found = ((field.partition(".")[0], message) for field, message in set_problems(model, [changed], spec.id))
    return [(field if field in written else "", message) for field, message in found]


def _concerned(connection: Connection, target: Target) -> tuple[str | None, str | None]:
    """Return the device and the customer that ``target`` is about, None where it is about several."""
    found, scope_id = True, target.scope_id
    device_id, customer_id = None, None
    if target.scope is Scope.PRODUCT and scope_id != target.product:
        raise InvalidInputError(f"must be that of the product, '{target.product}'", field="scope_id")
    if target.scope is Scope.GROUP:
        found = group(connection, scope_id) is not None
    elif target.scope is Scope.CUSTOMER:
        found, customer_id = QUERIES["has_customer"].one(connection, id=scope_id)["found"], scope_id
    elif target.scope is Scope.DEVICE:
        device = QUERIES["device_to_override"].first(connection, id=scope_id)
        found = device is not None
        if device is not None:
            device_id, customer_id = device["id"], device["customer_id"]
            if device["product"] != target.product:
                raise InvalidInputError(f"device {scope_id} is a {device['product']}", field="scope_id")
    if not found:
        raise NotFoundError(f"there is no {target.scope} '{scope_id}'")
    return device_id, customer_id


def _record(
    connection: Connection,
    kind: EventType,
    target: Target,
    reason: str,
    before: Kept | None,
    values: dict[str, Any],
    *,
    device_id: str | None,
    customer_id: str | None,
    actor: str,
    now: datetime,
) -> None:
    data = {
        "scope": target.scope.value, "scope_id": target.scope_id, "product": target.product, "rule": target.rule,
        "values": values, "before": dict(before.override.values) if before is not None else None,
    }  # fmt: skip
    event = Event(
        type=kind, at=now, subject_id=f"{target.product}/{target.rule or 'parameters'}", device_id=device_id,
        customer_id=customer_id, actor=actor, reason=reason.strip(), data=data,
    )  # fmt: skip
    record(connection, event)


def _wake(connection: Connection, target: Target, *, now: datetime) -> None:
    if target.scope is Scope.PRODUCT:
        versions.wake_product(connection, target.product)
    else:
        QUERIES["wake_in_scope"].run(
            connection, scope=target.scope.value, scope_id=target.scope_id, product=target.product, now=now
        )
