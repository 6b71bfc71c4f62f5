"""Orders: resupplies under a subscription; what a fulfilment partner reports comes in here."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from iot_service.api.auth import Current
from iot_service.api.dependencies import Now, Transaction
from iot_service.api.ids import BigId
from iot_service.api.paging import AtPage, Page
from iot_service.api.resources.routing import resource
from iot_service.api.store import QUERIES
from iot_service.commerce import orders
from iot_service.commerce.order import Order
from iot_service.model.work import OrderState

router = resource("orders")


class OrderOutput(BaseModel):
    """One order; ``price`` is for all packs, in minor units of ``currency``."""

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


@router.get("")
def list_orders(
    connection: Transaction,
    paging: AtPage,
    customer_id: str | None = None,
    device_id: str | None = None,
    state: OrderState | None = None,
) -> Page[OrderOutput]:
    """List orders, newest first."""
    filters = {"customer_id": customer_id, "device_id": device_id, "state": state}
    rows = QUERIES["orders"].all(connection, **filters, before=paging.before, limit=paging.fetch)
    return paging.page([OrderOutput(**row) for row in rows], lambda order: order.id)


@router.get("/{order_id}")
def get_order(connection: Transaction, order_id: BigId) -> OrderOutput:
    """Return one order."""
    return _output(orders.get(connection, order_id, customer_id=None))


@router.post("/{order_id}/ship")
def ship_order(connection: Transaction, principal: Current, now: Now, order_id: BigId) -> OrderOutput:
    """Record that a placed order was shipped."""
    return _output(orders.ship(connection, order_id, actor=principal.actor, now=now))


@router.post("/{order_id}/deliver")
def deliver_order(connection: Transaction, principal: Current, now: Now, order_id: BigId) -> OrderOutput:
    """Record that a shipped order arrived; what it brought is added to the stock."""
    return _output(orders.deliver(connection, order_id, actor=principal.actor, now=now))


@router.post("/{order_id}/cancel")
def cancel_order(connection: Transaction, principal: Current, now: Now, order_id: BigId) -> OrderOutput:
    """Cancel a pending order within its cancel window."""
    return _output(orders.cancel(connection, order_id, customer_id=None, actor=principal.actor, now=now))


def _output(order: Order) -> OrderOutput:
    return OrderOutput(**{name: getattr(order, name) for name in OrderOutput.model_fields})
