"""Rules: what is in force, every version there was, and changing them while the service runs. Operators only."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import Body, Query, Response
from pydantic import BaseModel

from iot_service.api.auth import Current
from iot_service.api.dependencies import Now, TheCatalog, Transaction
from iot_service.api.paging import AtPage, Page
from iot_service.api.principal import Role
from iot_service.api.resources.routing import resource
from iot_service.customers.inputs import Input
from iot_service.rules.versions import changing, store
from iot_service.rules.versions.changing import RuleName
from iot_service.rules.versions.shadow import ShadowNeed, shadow_needs
from iot_service.rules.versions.version import Mode, RuleVersion, Source, Standing, VersionChange

router = resource("rules", Role.OPERATOR)

RuleBody = Annotated[
    dict[str, Any],
    Body(
        description="The rule, as in a rule file; all that is wrong with it is answered at once",
        examples=[{
            "kind": "fault", "severity": "high", "title": {"nb": "For varm", "en": "Too warm"},
            "when": "temperature > -60", "for": "10m", "clear": "temperature < -65",
        }],
    ),
]  # fmt: skip


class VersionOutput(BaseModel):
    """One version of a rule. ``spec`` is its whole text; of one that was removed, as it was last."""

    version: int
    change: VersionChange
    source: Source
    mode: Mode
    author: str
    place: str | None
    at: datetime
    digest: str
    spec: dict[str, Any]


class RuleOutput(BaseModel):
    """How a rule stands. ``in_force`` is null for one that was removed.

    ``hidden`` is a file's version that one from the API stands over, until that is deleted.
    """

    product: str
    rule: str
    mode: Mode
    in_force: VersionOutput | None
    hidden: VersionOutput | None


class ModeInput(Input):
    """The mode that a rule is to be in."""

    mode: Mode


@router.get("")
def list_rules(
    connection: Transaction,
    paging: AtPage,
    product: str | None = None,
    removed: Annotated[bool, Query(description="Those that were removed, too")] = False,
) -> Page[RuleOutput]:
    """List rules by product and id."""
    standings = store.standings(connection, product)
    names = {f"{of}/{rule}": RuleName(of, rule) for of, rule in standings}
    found = [
        (names[text], standing)
        for text in sorted(names)
        if text > (paging.after or "")
        and ((standing := standings[names[text].product, names[text].rule]).in_force is not None or removed)
    ]
    shown = [_rule(name, standing) for name, standing in found[: paging.fetch]]
    return paging.page(shown, lambda rule: f"{rule.product}/{rule.rule}")


@router.get("/{product}/{rule}")
def get_rule(connection: Transaction, product: str, rule: str) -> RuleOutput:
    """Return how one rule stands."""
    name = RuleName(product, rule)
    return _rule(name, changing.standing_of(connection, name))


@router.put("/{product}/{rule}")
def put_rule(
    connection: Transaction, principal: Current, catalog: TheCatalog, now: Now, response: Response,
    product: str, rule: str, body: RuleBody,
    mode: Annotated[Mode | None, Query(description="Left out: the one it has; live for a new one")] = None,
) -> RuleOutput:  # fmt: skip
    """Put a rule in force, over one of the same name from a file; the running service goes on with it at once."""
    name = RuleName(product, rule)
    standing = changing.put_rule(
        connection, name, body, mode=mode, catalog=catalog, author=principal.actor, now=now
    )  # fmt: skip
    if standing.newest.version == 1:
        response.status_code = 201
    return _rule(name, standing)


@router.delete("/{product}/{rule}")
def delete_rule(
    connection: Transaction, principal: Current, catalog: TheCatalog, now: Now, product: str, rule: str
) -> RuleOutput:
    """Take back what the API says of a rule; one of the same name from a file is in force again."""
    name = RuleName(product, rule)
    return _rule(name, changing.delete_rule(connection, name, catalog=catalog, author=principal.actor, now=now))


@router.post("/{product}/{rule}/mode")
def set_mode(
    connection: Transaction, principal: Current, catalog: TheCatalog, now: Now, product: str, rule: str, body: ModeInput
) -> RuleOutput:
    """Switch a rule on, off, or into shadow, where it only writes down what it would do."""
    name = RuleName(product, rule)
    standing = changing.set_mode(connection, name, body.mode, catalog=catalog, author=principal.actor, now=now)
    return _rule(name, standing)


@router.get("/{product}/{rule}/versions")
def list_versions(connection: Transaction, paging: AtPage, product: str, rule: str) -> Page[VersionOutput]:
    """List the versions of a rule, newest first."""
    changing.standing_of(connection, RuleName(product, rule))
    rows = store.versions(connection, product, rule, before=paging.before, limit=paging.fetch)
    return paging.page([_version(row) for row in rows], lambda version: version.version)


@router.get("/{product}/{rule}/shadow_needs")
def list_shadow_needs(connection: Transaction, paging: AtPage, product: str, rule: str) -> Page[ShadowNeed]:
    """List what a rule found while it was in shadow, newest first."""
    changing.standing_of(connection, RuleName(product, rule))
    rows = shadow_needs(connection, product, rule, before=paging.before, limit=paging.fetch)
    return paging.page(rows, lambda need: need.id)


def _rule(name: RuleName, standing: Standing) -> RuleOutput:
    return RuleOutput(
        product=name.product,
        rule=name.rule,
        mode=standing.mode,
        in_force=_version(standing.in_force) if standing.in_force is not None else None,
        hidden=_version(standing.hidden) if standing.hidden is not None else None,
    )


def _version(version: RuleVersion) -> VersionOutput:
    return VersionOutput(
        version=version.version,
        change=version.change,
        source=version.source,
        mode=version.mode,
        author=version.author,
        place=version.place,
        at=version.at,
        digest=version.digest,
        spec=json.loads(version.text),
    )
