"""What engage keeps in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from iot_service.db import Connection, load_queries
from iot_service.engage.case import StoredNeed
from iot_service.engage.proposal import Proposal
from iot_service.model.customer import Strategy
from iot_service.model.need import Need, NeedKind, NeedState, Severity
from iot_service.model.work import ProposalState, Slot

_QUERIES = load_queries("iot_service.engage")


def need(connection: Connection, need_id: int, *, lock: bool) -> StoredNeed | None:
    """Return one need, or None; ``lock`` holds it until the end of the transaction."""
    if lock:
        _QUERIES["lock_need"].first(connection, need_id=need_id)
    row = _QUERIES["need"].first(connection, need_id=need_id)
    if row is None:
        return None
    strategy, answered = row.pop("strategy"), row.pop("answered_severity")
    site_id, created_at = row.pop("site_id"), row.pop("created_at")
    kind, severity, state = NeedKind(row["kind"]), Severity(row["severity"]), NeedState(row["state"])
    found = Need(**{**row, "kind": kind, "severity": severity, "state": state})
    return StoredNeed(
        found, Strategy(strategy) if strategy else None, site_id, created_at, Severity(answered) if answered else None
    )


def set_strategy(connection: Connection, need_id: int, strategy: Strategy, *, reason: str) -> None:
    """Write how a need is met, and why."""
    _QUERIES["set_strategy"].run(connection, need_id=need_id, strategy=strategy, reason=reason)


def set_answered(connection: Connection, need_id: int) -> None:
    """Write that what was decided about a need holds for how bad it is now."""
    _QUERIES["set_answered"].run(connection, need_id=need_id)


def waiting_needs(connection: Connection, customer_id: str) -> list[int]:
    """Return the ids of a customer's open needs that nothing is under way for, oldest first."""
    return [row["id"] for row in _QUERIES["waiting_needs"].all(connection, customer_id=customer_id)]


def low_stocks(connection: Connection) -> list[int]:
    """Return the ids of open refill needs of devices that have an active subscription, oldest first."""
    return [row["id"] for row in _QUERIES["low_stocks"].all(connection)]


def order_settles(
    connection: Connection,
    device_id: str,
    consumable: str,
    *,
    delivered_since: datetime,
    cancelled_since: datetime,
) -> bool:
    """Return whether an order is under way, was delivered after the one or cancelled since the other instant (UTC)."""
    row = _QUERIES["order_that_settles"].first(
        connection,
        device_id=device_id,
        consumable=consumable,
        delivered_since=delivered_since,
        cancelled_since=cancelled_since,
    )
    return row is not None


def pending_order(connection: Connection, need_id: int, *, now: datetime) -> int | None:
    """Return the id of the order for a need that can still be cancelled at ``now`` (UTC), or None."""
    row = _QUERIES["pending_order"].first(connection, need_id=need_id, now=now)
    return row["id"] if row else None


def proposal(connection: Connection, proposal_id: int, *, lock: bool = False) -> Proposal | None:
    """Return one proposal, or None; ``lock`` holds it until the end of the transaction."""
    if lock:
        _QUERIES["lock_proposal"].first(connection, id=proposal_id)
    row = _QUERIES["proposal"].first(connection, id=proposal_id)
    if row is None:
        return None
    return Proposal(**{**row, "services": tuple(row["services"]), "state": ProposalState(row["state"])})


def claim_expired(connection: Connection, *, now: datetime) -> Proposal | None:
    """Hold and return an open proposal whose time is over at ``now`` (UTC); None where none is, or others have them."""
    row = _QUERIES["claim_expired"].first(connection, now=now)
    return proposal(connection, row["id"]) if row else None


def open_proposal(connection: Connection, need_id: int) -> int | None:
    """Return the id of the proposal for a need that waits for an answer, or None."""
    row = _QUERIES["open_proposal"].first(connection, need_id=need_id)
    return row["id"] if row else None


def insert_proposal(
    connection: Connection,
    need: Need,
    slot: Slot,
    *,
    services: Sequence[str],
    price: int,
    currency: str,
    expires_at: datetime,
    now: datetime,
) -> int:
    """Write an open proposal and return its id."""
    row = _QUERIES["insert_proposal"].one(
        connection,
        customer_id=need.customer_id,
        device_id=need.device_id,
        need_id=need.id,
        services=list(services),
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        workshop_id=slot.workshop_id,
        price=price,
        currency=currency,
        expires_at=expires_at,
        now=now,
    )
    return int(row["id"])


def update_proposal(
    connection: Connection, proposal_id: int, state: ProposalState, *, appointment_id: int | None, now: datetime
) -> None:
    """Write a proposal's next state, and the appointment that it led to."""
    _QUERIES["update_proposal"].run(connection, id=proposal_id, state=state, appointment_id=appointment_id, now=now)
