"""A proposal, its states, and every step between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from iot_service.errors import ConflictError
from iot_service.model.event import EventType
from iot_service.model.work import ProposalState

STEPS: Mapping[EventType, tuple[ProposalState | None, ProposalState]] = {
    EventType.PROPOSAL_SENT: (None, ProposalState.OPEN),
    EventType.PROPOSAL_ACCEPTED: (ProposalState.OPEN, ProposalState.ACCEPTED),
    EventType.PROPOSAL_DECLINED: (ProposalState.OPEN, ProposalState.DECLINED),
    EventType.PROPOSAL_EXPIRED: (ProposalState.OPEN, ProposalState.EXPIRED),
    EventType.PROPOSAL_WITHDRAWN: (ProposalState.OPEN, ProposalState.WITHDRAWN),
}
"""All steps there are: the event, the state it happens in, and the state it leads to."""

WHY_NOT = {
    ProposalState.ACCEPTED: "This proposal has been accepted already; change the appointment instead.",
    ProposalState.DECLINED: "This proposal has been declined; your page shows the times that are free now.",
    ProposalState.EXPIRED: "This proposal has expired; your page shows the times that are free now.",
    ProposalState.WITHDRAWN: "This proposal is no longer needed.",
}
"""What the customer is told who answers a proposal in such a state."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A question put to a customer: this time at this workshop for these services (ids)?

    ``price`` is in minor units of ``currency``, for all services; it can be accepted before ``expires_at`` (UTC), and
    then ``appointment_id`` is what it led to.
    """

    id: int
    customer_id: str
    device_id: str
    need_id: int
    services: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    workshop_id: str
    price: int
    currency: str
    state: ProposalState
    expires_at: datetime
    appointment_id: int | None


def step(proposal: Proposal, event: EventType, *, now: datetime) -> ProposalState:
    """Return the state that ``event`` leads to at ``now`` (UTC).

    Raises ConflictError, in words for the customer, where it cannot happen any more.
    """
    allowed, new = STEPS[event]
    if proposal.state is not allowed:
        raise ConflictError(WHY_NOT[proposal.state])
    if event is EventType.PROPOSAL_ACCEPTED and proposal.expires_at <= now:
        raise ConflictError(WHY_NOT[ProposalState.EXPIRED])
    return new
