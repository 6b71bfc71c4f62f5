"""Proposals: a time is put to a customer, and she accepts it, declines it, or lets it expire.

A proposal holds no resources, so the time may be gone when she answers; then she is told so, and the proposal stays.
Locks are taken in one order: the need, the proposal, the device.
"""

from __future__ import annotations

from datetime import datetime

from iot_service.booking import appointments
from iot_service.db import Connection
from iot_service.db.events import record
from iot_service.engage import store
from iot_service.engage.proposal import STEPS, WHY_NOT, Proposal, step
from iot_service.errors import ConflictError, NotFoundError
from iot_service.model.event import Event, EventType
from iot_service.model.need import Need, NeedState
from iot_service.model.work import ProposalState, Slot
from iot_service.products.catalog import Catalog
from iot_service.products.model import Service


def create(
    connection: Connection,
    need: Need,
    slot: Slot,
    *,
    service: Service,
    expires_at: datetime,
    reason: str,
    actor: str,
    now: datetime,
) -> int:
    """Put the time ``slot`` to the customer of a need that has no open proposal, and return the proposal's id."""
    proposal_id = store.insert_proposal(
        connection,
        need,
        slot,
        services=[service.id],
        price=service.price,
        currency=service.currency,
        expires_at=expires_at,
        now=now,
    )
    proposal = _must(store.proposal(connection, proposal_id), need.customer_id)
    _record(connection, proposal, EventType.PROPOSAL_SENT, reason=reason, actor=actor, now=now)
    return proposal_id


def get(connection: Connection, proposal_id: int, *, customer_id: str | None) -> Proposal:
    """Return one proposal; ``customer_id`` is who asks, None for an operator.

    Raises NotFoundError where there is none, or it is another customer's.
    """
    return _must(store.proposal(connection, proposal_id), customer_id)


def accept(
    connection: Connection, proposal_id: int, *, customer_id: str | None, catalog: Catalog, actor: str, now: datetime
) -> int:
    """Book what was proposed and return the appointment's id; to accept twice gives the same one.

    Raises NotFoundError, and ConflictError in words for her: the proposal or its need is over, or the time is taken.
    """
    proposal = _lock(connection, proposal_id, customer_id)
    if proposal.state is ProposalState.ACCEPTED and proposal.appointment_id is not None:
        return proposal.appointment_id
    step(proposal, EventType.PROPOSAL_ACCEPTED, now=now)
    need = store.need(connection, proposal.need_id, lock=False)
    if need is None or need.need.state is not NeedState.OPEN:  # it ended, and nobody has taken the proposal back yet
        raise ConflictError(WHY_NOT[ProposalState.WITHDRAWN])
    unknown = [service for service in proposal.services if service not in catalog.services]
    if unknown:
        raise ConflictError("What was proposed is no longer offered; please call us.")
    booked = appointments.book(
        connection,
        device_id=proposal.device_id,
        services=[catalog.services[service] for service in proposal.services],
        earliest=proposal.starts_at,
        latest=proposal.starts_at,
        workshop_id=proposal.workshop_id,
        need_id=proposal.need_id,
        price=proposal.price,
        reason="The customer accepted the proposed time.",
        actor=actor,
        now=now,
    )
    reason = "The customer accepted the proposal."
    _go(
        connection,
        proposal,
        EventType.PROPOSAL_ACCEPTED,
        reason=reason,
        actor=actor,
        now=now,
        appointment_id=booked.id,
    )
    return booked.id


def decline(connection: Connection, proposal_id: int, *, customer_id: str | None, actor: str, now: datetime) -> None:
    """Record that she said no; the need waits for her visit. To decline twice changes nothing.

    Raises NotFoundError, and ConflictError in words for her where it was answered otherwise or is over.
    """
    proposal = _lock(connection, proposal_id, customer_id)
    if proposal.state is not ProposalState.DECLINED:
        reason = "The customer declined the proposal."
        _go(connection, proposal, EventType.PROPOSAL_DECLINED, reason=reason, actor=actor, now=now)


def withdraw(connection: Connection, need_id: int, *, reason: str, actor: str, now: datetime) -> bool:
    """Withdraw the open proposal of a need that the caller holds; return whether there was one."""
    proposal_id = store.open_proposal(connection, need_id)
    proposal = store.proposal(connection, proposal_id, lock=True) if proposal_id is not None else None
    if proposal is None or proposal.state is not ProposalState.OPEN:
        return False
    _go(connection, proposal, EventType.PROPOSAL_WITHDRAWN, reason=reason, actor=actor, now=now)
    return True


def expire_one(connection: Connection, *, actor: str, now: datetime) -> bool:
    """Let one open proposal expire whose time is over at ``now`` (UTC); return whether there was one."""
    proposal = store.claim_expired(connection, now=now)
    if proposal is None:
        return False
    reason = "The customer did not answer the proposal in time; it waits for her visit."
    _go(connection, proposal, EventType.PROPOSAL_EXPIRED, reason=reason, actor=actor, now=now)
    return True


def _go(
    connection: Connection,
    proposal: Proposal,
    event: EventType,
    *,
    reason: str,
    actor: str,
    now: datetime,
    appointment_id: int | None = None,
) -> None:
    new = step(proposal, event, now=now)
    store.update_proposal(connection, proposal.id, new, appointment_id=appointment_id, now=now)
    _record(connection, proposal, event, reason=reason, actor=actor, now=now, appointment_id=appointment_id)


def _record(
    connection: Connection,
    proposal: Proposal,
    event: EventType,
    *,
    reason: str,
    actor: str,
    now: datetime,
    appointment_id: int | None = None,
) -> None:
    old, new = STEPS[event]
    data = {
        "services": list(proposal.services),
        "workshop_id": proposal.workshop_id,
        "starts_at": proposal.starts_at.isoformat(),
        "ends_at": proposal.ends_at.isoformat(),
        "price": proposal.price,
        "currency": proposal.currency,
        "expires_at": proposal.expires_at.isoformat(),
    }
    if appointment_id is not None:
        data["appointment_id"] = appointment_id
    record(
        connection,
        Event(
            type=event,
            at=now,
            subject_id=str(proposal.id),
            device_id=proposal.device_id,
            customer_id=proposal.customer_id,
            need_id=proposal.need_id,
            old=old,
            new=new,
            actor=actor,
            reason=reason,
            data=data,
        ),
    )


def _lock(connection: Connection, proposal_id: int, customer_id: str | None) -> Proposal:
    seen = get(connection, proposal_id, customer_id=customer_id)
    store.need(connection, seen.need_id, lock=True)
    return _must(store.proposal(connection, proposal_id, lock=True), customer_id)


def _must(proposal: Proposal | None, customer_id: str | None) -> Proposal:
    if proposal is None or customer_id not in {None, proposal.customer_id}:
        raise NotFoundError("There is no such proposal.")
    return proposal
