"""Subscriptions: which device is resupplied with what, and its stock."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import Field

from iot_service.api.auth import Current
from iot_service.api.dependencies import Now, TheCatalog, Transaction
from iot_service.api.paging import AtPage, Page
from iot_service.api.resources.routing import resource, same_id, say
from iot_service.commerce import stock
from iot_service.commerce.stock import StockLevel
from iot_service.customers import subscriptions
from iot_service.customers.inputs import Input, SubscriptionInput
from iot_service.model.work import Subscription

router = resource("subscriptions")


class StockInput(Input):
    """What is really there, counted by a person, in units of the consumable."""

    quantity: Annotated[float, Field(ge=0)]


@router.get("")
def list_subscriptions(connection: Transaction, paging: AtPage, customer_id: str | None = None) -> Page[Subscription]:
    """List subscriptions by id, of one customer or of all."""
    rows = subscriptions.list_subscriptions(connection, customer_id=customer_id, after=paging.after, limit=paging.fetch)
    return paging.page(rows, lambda subscription: subscription.id)


@router.get("/{subscription_id}")
def get_subscription(connection: Transaction, subscription_id: str) -> Subscription:
    """Return one subscription."""
    return subscriptions.get_subscription(connection, subscription_id)


@router.put("/{subscription_id}")
def put_subscription(
    connection: Transaction,
    catalog: TheCatalog,
    principal: Current,
    now: Now,
    response: Response,
    subscription_id: str,
    body: SubscriptionInput,
) -> Subscription:
    """Create or change a subscription; an initial stock counts only where none is known yet."""
    same_id(subscription_id, body.id)
    change = subscriptions.put_subscription(connection, body, catalog=catalog, actor=principal.actor, now=now)
    say(response, change)
    known = subscriptions.stock_is_known(connection, body.device_id, body.consumable)
    if body.initial_stock is not None and not known:
        stock.set_initial(
            connection,
            body.device_id,
            body.consumable,
            body.initial_stock,
            catalog=catalog,
            actor=principal.actor,
            now=now,
        )
    return subscriptions.get_subscription(connection, subscription_id)


@router.get("/{subscription_id}/stock")
def get_stock(connection: Transaction, catalog: TheCatalog, now: Now, subscription_id: str) -> StockLevel:
    """Return what the device still holds: what was delivered, less what its counters say was used."""
    agreed = subscriptions.get_subscription(connection, subscription_id)
    return stock.level(connection, agreed.device_id, agreed.consumable, catalog=catalog, now=now)


@router.put("/{subscription_id}/stock")
def correct_stock(
    connection: Transaction,
    catalog: TheCatalog,
    principal: Current,
    now: Now,
    subscription_id: str,
    body: StockInput,
) -> StockLevel:
    """Correct the stock to what was counted."""
    agreed = subscriptions.get_subscription(connection, subscription_id)
    what = (agreed.device_id, agreed.consumable)
    stock.correct(connection, *what, body.quantity, catalog=catalog, actor=principal.actor, now=now)
    return stock.level(connection, *what, catalog=catalog, now=now)
