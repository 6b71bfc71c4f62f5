"""The page of a proposal: what is proposed, and one tap that accepts."""

from __future__ import annotations

from typing import Any

from iot_service.engage import proposals
from iot_service.links import LinkPurpose, Person
from iot_service.model.work import ProposalState
from iot_service.pages.store import QUERIES
from iot_service.pages.visit import Form, LinkedPage, Shown, Visit


def view(visit: Visit, proposal_id: int) -> dict[str, Any]:
    """Return one of the proposals put to her in words. Raises NotFoundError where it is not hers."""
    found = proposals.get(visit.connection, proposal_id, customer_id=visit.person_id)
    expired = found.state is ProposalState.OPEN and found.expires_at <= visit.now
    state = ProposalState.EXPIRED if expired else found.state
    need = QUERIES["need"].one(visit.connection, id=found.need_id)
    rule = need["product"], need["rule"], need["evidence"]
    return {
        "token": visit.token_for(LinkPurpose.PROPOSAL, proposal_id),
        "services": visit.services(found.services),
        "state": state.value,
        "open": state is ProposalState.OPEN,
        "when": visit.full(found.starts_at),
        "until": visit.full(found.expires_at),
        "message": visit.message(*rule),
        "advice": visit.advice(*rule),
        "device": visit.device(found.device_id),
        "workshop": visit.workshop(found.workshop_id),
        "price": visit.words.money(found.price, found.currency),
    }


def _show(visit: Visit) -> Shown:
    values = {"title": visit.say("proposal.title"), "proposal": view(visit, visit.link.subject_id)}
    return Shown("proposal.html", values)


def _accept(visit: Visit, _form: Form) -> str:
    proposals.accept(
        visit.connection,
        visit.link.subject_id,
        customer_id=visit.person_id,
        catalog=visit.catalog,
        actor=visit.actor,
        now=visit.now,
    )
    return "accepted"


def _decline(visit: Visit, _form: Form) -> str:
    proposals.decline(
        visit.connection, visit.link.subject_id, customer_id=visit.person_id, actor=visit.actor, now=visit.now
    )
    return "declined"


PAGE = LinkedPage(Person.CUSTOMER, _show, {"accept": _accept, "decline": _decline})
"""What a link of purpose PROPOSAL opens."""
