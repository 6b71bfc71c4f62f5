"""Orders: cancelled in time or not, placed, shipped, delivered, and counted once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from iot_service import clock
from iot_service.commerce import orders, stock
from iot_service.commerce.runner import CommerceRunner
from iot_service.db import Connection, Database
from iot_service.errors import ConflictError, NotFoundError
from iot_service.model.work import OrderState
from iot_service.products.catalog import load_catalog
from tests.factories import NOW, insert, make_home, make_subscription

CATALOG = load_catalog()
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def make_machine(connection: Connection, **subscription: Any) -> None:
    """A machine with 40 of 200 capsules, a cancel window of 24 h and a lead time of 3 days."""
    make_home(connection, id="coffee-1", product="coffee_machine", parameters={})
    make_subscription(connection, **subscription)
    insert(connection, "reading", device_id="coffee-1", metric="CapsuleCounter", ts=NOW, value=7, received_at=NOW)
    stock.set_initial(connection, "coffee-1", "capsules", 40, catalog=CATALOG, actor="ola", now=NOW)


def order(connection: Connection) -> int | None:
    agreed = orders.subscription(connection, "coffee-1", "capsules")
    assert agreed is not None
    return orders.create(connection, agreed, packs=4, need_id=None, reason="Stock is low.", actor="service", now=NOW)


def ordered(database: Database) -> int:
    with database.transaction() as connection:
        make_machine(connection)
        order_id = order(connection)
        assert order_id is not None
        return order_id


def level(connection: Connection) -> float | None:
    return stock.level(connection, "coffee-1", "capsules", catalog=CATALOG, now=clock.now()).quantity


def told(connection: Connection) -> list[str]:
    rows = connection.execute("SELECT type FROM event WHERE type LIKE 'order.%' ORDER BY id").fetchall()
    return [row["type"].partition(".")[2] for row in rows]


def test_an_order_says_what_when_and_until_when_it_can_be_cancelled(database: Database) -> None:
    order_id = ordered(database)
    with database.transaction() as connection:
        made = orders.get(connection, order_id, customer_id="anna")
        assert (made.packs, made.quantity, made.price, made.currency) == (4, 160, 79600, "NOK")
        assert (made.state, made.cancel_until, made.deliver_by) == (OrderState.PENDING, NOW + DAY, NOW + 4 * DAY)
        event = connection.execute("SELECT data, reason FROM event WHERE type = 'order.pending'").fetchone()
        assert event is not None
        assert event["data"]["cancel_until"] == (NOW + DAY).isoformat()
        assert event["reason"] == "Stock is low."


def test_one_order_is_under_way_per_device_and_consumable(database: Database) -> None:
    ordered(database)
    with database.transaction() as connection:
        assert order(connection) is None
        agreed = orders.subscription(connection, "coffee-1", "capsules")
        assert agreed is not None
        assert orders.packs_to_order(connection, agreed, catalog=CATALOG, now=NOW) == 0
        assert told(connection) == ["pending"]


def test_an_order_fills_the_stock_up_to_the_target(database: Database) -> None:
    with database.transaction() as connection:
        make_machine(connection)
        agreed = orders.subscription(connection, "coffee-1", "capsules")
        assert agreed is not None
        assert orders.packs_to_order(connection, agreed, catalog=CATALOG, now=NOW) == 4


def test_two_that_order_at_once_make_one_order(database: Database) -> None:
    with database.transaction() as connection:
        make_machine(connection)
    made: list[int | None] = []
    start = threading.Barrier(2)

    def run() -> None:
        start.wait()
        with database.transaction() as connection:
            made.append(order(connection))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one is None for one in made) == [False, True]


def test_an_order_is_cancelled_before_its_cancel_window_ends(database: Database) -> None:
    order_id = ordered(database)
    with database.transaction() as connection:
        for _ in range(2):
            in_time = NOW + DAY - timedelta(seconds=1)
            gone = orders.cancel(connection, order_id, customer_id="anna", actor="anna", now=in_time)
            assert gone.state is OrderState.CANCELLED
        assert told(connection) == ["pending", "cancelled"]
        assert order(connection) is not None
    clock.freeze(NOW + DAY)
    assert CommerceRunner(database, CATALOG, fulfilment="simulated").run_once() == 1


@pytest.mark.parametrize("fulfilment", ["nobody came yet", "placed"])
def test_a_cancellation_that_comes_too_late_says_since_when_and_what_can_be_done(
    database: Database, fulfilment: str
) -> None:
    order_id = ordered(database)
    clock.freeze(NOW + DAY)
    if fulfilment == "placed":
        assert CommerceRunner(database, CATALOG).run_once() == 1
    with (
        database.transaction() as connection,
        pytest.raises(
            ConflictError, match=r"too late .* until 2026-11-22 13:00 \(Europe/Oslo\).* pause the subscription"
        ),
    ):
        orders.cancel(connection, order_id, customer_id="anna", actor="anna", now=clock.now())


def test_simulated_fulfilment_ships_half_way_and_delivers_in_time(database: Database) -> None:
    ordered(database)
    runner = CommerceRunner(database, CATALOG, fulfilment="simulated")
    seen: list[tuple[str, float]] = []
    for hours in range(0, 4 * 24 + 1, 6):
        clock.freeze(NOW + hours * HOUR)
        runner.run_once()
        with database.transaction() as connection:
            row = connection.execute("SELECT state FROM supply_order").fetchone()
            assert row is not None
            seen += [(row["state"], hours / 24)] if not seen or seen[-1][0] != row["state"] else []
    assert seen == [("pending", 0.0), ("placed", 1.0), ("shipped", 2.5), ("delivered", 4.0)]
    with database.transaction() as connection:
        assert level(connection) == 200
        assert told(connection) == ["pending", "placed", "shipped", "delivered"]


def test_a_clock_that_jumps_takes_every_step_that_is_due(database: Database) -> None:
    ordered(database)
    clock.freeze(NOW + 10 * DAY)
    assert CommerceRunner(database, CATALOG, fulfilment="simulated").run_once() == 3
    with database.transaction() as connection:
        assert told(connection) == ["pending", "placed", "shipped", "delivered"]
        assert level(connection) == 200


def test_manual_fulfilment_waits_for_the_partners_word(database: Database) -> None:
    order_id = ordered(database)
    runner = CommerceRunner(database, CATALOG)
    clock.freeze(NOW + 10 * DAY)
    assert [runner.run_once(), runner.run_once()] == [1, 0]
    with database.transaction() as connection:
        with pytest.raises(ConflictError, match="has been placed, and has not been shipped yet"):
            orders.deliver(connection, order_id, actor="partner", now=clock.now())
        assert orders.ship(connection, order_id, actor="partner", now=clock.now()).state is OrderState.SHIPPED
        for _ in range(2):
            delivered = orders.deliver(connection, order_id, actor="partner", now=clock.now())
            assert delivered.state is OrderState.DELIVERED
        assert level(connection) == 200
        with pytest.raises(ConflictError, match="too late"):
            orders.cancel(connection, order_id, customer_id="anna", actor="anna", now=clock.now())


def test_an_order_is_not_placed_while_it_can_be_cancelled(database: Database) -> None:
    order_id = ordered(database)
    clock.freeze(NOW + DAY - HOUR)
    assert CommerceRunner(database, CATALOG, fulfilment="simulated").run_once() == 0
    with database.transaction() as connection, pytest.raises(ConflictError, match="can be cancelled until"):
        orders.place(connection, order_id, actor="service", now=clock.now())


def test_an_order_that_a_simulation_left_behind_waits_for_a_person(database: Database) -> None:
    ordered(database)
    clock.freeze(NOW + DAY)
    assert CommerceRunner(database, CATALOG, fulfilment="simulated").run_once() == 1
    clock.freeze(NOW + 10 * DAY)
    manual = CommerceRunner(database, CATALOG)
    assert [manual.run_once(), manual.run_once()] == [1, 0]
    with database.transaction() as connection:
        assert told(connection) == ["pending", "placed"]


def test_what_is_delivered_before_the_device_ever_reported_is_not_lost(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection, id="coffee-1", product="coffee_machine", parameters={})
        make_subscription(connection)
        stock.set_initial(connection, "coffee-1", "capsules", 10, catalog=CATALOG, actor="ola", now=NOW)
        order(connection)
    clock.freeze(NOW + 10 * DAY)
    runner = CommerceRunner(database, CATALOG, fulfilment="simulated")
    runner.run_once()
    with database.transaction() as connection:
        assert level(connection) is None
        at = clock.now()
        insert(connection, "reading", device_id="coffee-1", metric="CapsuleCounter", ts=at, value=900, received_at=at)
    runner.run_once()
    with database.transaction() as connection:
        assert level(connection) == 170


def test_another_customers_order_does_not_exist(database: Database) -> None:
    order_id = ordered(database)
    with database.transaction() as connection:
        with pytest.raises(NotFoundError):
            orders.get(connection, order_id, customer_id="bo")
        with pytest.raises(NotFoundError):
            orders.cancel(connection, order_id, customer_id="bo", actor="bo", now=NOW)


def test_a_broken_order_does_not_hold_up_the_others(database: Database) -> None:
    ordered(database)
    with database.transaction() as connection:
        connection.execute("ALTER TABLE supply_order ADD CHECK (state <> 'placed') NOT VALID")
    clock.freeze(NOW + DAY)
    assert CommerceRunner(database, CATALOG).run_once() == 0
    with database.transaction() as connection:
        assert told(connection) == ["pending"]
