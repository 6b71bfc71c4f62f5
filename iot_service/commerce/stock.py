"""How much of a consumable a device has left: what was supplied minus what its counters say was used.

The supply counter stands in the same coordinate as the usage counter: ``stock = supplied - counter``. So a rule needs
two numbers, and a usage counter that began anywhere does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from iot_service.commerce import store
from iot_service.db import Connection
from iot_service.db.events import record
from iot_service.errors import ConflictError, InvalidInputError, NotFoundError
from iot_service.model.event import Event, EventType
from iot_service.products.catalog import Catalog


@dataclass(frozen=True, slots=True)
class StockLevel:
    """The stock of one consumable of one device, in the consumable's unit.

    ``quantity`` is None while it is unknown: nobody said what was there, or the device did not report its counters
    yet. It may fall below zero, when more was used than we know to have been supplied. ``counted_at`` (UTC) is the
    oldest of the counters' newest readings.
    """

    device_id: str
    consumable: str
    quantity: float | None
    supplied: float | None
    used: float | None
    counted_at: datetime | None


def level(connection: Connection, device_id: str, consumable: str, *, catalog: Catalog, now: datetime) -> StockLevel:
    """Return the stock as of ``now`` (UTC). Raises NotFoundError for an unknown device or consumable."""
    product, _ = store.device(connection, device_id)
    return _level(connection, device_id, consumable, product=product, catalog=catalog, now=now)


def set_initial(
    connection: Connection,
    device_id: str,
    consumable: str,
    quantity: float,
    *,
    catalog: Catalog,
    actor: str,
    now: datetime,
) -> bool:
    """Say what a device had when we began to count; return False, with nothing changed, where that was said before.

    A device that has not reported its counters yet keeps the quantity until it does. Raises NotFoundError for an
    unknown device or consumable, InvalidInputError for a quantity below zero.
    """
    _check(quantity)
    store.lock_supply(connection, device_id, consumable)
    now_level = level(connection, device_id, consumable, catalog=catalog, now=now)
    if now_level.supplied is not None or store.waiting(connection, device_id, consumable) is not None:
        return False
    if now_level.used is None or now_level.counted_at is None:
        store.add_waiting(connection, device_id, consumable, quantity, now=now)
    else:
        supplied = now_level.used + quantity
        at = now_level.counted_at
        store.add_supply(connection, device_id, consumable, at=at, supplied=supplied, reason="initial", now=now)
    _record(connection, now_level, quantity, reason="The stock was counted for the first time", actor=actor, now=now)
    return True


def correct(
    connection: Connection,
    device_id: str,
    consumable: str,
    quantity: float,
    *,
    catalog: Catalog,
    actor: str,
    now: datetime,
) -> StockLevel:
    """Say what a device really has at ``now`` (UTC), and return the level that stands from then on.

    Raises ConflictError while the device has not reported its counters, NotFoundError for an unknown device or
    consumable, InvalidInputError for a quantity below zero.
    """
    _check(quantity)
    store.lock_supply(connection, device_id, consumable)
    before = level(connection, device_id, consumable, catalog=catalog, now=now)
    if before.used is None:
        raise ConflictError("The device has not reported how much it used yet; correct its stock once it has.")
    supplied = before.used + quantity
    store.add_supply(connection, device_id, consumable, at=now, supplied=supplied, reason="corrected", now=now)
    store.drop_waiting(connection, device_id, consumable)
    _record(connection, before, quantity, reason="The stock was counted and corrected", actor=actor, now=now)
    return level(connection, device_id, consumable, catalog=catalog, now=now)


def delivered(
    connection: Connection, device_id: str, consumable: str, quantity: float, *, order_id: int, now: datetime
) -> None:
    """Add what an order brought at ``now`` (UTC); where no stock is known yet, it waits for the first report."""
    store.lock_supply(connection, device_id, consumable)
    supplied = store.supplied(connection, device_id, consumable, now=now)
    if supplied is None:
        store.add_waiting(connection, device_id, consumable, quantity, now=now, order_id=order_id)
        return
    store.add_supply(
        connection,
        device_id,
        consumable,
        at=now,
        supplied=supplied + quantity,
        reason="delivered",
        order_id=order_id,
        now=now,
    )


def start_counting(
    connection: Connection, device_id: str, consumable: str, *, product: str, catalog: Catalog, now: datetime
) -> bool:
    """Let a quantity that waited for a device's report stand; return whether it did.

    It counts from what the counter was when the quantity was named, so a first report that holds old readings is right.
    """
    store.lock_supply(connection, device_id, consumable)
    waits = store.waiting(connection, device_id, consumable)
    metrics = _counters(product, consumable, catalog)
    if waits is None:
        return False
    quantity, since, order_id = waits
    first = store.counters_since(connection, device_id, metrics, since=since)
    if len(first) < len(metrics):
        return False
    store.add_supply(
        connection,
        device_id,
        consumable,
        at=max(at for at, _ in first.values()),
        supplied=quantity + sum(value for _, value in first.values()),
        reason="initial",
        order_id=order_id,
        now=now,
    )
    store.drop_waiting(connection, device_id, consumable)
    return True


def _level(
    connection: Connection, device_id: str, consumable: str, *, product: str, catalog: Catalog, now: datetime
) -> StockLevel:
    metrics = _counters(product, consumable, catalog)
    found = store.counters(connection, device_id, metrics, now=now)
    complete = all(metric in found for metric in metrics)
    used = sum(value for _, value in found.values()) if complete else None
    supplied = store.supplied(connection, device_id, consumable, now=now)
    return StockLevel(
        device_id=device_id,
        consumable=consumable,
        quantity=supplied - used if supplied is not None and used is not None else None,
        supplied=supplied,
        used=used,
        counted_at=min(at for at, _ in found.values()) if complete else None,
    )


def _counters(product: str, consumable: str, catalog: Catalog) -> tuple[str, ...]:
    model = catalog.products.get(product)
    if model is None or consumable not in model.consumables:
        raise NotFoundError(f"A product of the kind {product} uses no {consumable!r}.")
    return tuple(dict.fromkeys(model.consumables[consumable].counters))


def _check(quantity: float) -> None:
    if not (isfinite(quantity) and quantity >= 0):
        raise InvalidInputError("must be a number from 0 on", field="quantity")


def _record(
    connection: Connection, before: StockLevel, quantity: float, *, reason: str, actor: str, now: datetime
) -> None:
    _, customer_id = store.device(connection, before.device_id)
    record(
        connection,
        Event(
            type=EventType.STOCK_CORRECTED,
            at=now,
            subject_id=before.device_id,
            device_id=before.device_id,
            customer_id=customer_id,
            old=None if before.quantity is None else f"{before.quantity:g}",
            new=f"{quantity:g}",
            actor=actor,
            reason=f"{reason}: {quantity:g} of {before.consumable}.",
            data={"consumable": before.consumable, "quantity": quantity},
        ),
    )
