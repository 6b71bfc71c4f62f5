"""The commerce runner: orders whose time has come, and stocks that waited for a first report."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from iot_service import clock, logs
from iot_service.commerce import orders, stock, store
from iot_service.commerce.order import Order
from iot_service.db import Connection, Database
from iot_service.errors import NotFoundError
from iot_service.model.work import OrderState
from iot_service.products.catalog import Catalog

_log = logs.get(__name__)
_PARTNER = "simulated fulfilment"


Fulfilment = Literal["manual", "simulated"]
"""Who says that an order was shipped and delivered.

``manual``: whoever calls the API (an operator, a partner's integration). ``simulated``: nobody real; orders ship
half-way between being placed and ``deliver_by``, and arrive at ``deliver_by``. For demos and tests.
"""


class CommerceRunner:
    """Moves orders on. Any number may run: each order is held by one of them at a time."""

    def __init__(self, database: Database, catalog: Catalog, *, fulfilment: Fulfilment = "manual") -> None:
        self._database = database
        self._catalog = catalog
        self._simulated = fulfilment == "simulated"

    def run_once(self) -> int:
        """Do all that is due, each thing in a transaction of its own; return how many were done.

        Orders that were left for long (the clock was driven on) take every step that is due, one after the other.
        """
        done = self._start_counting()
        failed: list[int] = []
        while (order_id := self._next(failed)) is not None:
            done += order_id not in failed
        return done

    def _next(self, failed: list[int]) -> int | None:
        """Take one step of one due order; return its id (added to ``failed`` where that raised), None where none is."""
        order = None
        try:
            with self._database.transaction() as connection:
                now = clock.now()
                order = store.claim_due(connection, skipped=failed, now=now)
                if order is None:
                    return None
                self._move_on(connection, order, now)
        except Exception:  # a runner: one order that cannot be moved on must not stop the others
            if order is None:
                raise
            _log.exception("an order could not be moved on", action="order.failed", order_id=order.id)
            failed.append(order.id)
        return order.id

    def _move_on(self, connection: Connection, order: Order, now: datetime) -> None:
        if order.state is OrderState.PENDING:
            half_way = order.cancel_until + (order.deliver_by - order.cancel_until) / 2
            wake_at = half_way if self._simulated else None
            orders.place(connection, order.id, actor="service", now=now, wake_at=wake_at)
        elif not self._simulated:  # placed while fulfilment was simulated: from now on a person moves it on
            store.update_order(connection, order.id, order.state, wake_at=None, now=now)
        elif order.state is OrderState.PLACED:
            orders.ship(connection, order.id, actor=_PARTNER, now=now, wake_at=order.deliver_by)
        else:
            orders.deliver(connection, order.id, actor=_PARTNER, now=now)

    def _start_counting(self) -> int:
        started = 0
        with self._database.transaction() as connection:
            waiting = store.reported_since(connection)
        for device_id, consumable, product in waiting:
            try:
                with self._database.transaction() as connection:
                    started += stock.start_counting(
                        connection, device_id, consumable, product=product, catalog=self._catalog, now=clock.now()
                    )
            except NotFoundError as error:  # the catalog changed since
                _log.warning("a stock cannot be counted", action="stock.failed", device_id=device_id, error=str(error))
        return started
