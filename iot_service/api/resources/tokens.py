"""API tokens: operators make and revoke them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel

from iot_service.api import tokens
from iot_service.api.dependencies import Now, Transaction
from iot_service.api.ids import BigId
from iot_service.api.paging import AtPage, Page
from iot_service.api.principal import Role
from iot_service.api.resources.routing import resource
from iot_service.api.store import QUERIES
from iot_service.customers.fields import Line
from iot_service.customers.inputs import Input
from iot_service.errors import InvalidInputError, NotFoundError

router = resource("tokens", Role.OPERATOR, keeps_answers=False)


class TokenInput(Input):
    """A token to be made: what for, what it may do, and until when. (A device has a secret of its own instead.)"""

    name: Line
    role: Literal[Role.OPERATOR, Role.INTEGRATION]
    expires_at: AwareDatetime | None = None


class TokenOutput(BaseModel):
    """A token, without what it says."""

    id: int
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class FreshToken(TokenOutput):
    """A token just made: ``token`` is shown this once."""

    token: str


@router.get("")
def list_tokens(connection: Transaction, paging: AtPage) -> Page[TokenOutput]:
    """List tokens, newest first, revoked and expired ones too."""
    rows = QUERIES["tokens"].all(connection, before=paging.before, limit=paging.fetch)
    return paging.page([TokenOutput(**row) for row in rows], lambda token: token.id)


@router.post("", status_code=201)
def create_token(connection: Transaction, now: Now, body: TokenInput) -> FreshToken:
    """Make a token."""
    if body.expires_at is not None and body.expires_at <= now:
        raise InvalidInputError("must lie ahead", field="expires_at")
    token, row = tokens.create(
        connection,
        name=body.name,
        role=Role(body.role),
        expires_at=body.expires_at,
        now=now,
    )
    return FreshToken(**row, token=token)


@router.delete("/{token_id}")
def revoke_token(connection: Transaction, now: Now, token_id: BigId) -> TokenOutput:
    """End a token at once; to revoke it twice changes nothing."""
    row = QUERIES["revoke_token"].first(connection, id=token_id, now=now)
    if row is None:
        raise NotFoundError(f"there is no token {token_id}")
    return TokenOutput(**row)
