"""A customer's visit to her page: what waits for her, and what she books or orders there herself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from iot_service.booking import appointments, availability
from iot_service.commerce import orders
from iot_service.db import Connection
from iot_service.engage import proposals, store
from iot_service.engage.case import Case, make_case
from iot_service.errors import ConflictError, NotFoundError
from iot_service.model.customer import Strategy
from iot_service.model.need import Need, NeedState
from iot_service.model.work import Slot, SubscriptionState
from iot_service.products.catalog import Catalog
from iot_service.products.model import Service

CURATED = 3
"""How many times are proposed to her who wants advice: one on each of so many days."""

FREE = 24
"""How many free times are shown to her who leads."""


@dataclass(frozen=True, slots=True)
class WaitingNeed:
    """A need that waits for its customer.

    ``slots`` are the times she can book ``service`` at (empty where it is not done in a workshop): with ``respond``
    the next free ones, otherwise one on each of the next free days. ``proposal_id`` is a proposal that she can still
    accept. ``packs`` is how much she can order, for ``order_price`` in minor units of ``currency``; 0 where nothing.
    """

    need: Need
    strategy: Strategy
    service: Service | None
    slots: tuple[Slot, ...]
    proposal_id: int | None
    packs: int = 0
    order_price: int = 0
    currency: str = "NOK"


def waiting(
    connection: Connection,
    customer_id: str,
    *,
    catalog: Catalog,
    now: datetime,
    notice: timedelta = appointments.NOTICE,
) -> list[WaitingNeed]:
    """Return the customer's open needs that nothing is under way for, oldest first.

    Times to book begin at ``now`` (UTC) + ``notice`` at the earliest. A service at a site is not booked here.
    """
    return [
        _waiting(connection, _case(connection, need_id, customer_id, catalog, lock=False), catalog, now, notice)
        for need_id in store.waiting_needs(connection, customer_id)
    ]


def book(
    connection: Connection,
    need_id: int,
    *,
    customer_id: str,
    starts_at: datetime,
    catalog: Catalog,
    actor: str,
    now: datetime,
    notice: timedelta = appointments.NOTICE,
) -> int:
    """Book the service for a need at ``starts_at`` (UTC, one of the free times) and return the appointment's id.

    It is at the workshop whose times :func:`waiting` shows with the same ``notice``. A proposal that was open for the
    need is withdrawn. Raises NotFoundError where it is no need of hers, and
    ConflictError, in words for her, where it is over, booked already, not for a workshop, or the time is not free.
    """
    case = _open(_case(connection, need_id, customer_id, catalog, lock=True))
    if case.service is None or case.service.place != "workshop":
        raise ConflictError("There is nothing to book in a workshop for this.")
    appointments.check_time(starts_at, now=now)
    nearest = availability.find(
        connection,
        device_id=case.need.device_id,
        services=[case.service],
        earliest=min(starts_at, now + notice),
    )
    if not nearest:
        raise ConflictError("No workshop has a free time for this; please call us, so that we find one together.")
    proposals.withdraw(connection, need_id, reason="The customer chose a time herself.", actor=actor, now=now)
    booked = appointments.book(
        connection,
        device_id=case.need.device_id,
        services=[case.service],
        earliest=starts_at,
        latest=starts_at,
        workshop_id=nearest[0].workshop_id,
        need_id=need_id,
        reason="The customer chose this time herself.",
        actor=actor,
        now=now,
    )
    return booked.id


def order(
    connection: Connection, need_id: int, *, customer_id: str, catalog: Catalog, actor: str, now: datetime
) -> int:
    """Order the refill for a need under her subscription, and return the order's id.

    Raises NotFoundError where it is no need of hers, and ConflictError, in words for her, where it is over, she has
    no subscription or a paused one, or nothing can be ordered now.
    """
    case = _open(_case(connection, need_id, customer_id, catalog, lock=True))
    agreed = orders.subscription(connection, case.need.device_id, case.consumable) if case.consumable else None
    if agreed is None or agreed.state is not SubscriptionState.ACTIVE:
        raise ConflictError("An order takes an active subscription: start one, or resume the one that is paused.")
    packs = orders.packs_to_order(connection, agreed, catalog=catalog, now=now)
    reason = "The customer ordered it herself."
    made = (
        orders.create(connection, agreed, packs=packs, need_id=need_id, reason=reason, actor=actor, now=now)
        if packs
        else None
    )
    if made is None:
        raise ConflictError("An order is on its way already, or there is no room for another pack.")
    return made


def _waiting(connection: Connection, case: Case, catalog: Catalog, now: datetime, notice: timedelta) -> WaitingNeed:
    strategy = case.stored.strategy or Strategy.RESPOND
    slots: list[Slot] = []
    if case.service is not None and case.service.place == "workshop":
        leads = strategy is Strategy.RESPOND
        slots = availability.find(
            connection,
            device_id=case.need.device_id,
            services=[case.service],
            earliest=now + notice,
            count=FREE if leads else CURATED,
            spread=not leads,
        )
    proposal_id = store.open_proposal(connection, case.need.id)
    agreed = orders.subscription(connection, case.need.device_id, case.consumable) if case.consumable else None
    if agreed is None or agreed.state is not SubscriptionState.ACTIVE:
        return WaitingNeed(case.need, strategy, case.service, tuple(slots), proposal_id)
    packs = orders.packs_to_order(connection, agreed, catalog=catalog, now=now)
    return WaitingNeed(
        case.need, strategy, case.service, tuple(slots), proposal_id, packs, packs * agreed.price, agreed.currency
    )


def _case(connection: Connection, need_id: int, customer_id: str, catalog: Catalog, *, lock: bool) -> Case:
    stored = store.need(connection, need_id, lock=lock)
    if stored is None or stored.need.customer_id != customer_id:
        raise NotFoundError("There is no such need.")
    return make_case(stored, catalog)


def _open(case: Case) -> Case:
    if case.need.state is not NeedState.OPEN:
        raise ConflictError("This is settled already; there is nothing left to do.")
    return case
