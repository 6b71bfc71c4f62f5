"""Overrides: what a product model, a group of devices, a customer or a device has otherwise than a rule says."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Body, Query
from pydantic import BaseModel, Field

from iot_service.api.auth import Current
from iot_service.api.dependencies import Now, TheCatalog, Transaction
from iot_service.api.paging import AtPage, Page
from iot_service.api.principal import Role
from iot_service.api.resources.routing import resource
from iot_service.customers.fields import Line
from iot_service.customers.inputs import Input
from iot_service.products.overrides import Override, Scope
from iot_service.rules.overrides import changing, store
from iot_service.rules.overrides.changing import Target

router = resource("rule_overrides", Role.OPERATOR)


class OverrideInput(Input):
    """What is otherwise, and why."""

    values: Annotated[
        dict[str, Any],
        Field(
            description="Keys of a rule that may be otherwise, such as for and severity; or parameters",
            examples=[{"for": "20m", "severity": "critical"}],
        ),
    ]
    reason: Line


class OverrideOutput(BaseModel):
    """One override: what is otherwise for whom, since when, by whom and why. ``rule`` null: parameters."""

    scope: Scope
    scope_id: str
    product: str
    rule: str | None
    values: dict[str, Any]
    author: str
    reason: str
    at: datetime


Why = Annotated[str, Query(max_length=200, description="Why, for the record")]


@router.get("")
def list_overrides(connection: Transaction, paging: AtPage, product: str | None = None) -> Page[OverrideOutput]:
    """List overrides in the order of their making, of one product model or of all."""
    found = store.overrides(connection, product, after=paging.before or 0, limit=paging.fetch)
    ids = {id(shown): kept.id for kept in found if (shown := kept.override)}
    page = paging.page([kept.override for kept in found], lambda override: ids[id(override)])
    return Page(items=[override_output(override) for override in page.items], next_cursor=page.next_cursor)


@router.put("/{scope}/{scope_id}/{product}/{rule}")
def put_rule_override(
    connection: Transaction, principal: Current, catalog: TheCatalog, now: Now,
    scope: Scope, scope_id: str, product: str, rule: str, body: Annotated[OverrideInput, Body()],
) -> OverrideOutput:  # fmt: skip
    """Override what a rule says; the devices concerned are judged anew by it at once."""
    return _put(connection, principal, catalog, now, Target(product, rule, scope, scope_id), body)


@router.put("/{scope}/{scope_id}/{product}")
def put_parameter_override(
    connection: Transaction, principal: Current, catalog: TheCatalog, now: Now,
    scope: Scope, scope_id: str, product: str, body: Annotated[OverrideInput, Body()],
) -> OverrideOutput:  # fmt: skip
    """Override parameters of a product model; the devices concerned are judged anew by them at once."""
    return _put(connection, principal, catalog, now, Target(product, None, scope, scope_id), body)


@router.delete("/{scope}/{scope_id}/{product}/{rule}", status_code=204)
def delete_rule_override(
    connection: Transaction, principal: Current, now: Now, scope: Scope, scope_id: str, product: str, rule: str,
    reason: Why = "",
) -> None:  # fmt: skip
    """Take back what is overridden of a rule."""
    target = Target(product, rule, scope, scope_id)
    changing.remove_override(connection, target, author=principal.actor, reason=reason, now=now)


@router.delete("/{scope}/{scope_id}/{product}", status_code=204)
def delete_parameter_override(
    connection: Transaction, principal: Current, now: Now, scope: Scope, scope_id: str, product: str, reason: Why = ""
) -> None:
    """Take back overridden parameters."""
    target = Target(product, None, scope, scope_id)
    changing.remove_override(connection, target, author=principal.actor, reason=reason, now=now)


def override_output(override: Override) -> OverrideOutput:
    """Return ``override`` as the API shows it."""
    return OverrideOutput(
        scope=override.scope, scope_id=override.scope_id, product=override.product, rule=override.rule,
        values=dict(override.values), author=override.author, reason=override.reason, at=override.at,
    )  # fmt: skip


def _put(
    connection: Transaction, principal: Current, catalog: TheCatalog, now: Now, target: Target, body: OverrideInput
) -> OverrideOutput:
    kept = changing.set_override(
        connection, target, body.values, catalog=catalog, author=principal.actor, reason=body.reason, now=now
    )
    return override_output(kept.override)
