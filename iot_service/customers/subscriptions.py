"""The registry of subscriptions: which device is resupplied with what, on which terms."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from iot_service.customers.change import Change, change_of
from iot_service.customers.inputs import SubscriptionInput
from iot_service.db import Connection, load_queries
from iot_service.db.events import record
from iot_service.errors import InvalidInputError, NotFoundError
from iot_service.model.event import Event, EventType
from iot_service.model.work import Subscription, SubscriptionState
from iot_service.products.catalog import Catalog

_QUERIES = load_queries("iot_service.customers")


def put_subscription(
    connection: Connection, subscription: SubscriptionInput, *, catalog: Catalog, actor: str, now: datetime
) -> Change:
    """Create or change a subscription. ``initial_stock`` is not written here: see :func:`stock_is_known`.

    Its terms say how early to reorder, so rules judge the device at once.
    Raises InvalidInputError for an unknown device or consumable, a target below one pack, a second subscription for
    the same thing, and where the subscription is known for another device or consumable.
    """
    device = _QUERIES["device"].first(connection, id=subscription.device_id)
    if device is None:
        raise InvalidInputError(f"there is no device {subscription.device_id!r}; create it first", field="device_id")
    _check(connection, subscription, device["product"], catalog)
    values = subscription.model_dump(exclude={"initial_stock"})
    row = _QUERIES["put_subscription"].first(connection, **values, customer_id=device["customer_id"], now=now)
    change = change_of(row)
    if change is not Change.UNCHANGED:
        _QUERIES["wake_rules"].run(connection, device_id=subscription.device_id, now=now)
        event = Event(
            type=EventType.SUBSCRIPTION_CHANGED,
            at=now,
            subject_id=subscription.id,
            device_id=subscription.device_id,
            customer_id=device["customer_id"],
            new=subscription.state,
            reason=f"the subscription was {change}",
            actor=actor,
            data=subscription.model_dump(mode="json", exclude={"initial_stock"}),
        )
        record(connection, event)
    return change


def get_subscription(connection: Connection, subscription_id: str) -> Subscription:
    """Return one subscription. Raises NotFoundError."""
    row = _QUERIES["subscription"].first(connection, id=subscription_id)
    if row is None:
        raise NotFoundError(f"there is no subscription {subscription_id!r}")
    return _subscription(row)


def list_subscriptions(
    connection: Connection, *, customer_id: str | None, after: str | None, limit: int
) -> list[Subscription]:
    """Return up to ``limit`` subscriptions by id, those after ``after``, of one customer or of all."""
    rows = _QUERIES["subscriptions"].all(connection, customer_id=customer_id, after=after, limit=limit)
    return [_subscription(row) for row in rows]


def stock_is_known(connection: Connection, device_id: str, consumable: str) -> bool:
    """Return whether a device's stock has ever been stated; only where it has not does an initial stock count."""
    return bool(_QUERIES["stock_is_known"].one(connection, device_id=device_id, consumable=consumable)["known"])


def _check(connection: Connection, subscription: SubscriptionInput, product: str, catalog: Catalog) -> None:
    model = catalog.products.get(product)
    consumables = model.consumables if model else {}
    if subscription.consumable not in consumables:
        known = ", ".join(sorted(consumables)) or "none"
        raise InvalidInputError(
            f"a {product} uses no {subscription.consumable!r}; its consumables are: {known}", field="consumable"
        )
    if subscription.target_level < subscription.pack_size:
        raise InvalidInputError(f"must be at least one pack ({subscription.pack_size})", field="target_level")
    before = _QUERIES["subscription"].first(connection, id=subscription.id)
    for name in ("device_id", "consumable"):
        if before is not None and before[name] != getattr(subscription, name):
            raise InvalidInputError(
                f"a subscription keeps its {name}, here {before[name]!r}; choose another id", field=name
            )
    if subscription.state is not SubscriptionState.ENDED:
        what = {"device_id": subscription.device_id, "consumable": subscription.consumable, "id": subscription.id}
        other = _QUERIES["subscription_of_device"].first(connection, **what)
        if other is not None:
            raise InvalidInputError(
                f"subscription {other['id']!r} already supplies this device with it; end that one first",
                field="device_id",
            )


def _subscription(row: dict[str, Any]) -> Subscription:
    return Subscription(**{**row, "state": SubscriptionState(row["state"])})
