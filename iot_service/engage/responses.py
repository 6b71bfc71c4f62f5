"""Responding to needs: decide, write why, and act; and stop what is no longer needed.

The caller gives the transaction. Whatever cannot be done falls back to waiting for her visit, with an event that says
why: nothing is dropped in silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from iot_service.booking import appointments, availability
from iot_service.commerce import orders
from iot_service.customers import consent
from iot_service.db import Connection
from iot_service.db.events import record
from iot_service.dispatch import jobs
from iot_service.engage import proposals, store
from iot_service.engage.case import Case, StoredNeed, make_case
from iot_service.engage.playbook import Action, Play, choose
from iot_service.engage.strategy import Decision, decide
from iot_service.errors import ConflictError
from iot_service.model.customer import Strategy
from iot_service.model.event import Event, EventType
from iot_service.model.need import NeedState, Severity
from iot_service.model.work import Subscription, SubscriptionState
from iot_service.products.catalog import Catalog

SETTLE = timedelta(hours=1)
"""How long after a delivery the rules have time to see the new stock before more is ordered."""

_ACTOR = "service"


@dataclass(frozen=True, slots=True)
class Terms:
    """The settings that responding takes: how far ahead is booked, how long a proposal stands and an answer takes."""

    booking_notice: timedelta
    proposal_expiry: timedelta
    answer_within: timedelta


@dataclass(frozen=True, slots=True)
class _Plan:
    """A case with what was decided about it; ``packs`` is what would be ordered."""

    case: Case
    decision: Decision
    play: Play
    subscription: Subscription | None
    packs: int


def respond(connection: Connection, need_id: int, *, catalog: Catalog, terms: Terms, now: datetime) -> None:
    """Respond to a need that has opened; one that is over by now, or was responded to before, is left alone."""
    stored = store.need(connection, need_id, lock=True)
    if stored is None or stored.need.state is not NeedState.OPEN or stored.strategy is not None:
        return
    plan = _plan(connection, make_case(stored, catalog), catalog=catalog, now=now)
    _act(connection, plan, terms=terms, now=now)


def escalate(
    connection: Connection,
    need_id: int,
    *,
    before: Severity | None,
    catalog: Catalog,
    terms: Terms,
    now: datetime,
) -> None:
    """Decide anew about a need that became worse, where the decision depends on how bad it is.

    ``before`` is how bad it was, for needs of which that was not kept. What is under way already goes on: the job of a
    technician who was sent says how bad it is now, and nobody is sent twice. A need that is over, was not responded to
    yet (then :func:`respond` takes it as it is) or was decided about as it is now is left alone.
    """
    stored = store.need(connection, need_id, lock=True)
    if stored is None or stored.need.state is not NeedState.OPEN or stored.strategy is None:
        return
    need, answered = stored.need, stored.answered or before
    if answered is None or not need.severity.is_worse_than(answered):
        return
    plan = _plan(connection, make_case(stored, catalog), catalog=catalog, now=now)
    then = choose(need.kind, answered, plan.case.place, plan.decision.strategy)
    under_way = jobs.worsen(connection, need_id, need.severity, now=now)
    if then == plan.play or (under_way and plan.play.action is Action.DISPATCH):
        store.set_answered(connection, need_id)
        return
    if plan.play.action is not Action.PROPOSE:
        reason = f"The need became worse: it is {need.severity} now."
        proposals.withdraw(connection, need_id, reason=reason, actor=_ACTOR, now=now)
    _act(connection, plan, terms=terms, now=now)


def reorder(connection: Connection, need_id: int, *, catalog: Catalog, now: datetime) -> bool:
    """Order for a refill need that is still open though nothing is under way; return whether that was so.

    That happens when a subscription was paused or full, or when a delivery did not lift the stock far enough. What
    the customer cancelled is not ordered again for the same need.
    """
    stored = store.need(connection, need_id, lock=True)
    if stored is None or stored.need.state is not NeedState.OPEN:
        return False
    case = make_case(stored, catalog)
    if case.consumable is None or store.order_settles(
        connection,
        case.need.device_id,
        case.consumable,
        delivered_since=now - SETTLE,
        cancelled_since=stored.created_at,
    ):
        return False
    plan = _plan(connection, case, catalog=catalog, now=now)
    if plan.play.action is not Action.ORDER or plan.packs == 0:
        return False
    _note(connection, stored, plan.decision.strategy, Action.ORDER, reason=_sentence(plan), now=now)
    _order(connection, plan, now=now)
    return True


def stop(connection: Connection, need_id: int, *, withdrawn: bool, now: datetime) -> None:
    """Stop what is open for a need that is over: its proposal, and its job unless somebody accepted that.

    An order goes on when the readings resolved the need: demand is a forecast, and an order that came and went with it
    would come too late. When a person ``withdrawn`` the need, an order that can still be cancelled is.
    """
    stored = store.need(connection, need_id, lock=True)
    if stored is None or stored.need.state is NeedState.OPEN:
        return
    reason = "A person withdrew the need." if withdrawn else "The need was resolved."
    proposals.withdraw(connection, need_id, reason=reason, actor=_ACTOR, now=now)
    jobs.call_off(connection, need_id, reason=reason, actor=_ACTOR, now=now)
    pending = store.pending_order(connection, need_id, now=now) if withdrawn else None
    if pending is not None:
        orders.cancel(connection, pending, customer_id=None, actor=_ACTOR, now=now)


def _plan(connection: Connection, case: Case, *, catalog: Catalog, now: datetime) -> _Plan:
    need = case.need
    agreement = consent.agreement(connection, need.customer_id, now=now)
    agreed = orders.subscription(connection, need.device_id, case.consumable) if case.consumable else None
    packs, price, currency = 0, None, "NOK"
    if agreed is not None and agreed.state is SubscriptionState.ACTIVE:
        packs = orders.packs_to_order(connection, agreed, catalog=catalog, now=now)
        price, currency = packs * agreed.price, agreed.currency
    elif case.service is not None:
        price, currency = case.service.price, case.service.currency
    decision = decide(
        need.kind, agreement, price=price, currency=currency, subscription=agreed.state if agreed else None
    )
    return _Plan(case, decision, choose(need.kind, need.severity, case.place, decision.strategy), agreed, packs)


def _act(connection: Connection, plan: _Plan, *, terms: Terms, now: datetime) -> None:
    stored, action, strategy = plan.case.stored, plan.play.action, plan.decision.strategy
    _note(connection, stored, strategy, action, reason=_sentence(plan), now=now)
    why_not: str | None = None
    if action is Action.DISPATCH:
        why_not = _dispatch(connection, plan, terms=terms, now=now)
    elif action is Action.BOOK:
        why_not = _book(connection, plan, terms=terms, now=now)
    elif action is Action.PROPOSE:
        why_not = _propose(connection, plan, terms=terms, now=now)
    elif action is Action.ORDER:
        why_not = _order(connection, plan, now=now)
    if why_not is not None:
        reason = f"What was meant to be done ({action}) could not be: {why_not} It waits for her visit."
        _note(connection, stored, Strategy.CURATE, Action.WAIT, reason=reason, old=strategy, now=now)


def _dispatch(connection: Connection, plan: _Plan, *, terms: Terms, now: datetime) -> str | None:
    site_id, service = plan.case.stored.site_id, plan.case.service
    if site_id is None or service is None:
        return "the device stands at no known site, so nobody can be sent there."
    jobs.plan(
        connection,
        plan.case.need,
        site_id=site_id,
        service=service,
        answer_within=terms.answer_within,
        reason=_sentence(plan),
        actor=_ACTOR,
        now=now,
    )
    return None


def _book(connection: Connection, plan: _Plan, *, terms: Terms, now: datetime) -> str | None:
    assert plan.case.service is not None, "the playbook books only where there is a service"
    try:
        appointments.book(
            connection,
            device_id=plan.case.need.device_id,
            services=[plan.case.service],
            earliest=now + terms.booking_notice,
            need_id=plan.case.need.id,
            reason=_sentence(plan),
            actor=_ACTOR,
            now=now,
        )
    except ConflictError as error:
        return str(error)
    return None


def _propose(connection: Connection, plan: _Plan, *, terms: Terms, now: datetime) -> str | None:
    assert plan.case.service is not None, "the playbook proposes only where there is a service"
    slots = availability.find(
        connection,
        device_id=plan.case.need.device_id,
        services=[plan.case.service],
        earliest=now + terms.booking_notice,
    )
    if not slots:
        return "No workshop has a free time for this."
    proposals.create(
        connection,
        plan.case.need,
        slots[0],
        service=plan.case.service,
        expires_at=min(now + terms.proposal_expiry, slots[0].starts_at),
        reason=_sentence(plan),
        actor=_ACTOR,
        now=now,
    )
    return None


def _order(connection: Connection, plan: _Plan, *, now: datetime) -> str | None:
    assert plan.subscription is not None, "only an active subscription leads to an order"
    if plan.packs == 0:
        return "an order is under way already, or no whole pack fits under the target level of the subscription."
    orders.create(
        connection,
        plan.subscription,
        packs=plan.packs,
        need_id=plan.case.need.id,
        reason=_sentence(plan),
        actor=_ACTOR,
        now=now,
    )
    return None


def _sentence(plan: _Plan) -> str:
    return f"{plan.decision.reason}; {plan.play.because}."


def _note(
    connection: Connection,
    stored: StoredNeed,
    strategy: Strategy,
    action: Action,
    *,
    reason: str,
    now: datetime,
    old: Strategy | None = None,
) -> None:
    need = stored.need
    store.set_strategy(connection, need.id, strategy, reason=reason)
    record(
        connection,
        Event(
            type=EventType.NEED_ENGAGED,
            at=now,
            subject_id=str(need.id),
            device_id=need.device_id,
            customer_id=need.customer_id,
            need_id=need.id,
            old=old or stored.strategy,
            new=strategy,
            actor=_ACTOR,
            reason=reason,
            data={"action": action, "strategy": strategy},
        ),
    )
