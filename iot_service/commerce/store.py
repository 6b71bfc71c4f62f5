"""What commerce keeps in the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from iot_service.commerce.order import Order
from iot_service.db import Connection, load_queries
from iot_service.errors import NotFoundError
from iot_service.model.work import OrderState, Subscription, SubscriptionState

_QUERIES = load_queries("iot_service.commerce")


def subscription(connection: Connection, device_id: str, consumable: str) -> Subscription | None:
    """Return the subscription of a device for a consumable, active or paused; None where there is none."""
    row = _QUERIES["subscription"].first(connection, device_id=device_id, consumable=consumable)
    return Subscription(**{**row, "state": SubscriptionState(row["state"])}) if row else None


def order(connection: Connection, order_id: int, *, lock: bool = False) -> Order | None:
    """Return one order, or None; ``lock`` holds it until the end of the transaction."""
    if lock:
        _QUERIES["lock_order"].first(connection, id=order_id)
    row = _QUERIES["order"].first(connection, id=order_id)
    return Order(**{**row, "state": OrderState(row["state"])}) if row else None


def claim_due(connection: Connection, *, skipped: Collection[int], now: datetime) -> Order | None:
    """Hold and return the order that has been due longest at ``now`` (UTC); None where none is, or others have them."""
    row = _QUERIES["claim_due"].first(connection, skipped=list(skipped), now=now)
    return order(connection, row["id"]) if row else None


def open_order(connection: Connection, device_id: str, consumable: str) -> int | None:
    """Return the id of the order that is under way for a device and consumable, or None."""
    row = _QUERIES["open_order"].first(connection, device_id=device_id, consumable=consumable)
    return row["id"] if row else None


def insert_order(
    connection: Connection, agreed: Subscription, *, need_id: int | None, packs: int, now: datetime
) -> int | None:
    """Write a pending order under a subscription; return its id, or None where one is under way."""
    cancel_until = now + agreed.cancel_window
    row = _QUERIES["insert_order"].first(
        connection,
        subscription_id=agreed.id,
        customer_id=agreed.customer_id,
        device_id=agreed.device_id,
        need_id=need_id,
        consumable=agreed.consumable,
        packs=packs,
        quantity=packs * agreed.pack_size,
        price=packs * agreed.price,
        currency=agreed.currency,
        cancel_until=cancel_until,
        deliver_by=cancel_until + agreed.lead_time,
        now=now,
    )
    return row["id"] if row else None


def update_order(
    connection: Connection, order_id: int, state: OrderState, *, wake_at: datetime | None, now: datetime
) -> None:
    """Write an order's next state, and when something is due by itself next (UTC; None: a person moves it on)."""
    _QUERIES["update_order"].run(connection, id=order_id, state=state, wake_at=wake_at, now=now)


def device(connection: Connection, device_id: str) -> tuple[str, str]:
    """Return a device's product and customer id. Raises NotFoundError."""
    row = _QUERIES["device_product"].first(connection, device_id=device_id)
    if row is None:
        raise NotFoundError(f"There is no device {device_id!r}.")
    return str(row["product"]), str(row["customer_id"])


def counters(
    connection: Connection, device_id: str, metrics: Sequence[str], *, now: datetime
) -> dict[str, tuple[datetime, float]]:
    """Return time and value of the newest reading of each counter as of ``now``, of those with any."""
    rows = _QUERIES["counters"].all(connection, device_id=device_id, metrics=list(metrics), now=now)
    return {row["metric"]: (row["ts"], row["value"]) for row in rows}


def counters_since(
    connection: Connection, device_id: str, metrics: Sequence[str], *, since: datetime
) -> dict[str, tuple[datetime, float]]:
    """Return time and value of each counter as it stood at ``since``, or of its first reading where that came later."""
    rows = _QUERIES["counters_since"].all(connection, device_id=device_id, metrics=list(metrics), since=since)
    return {row["metric"]: (row["ts"], row["value"]) for row in rows}


def supplied(connection: Connection, device_id: str, consumable: str, *, now: datetime) -> float | None:
    """Return the supply counter that stands at ``now`` (UTC), or None where nothing was ever supplied."""
    row = _QUERIES["newest_supply"].first(connection, device_id=device_id, consumable=consumable, now=now)
    return row["supplied"] if row else None


def lock_supply(connection: Connection, device_id: str, consumable: str) -> None:
    """Hold a device's supplies until the end of the transaction."""
    _QUERIES["lock_supply"].first(connection, device_id=device_id, consumable=consumable)


def add_supply(
    connection: Connection,
    device_id: str,
    consumable: str,
    *,
    at: datetime,
    supplied: float,
    reason: str,
    order_id: int | None = None,
    now: datetime,
) -> None:
    """Let the supply counter stand at ``supplied`` from ``at`` on (UTC), and let the rules judge the device again."""
    _QUERIES["insert_supply"].run(
        connection,
        device_id=device_id,
        consumable=consumable,
        at=at,
        supplied=supplied,
        reason=reason,
        order_id=order_id,
    )
    _QUERIES["wake_rules"].run(connection, device_id=device_id, at=now)


def add_waiting(
    connection: Connection,
    device_id: str,
    consumable: str,
    quantity: float,
    *,
    now: datetime,
    order_id: int | None = None,
) -> None:
    """Keep a quantity, true at ``now``, until the device first reports its counter; it adds to what waits already."""
    _QUERIES["add_waiting"].run(
        connection, device_id=device_id, consumable=consumable, quantity=quantity, now=now, order_id=order_id
    )


def waiting(connection: Connection, device_id: str, consumable: str) -> tuple[float, datetime, int | None] | None:
    """Return what waits for the device's first report: quantity, since when, newest order in it; None for nothing."""
    row = _QUERIES["waiting"].first(connection, device_id=device_id, consumable=consumable)
    return (row["quantity"], row["since"], row["order_id"]) if row else None


def reported_since(connection: Connection) -> list[tuple[str, str, str]]:
    """Return (device, consumable, product) where a quantity waits and the device has reported something."""
    rows = _QUERIES["all_waiting"].all(connection)
    return [(row["device_id"], row["consumable"], row["product"]) for row in rows]


def drop_waiting(connection: Connection, device_id: str, consumable: str) -> None:
    """Forget what waits: it has become a supply row."""
    _QUERIES["drop_waiting"].run(connection, device_id=device_id, consumable=consumable)
