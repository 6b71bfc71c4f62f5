"""An order, its states, and every step between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from iot_service.errors import ConflictError
from iot_service.model.event import EventType
from iot_service.model.work import OrderState

STEPS: Mapping[EventType, tuple[OrderState | None, OrderState]] = {
    EventType.ORDER_PENDING: (None, OrderState.PENDING),
    EventType.ORDER_PLACED: (OrderState.PENDING, OrderState.PLACED),
    EventType.ORDER_SHIPPED: (OrderState.PLACED, OrderState.SHIPPED),
    EventType.ORDER_DELIVERED: (OrderState.SHIPPED, OrderState.DELIVERED),
    EventType.ORDER_CANCELLED: (OrderState.PENDING, OrderState.CANCELLED),
}
"""All steps there are: the event, the state it happens in, and the state it leads to."""

_NOW_IT_IS = {
    OrderState.PENDING: "it can still be cancelled, so it has not been placed yet",
    OrderState.PLACED: "it has been placed, and has not been shipped yet",
    OrderState.SHIPPED: "it is on its way",
    OrderState.DELIVERED: "it has been delivered",
    OrderState.CANCELLED: "it was cancelled",
}


@dataclass(frozen=True, slots=True)
class Order:
    """One resupply under a subscription.

    ``quantity`` is in units of the consumable, in ``packs`` whole packs; ``price`` is for all of them, in minor units
    of ``currency``. It can be cancelled before ``cancel_until`` and arrives by ``deliver_by``; ``wake_at`` is when
    something is due by itself (all UTC). ``time_zone`` is the customer's.
    """

    id: int
    subscription_id: str
    customer_id: str
    device_id: str
    need_id: int | None
    consumable: str
    packs: int
    quantity: int
    price: int
    currency: str
    state: OrderState
    cancel_until: datetime
    deliver_by: datetime
    wake_at: datetime | None
    time_zone: str


def step(order: Order, event: EventType, *, now: datetime) -> OrderState:
    """Return the state that ``event`` leads to at ``now`` (UTC).

    Raises ConflictError, in words for the customer, where it cannot happen: a cancellation that comes too late says
    since when, and what she can still do.
    """
    allowed, new = STEPS[event]
    if event is EventType.ORDER_CANCELLED and (order.state is not allowed or order.cancel_until <= now):
        raise ConflictError(_too_late(order))
    if order.state is not allowed:
        raise ConflictError(f"This order cannot be {new}: {_NOW_IT_IS[order.state]}.")
    if event is EventType.ORDER_PLACED and now < order.cancel_until:
        raise ConflictError(f"This order cannot be placed yet: it can be cancelled until {_local(order)}.")
    return new


def _too_late(order: Order) -> str:
    still = "You can pause the subscription, so that no other order follows, or return it unopened once it has arrived."
    if order.state is OrderState.DELIVERED:
        still = "You can return it unopened, or pause the subscription, so that no other order follows."
    return f"It is too late to cancel this order: that was possible until {_local(order)}. {still}"


def _local(order: Order) -> str:
    return f"{order.cancel_until.astimezone(ZoneInfo(order.time_zone)):%Y-%m-%d %H:%M} ({order.time_zone})"
