"""Orders under a subscription: pending (may be cancelled), placed, shipped, delivered, or cancelled."""

from __future__ import annotations

from datetime import datetime

from iot_service.commerce import stock, store
from iot_service.commerce.order import STEPS, Order, step
from iot_service.commerce.replenishment import order_quantity
from iot_service.db import Connection
from iot_service.db.events import record
from iot_service.errors import NotFoundError
from iot_service.model.event import Event, EventType
from iot_service.model.work import OrderState, Subscription
from iot_service.products.catalog import Catalog


def subscription(connection: Connection, device_id: str, consumable: str) -> Subscription | None:
    """Return the subscription of a device for a consumable, active or paused; None where there is none."""
    return store.subscription(connection, device_id, consumable)


def under_way(connection: Connection, device_id: str, consumable: str) -> int | None:
    """Return the id of the order that is pending, placed or shipped for a device and consumable, or None."""
    return store.open_order(connection, device_id, consumable)


def packs_to_order(connection: Connection, agreed: Subscription, *, catalog: Catalog, now: datetime) -> int:
    """Return how many packs would fill the stock up to the subscription's target now; 0 where one is under way.

    An unknown stock counts as empty: who asks, knows that something is missing.
    """
    if store.open_order(connection, agreed.device_id, agreed.consumable) is not None:
        return 0
    known = stock.level(connection, agreed.device_id, agreed.consumable, catalog=catalog, now=now).quantity
    return order_quantity(stock=known or 0.0, on_order=0.0, target_level=agreed.target_level, pack=agreed.pack_size)


def create(
    connection: Connection,
    agreed: Subscription,
    *,
    packs: int,
    need_id: int | None,
    reason: str,
    actor: str,
    now: datetime,
) -> int | None:
    """Order ``packs`` (above 0) under a subscription; return the order's id, or None where one is under way.

    It may be cancelled for the subscription's cancel window; then it is placed, and arrives within the lead time.
    """
    order_id = store.insert_order(connection, agreed, need_id=need_id, packs=packs, now=now)
    if order_id is None:
        return None
    order = _must(store.order(connection, order_id), None)
    _record(connection, order, EventType.ORDER_PENDING, old=None, reason=reason, actor=actor, now=now)
    return order_id


def get(connection: Connection, order_id: int, *, customer_id: str | None) -> Order:
    """Return one order; ``customer_id`` is who asks, None for an operator.

    Raises NotFoundError where there is none, or it is another customer's.
    """
    return _must(store.order(connection, order_id), customer_id)


def cancel(connection: Connection, order_id: int, *, customer_id: str | None, actor: str, now: datetime) -> Order:
    """Cancel a pending order before its cancel window ends, and return it; a cancelled one stays so.

    Raises NotFoundError, and ConflictError that says since when it is too late and what can still be done.
    """
    order = _must(store.order(connection, order_id, lock=True), customer_id)
    if order.state is OrderState.CANCELLED:
        return order
    reason = "The order was cancelled within its cancel window."
    return _go(connection, order, EventType.ORDER_CANCELLED, reason=reason, wake_at=None, actor=actor, now=now)


def place(
    connection: Connection, order_id: int, *, actor: str, now: datetime, wake_at: datetime | None = None
) -> Order:
    """Place an order whose cancel window has ended, and return it. Raises NotFoundError, ConflictError.

    ``wake_at`` (UTC) is when the runner moves it on; None where the fulfilment partner does.
    """
    order = _must(store.order(connection, order_id, lock=True), None)
    reason = "The cancel window ended, so the order was placed."
    return _go(connection, order, EventType.ORDER_PLACED, reason=reason, wake_at=wake_at, actor=actor, now=now)


def ship(connection: Connection, order_id: int, *, actor: str, now: datetime, wake_at: datetime | None = None) -> Order:
    """Record that a placed order was shipped, and return it; ``wake_at`` as for :func:`place`.

    Raises NotFoundError, ConflictError.
    """
    order = _must(store.order(connection, order_id, lock=True), None)
    reason = "The order was shipped."
    return _go(connection, order, EventType.ORDER_SHIPPED, reason=reason, wake_at=wake_at, actor=actor, now=now)


def deliver(connection: Connection, order_id: int, *, actor: str, now: datetime) -> Order:
    """Record that a shipped order arrived, add what it brought to the stock, once, and return it.

    A delivered one stays so. Raises NotFoundError, ConflictError.
    """
    order = _must(store.order(connection, order_id, lock=True), None)
    if order.state is OrderState.DELIVERED:
        return order
    reason = "The order was delivered."
    done = _go(connection, order, EventType.ORDER_DELIVERED, reason=reason, wake_at=None, actor=actor, now=now)
    stock.delivered(connection, order.device_id, order.consumable, order.quantity, order_id=order.id, now=now)
    return done


def _go(
    connection: Connection,
    order: Order,
    event: EventType,
    *,
    reason: str,
    wake_at: datetime | None,
    actor: str,
    now: datetime,
) -> Order:
    new = step(order, event, now=now)
    store.update_order(connection, order.id, new, wake_at=wake_at, now=now)
    _record(connection, order, event, old=order.state, reason=reason, actor=actor, now=now)
    return _must(store.order(connection, order.id), None)


def _record(
    connection: Connection,
    order: Order,
    event: EventType,
    *,
    old: OrderState | None,
    reason: str,
    actor: str,
    now: datetime,
) -> None:
    data = {
        "consumable": order.consumable,
        "packs": order.packs,
        "quantity": order.quantity,
        "price": order.price,
        "currency": order.currency,
        "cancel_until": order.cancel_until.isoformat(),
        "deliver_by": order.deliver_by.isoformat(),
    }
    record(
        connection,
        Event(
            type=event,
            at=now,
            subject_id=str(order.id),
            device_id=order.device_id,
            customer_id=order.customer_id,
            need_id=order.need_id,
            old=old,
            new=STEPS[event][1],
            actor=actor,
            reason=reason,
            data=data,
        ),
    )


def _must(order: Order | None, customer_id: str | None) -> Order:
    if order is None or customer_id not in {None, order.customer_id}:
        raise NotFoundError("There is no such order.")
    return order
