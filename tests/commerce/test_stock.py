"""Stock: what was supplied, less what the counters say was used."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from iot_service import clock
from iot_service.commerce import stock
from iot_service.commerce.runner import CommerceRunner
from iot_service.db import Connection, Database
from iot_service.errors import ConflictError, InvalidInputError, NotFoundError
from iot_service.products.catalog import load_catalog
from tests.factories import NOW, insert, make_home

CATALOG = load_catalog()
HOUR = timedelta(hours=1)


def make_machine(connection: Connection) -> None:
    make_home(connection, id="coffee-1", product="coffee_machine", parameters={})


def count(connection: Connection, value: float, *, at: datetime = NOW) -> None:
    insert(connection, "reading", device_id="coffee-1", metric="CapsuleCounter", ts=at, value=value, received_at=at)


def level(connection: Connection, *, at: datetime = NOW) -> float | None:
    return stock.level(connection, "coffee-1", "capsules", catalog=CATALOG, now=at).quantity


def set_initial(connection: Connection, quantity: float, *, at: datetime = NOW) -> bool:
    return stock.set_initial(connection, "coffee-1", "capsules", quantity, catalog=CATALOG, actor="ola", now=at)


def correct(connection: Connection, quantity: float, *, at: datetime = NOW) -> stock.StockLevel:
    return stock.correct(connection, "coffee-1", "capsules", quantity, catalog=CATALOG, actor="anna", now=at)


def wake_at(connection: Connection) -> datetime | None:
    row = connection.execute("SELECT wake_at FROM rule_state WHERE device_id = 'coffee-1'").fetchone()
    assert row is not None
    found: datetime | None = row["wake_at"]
    return found


def test_stock_falls_as_the_counter_rises_wherever_it_began(database: Database) -> None:
    with database.transaction() as connection:
        make_machine(connection)
        count(connection, 5000)
        assert level(connection) is None
        assert set_initial(connection, 120)
        assert level(connection) == 120
        count(connection, 5030, at=NOW + HOUR)
        assert level(connection) == 120
        assert level(connection, at=NOW + HOUR) == 90


def test_an_initial_stock_is_set_once(database: Database) -> None:
    with database.transaction() as connection:
        make_machine(connection)
        assert set_initial(connection, 120)
        assert not set_initial(connection, 60)
        count(connection, 5000)
    clock.freeze(NOW)
    CommerceRunner(database, CATALOG).run_once()
    with database.transaction() as connection:
        assert not set_initial(connection, 60)
        assert level(connection) == 120


def test_a_stock_that_was_named_before_the_first_report_counts_from_that_report(database: Database) -> None:
    with database.transaction() as connection:
        make_machine(connection)
        set_initial(connection, 120)
    clock.freeze(NOW + 3 * HOUR)
    runner = CommerceRunner(database, CATALOG)
    assert runner.run_once() == 0
    with database.transaction() as connection:
        count(connection, 5000, at=NOW + HOUR)
        count(connection, 5020, at=NOW + 2 * HOUR)
        assert level(connection, at=clock.now()) is None
    assert runner.run_once() == 1
    assert runner.run_once() == 0
    with database.transaction() as connection:
        assert level(connection, at=clock.now()) == 100
        assert wake_at(connection) == clock.now()
        row = connection.execute("SELECT at, supplied, reason FROM supply").fetchone()
        assert row == {"at": NOW + HOUR, "supplied": 5120.0, "reason": "initial"}


def test_a_correction_stands_from_then_on_and_wakes_the_rules(database: Database) -> None:
    with database.transaction() as connection:
        make_machine(connection)
        count(connection, 5000)
        set_initial(connection, 120)
        count(connection, 5010, at=NOW + HOUR)
        assert correct(connection, 40, at=NOW + HOUR).quantity == 40
        assert level(connection) == 120  # what was known then
        event = connection.execute("SELECT old, new, actor FROM event ORDER BY id DESC LIMIT 1").fetchone()
        assert event == {"old": "110", "new": "40", "actor": "anna"}
        assert wake_at(connection) == NOW


def test_the_rules_are_never_woken_later_than_they_meant_to_wake(database: Database) -> None:
    with database.transaction() as connection:
        make_machine(connection)
        count(connection, 5000)
        connection.execute("UPDATE rule_state SET wake_at = %s", [NOW - HOUR])
        set_initial(connection, 120)
        assert wake_at(connection) == NOW - HOUR
        connection.execute("UPDATE rule_state SET wake_at = %s", [NOW + HOUR])
        correct(connection, 100)
        assert wake_at(connection) == NOW


def test_a_stock_cannot_be_corrected_before_the_device_has_reported(database: Database) -> None:
    with database.transaction() as connection:
        make_machine(connection)
        with pytest.raises(ConflictError, match="once it has"):
            correct(connection, 40)


@pytest.mark.parametrize("quantity", [-1.0, float("nan"), float("inf")])
def test_a_stock_is_a_number_from_zero_on(database: Database, quantity: float) -> None:
    with database.transaction() as connection:
        make_machine(connection)
        with pytest.raises(InvalidInputError):
            set_initial(connection, quantity)


def test_a_product_without_the_consumable_has_no_stock_of_it(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        for device in ("freezer-1", "coffee-9"):
            with pytest.raises(NotFoundError):
                stock.level(connection, device, "capsules", catalog=CATALOG, now=NOW)
