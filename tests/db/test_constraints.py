"""What the database itself makes impossible."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from iot_service.db import Database
from tests.factories import NOW, insert, make_home, make_need, make_subscription, make_workshop


def test_a_device_has_at_most_one_open_need_a_rule(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        make_need(connection, state="resolved", closed_at=NOW)
        make_need(connection)
    with pytest.raises(psycopg.errors.UniqueViolation, match="need_one_open"), database.transaction() as connection:
        make_need(connection)


def test_a_resource_cannot_be_booked_twice_at_the_same_time(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        make_workshop(connection)
        appointment = insert(
            connection, "appointment", customer_id="anna", device_id="freezer-1", workshop_id="oslo",
            services=["freezer_repair"], starts_at=NOW, ends_at=NOW + timedelta(hours=1), state="booked", price=0,
            currency="NOK", created_at=NOW, updated_at=NOW,
        )  # fmt: skip
        bay = connection.execute("SELECT id FROM resource").fetchone()
        assert bay is not None
        book = (
            "INSERT INTO resource_booking (resource_id, period, appointment_id)"
            " VALUES (%(bay)s, tstzrange(%(start)s, %(end)s), %(appointment)s)"
        )
        times = {"bay": bay["id"], "appointment": appointment["id"], "start": NOW, "end": NOW + timedelta(hours=1)}
        connection.execute(book, times)
        connection.execute(book, {**times, "start": times["end"], "end": NOW + timedelta(hours=2)})
    with pytest.raises(psycopg.errors.ExclusionViolation), database.transaction() as connection:
        connection.execute(book, {**times, "start": NOW + timedelta(minutes=59)})


def test_a_device_has_at_most_one_open_order_a_consumable(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection, id="coffee-1", product="coffee_machine")
        make_subscription(connection)
    values = {
        "subscription_id": "capsules-1", "customer_id": "anna", "device_id": "coffee-1", "consumable": "capsules",
        "packs": 1, "quantity": 40, "price": 100, "currency": "NOK", "cancel_until": NOW, "deliver_by": NOW,
        "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    with database.transaction() as connection:
        insert(connection, "supply_order", state="delivered", **values)
        insert(connection, "supply_order", state="shipped", **values)
    with pytest.raises(psycopg.errors.UniqueViolation), database.transaction() as connection:
        insert(connection, "supply_order", state="pending", **values)
