"""Proposals: what customers were asked, and what they said. They answer by link, or through this on their behalf."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from iot_service.api.auth import Current
from iot_service.api.dependencies import Now, TheCatalog, Transaction
from iot_service.api.ids import BigId
from iot_service.api.paging import AtPage, Page
from iot_service.api.resources.routing import resource
from iot_service.api.store import QUERIES
from iot_service.db import Connection
from iot_service.engage import proposals
from iot_service.errors import NotFoundError
from iot_service.model.work import ProposalState

router = resource("proposals")


class ProposalOutput(BaseModel):
    """One proposal; ``appointment_id`` is what came of it."""

    id: int
    customer_id: str
    device_id: str
    need_id: int
    services: list[str]
    starts_at: datetime
    ends_at: datetime
    workshop_id: str
    price: int
    currency: str
    state: ProposalState
    expires_at: datetime
    appointment_id: int | None


@router.get("")
def list_proposals(
    connection: Transaction,
    paging: AtPage,
    customer_id: str | None = None,
    device_id: str | None = None,
    state: ProposalState | None = None,
) -> Page[ProposalOutput]:
    """List proposals, newest first."""
    filters = {"customer_id": customer_id, "device_id": device_id, "state": state}
    rows = QUERIES["proposals"].all(connection, **filters, before=paging.before, limit=paging.fetch)
    return paging.page([ProposalOutput(**row) for row in rows], lambda proposal: proposal.id)


@router.get("/{proposal_id}")
def get_proposal(connection: Transaction, proposal_id: BigId) -> ProposalOutput:
    """Return one proposal."""
    return _proposal(connection, proposal_id)


@router.post("/{proposal_id}/accept")
def accept_proposal(
    connection: Transaction, catalog: TheCatalog, principal: Current, now: Now, proposal_id: BigId
) -> ProposalOutput:
    """Accept on the customer's behalf: she said so on the telephone."""
    proposals.accept(connection, proposal_id, customer_id=None, catalog=catalog, actor=principal.actor, now=now)
    return _proposal(connection, proposal_id)


@router.post("/{proposal_id}/decline")
def decline_proposal(connection: Transaction, principal: Current, now: Now, proposal_id: BigId) -> ProposalOutput:
    """Decline on the customer's behalf."""
    proposals.decline(connection, proposal_id, customer_id=None, actor=principal.actor, now=now)
    return _proposal(connection, proposal_id)


def _proposal(connection: Connection, proposal_id: int) -> ProposalOutput:
    row = QUERIES["proposal"].first(connection, id=proposal_id)
    if row is None:
        raise NotFoundError(f"there is no proposal {proposal_id}")
    return ProposalOutput(**row)
