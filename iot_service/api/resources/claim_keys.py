"""Claim keys, by which devices of one product register themselves: operators make and revoke them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

from iot_service.api.auth import Current
from iot_service.api.dependencies import Now, TheCatalog, Transaction
from iot_service.api.ids import BigId
from iot_service.api.paging import AtPage, Page
from iot_service.api.principal import Role
from iot_service.api.resources.routing import resource
from iot_service.customers.fields import Id, Line
from iot_service.customers.inputs import Input
from iot_service.registry import claims
from iot_service.registry.claims import ClaimKey

router = resource("claim_keys", Role.OPERATOR, keeps_answers=False)


class ClaimKeyInput(Input):
    """A claim key to be made: for devices of which product, whose they are at first, until when, and how many."""

    name: Line
    product: str
    customer_id: Id
    site_id: Id | None = None
    expires_at: AwareDatetime | None = None
    max_uses: Annotated[int, Field(ge=1, le=10_000_000)] | None = None


class FreshClaimKey(BaseModel):
    """A claim key just made: ``key`` is what it says, shown this once."""

    claim_key: ClaimKey
    key: str


@router.get("")
def list_claim_keys(connection: Transaction, paging: AtPage) -> Page[ClaimKey]:
    """List claim keys, newest first, revoked and expired ones too."""
    rows = claims.list_claim_keys(connection, before=paging.before, limit=paging.fetch)
    return paging.page(rows, lambda key: key.id)


@router.post("", status_code=201)
def create_claim_key(
    connection: Transaction, catalog: TheCatalog, principal: Current, now: Now, body: ClaimKeyInput
) -> FreshClaimKey:
    """Make a claim key."""
    text, made = claims.create_claim_key(
        connection, **body.model_dump(), catalog=catalog, actor=principal.actor, now=now
    )  # fmt: skip
    return FreshClaimKey(claim_key=made, key=text)


@router.delete("/{claim_key_id}")
def revoke_claim_key(connection: Transaction, principal: Current, now: Now, claim_key_id: BigId) -> ClaimKey:
    """End a claim key at once; devices that used it stay. To revoke it twice changes nothing."""
    return claims.revoke_claim_key(connection, claim_key_id, reason="asked for", actor=principal.actor, now=now)
