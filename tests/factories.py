"""Rows for tests, with defaults that make sense together and overrides by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import sql

from iot_service.db import Connection, Jsonb

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
"""A Saturday noon, the instant that most tests play at."""

OPENING_HOURS = {day: [["08:00", "16:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
"""Opening hours as a workshop keeps them: weekday to list of [opens, closes], local time."""


def insert(connection: Connection, table: str, **values: Any) -> dict[str, Any]:
    """Insert one row and return it."""
    columns = sql.SQL(", ").join(map(sql.Identifier, values))
    places = sql.SQL(", ").join(map(sql.Placeholder, values))
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING *").format(sql.Identifier(table), columns, places)
    row = connection.execute(statement, values).fetchone()
    assert row is not None
    return row


def make_customer(connection: Connection, **over: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "id": "anna", "name": "Anna Berg", "email": "anna@example.com", "phone": "+4790000001", "locale": "nb",
        "time_zone": "Europe/Oslo", "created_at": NOW,
    }  # fmt: skip
    return insert(connection, "customer", **{**values, **over})


def make_site(connection: Connection, **over: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "id": "anna-home", "customer_id": "anna", "name": "Hjemme", "address": "Storgata 1, 0155 Oslo",
        "latitude": 59.913, "longitude": 10.752, "time_zone": "Europe/Oslo",
    }  # fmt: skip
    return insert(connection, "site", **{**values, **over})


def make_device(connection: Connection, **over: Any) -> dict[str, Any]:
    """A device with its rule state row, as the registry makes them."""
    values: dict[str, Any] = {
        "id": "freezer-1", "product": "freezer", "customer_id": "anna", "site_id": "anna-home", "name": "Vaksinefryser",
        "service_state": "in_service", "parameters": {"setpoint": -70.0}, "created_at": NOW,
    }  # fmt: skip
    values |= over
    values["parameters"] = Jsonb(values["parameters"])
    row = insert(connection, "device", **values)
    insert(connection, "rule_state", device_id=row["id"])
    return row


def make_home(connection: Connection, **device: Any) -> dict[str, Any]:
    """A customer with a site and one device; returns the device."""
    make_customer(connection)
    make_site(connection)
    return make_device(connection, **device)


def make_workshop(connection: Connection, *, bays: tuple[str, ...] = ("Bay 1",), **over: Any) -> dict[str, Any]:
    """A workshop with its bays."""
    values: dict[str, Any] = {
        "id": "oslo", "name": "Verksted Oslo", "address": "Verkstedveien 2, 0275 Oslo", "phone": "+4722000000",
        "latitude": 59.92, "longitude": 10.69, "time_zone": "Europe/Oslo", "products": ["car"],
        "opening_hours": Jsonb(OPENING_HOURS),
    }  # fmt: skip
    row = insert(connection, "workshop", **{**values, **over})
    for bay in bays:
        insert(connection, "resource", kind="bay", workshop_id=row["id"], name=bay)
    return row


def make_technician(connection: Connection, *, workshop_id: str | None = None, **over: Any) -> dict[str, Any]:
    """A technician with the resource that bookings hold; ``workshop_id`` for one who works in a workshop."""
    values: dict[str, Any] = {
        "id": "kari", "name": "Kari Nordmann", "email": "kari@example.com", "phone": "+4790000101", "locale": "nb",
        "time_zone": "Europe/Oslo", "skills": ["refrigeration"], "latitude": 59.91, "longitude": 10.75,
    }  # fmt: skip
    values |= over
    resource = insert(connection, "resource", kind="technician", workshop_id=workshop_id, name=values["name"])
    return insert(connection, "technician", resource_id=resource["id"], **values)


def make_need(connection: Connection, **over: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "device_id": "freezer-1", "customer_id": "anna", "product": "freezer", "rule": "temperature_high",
        "kind": "fault", "severity": "critical", "state": "open", "opened_at": NOW, "created_at": NOW,
        "reason": "temperature -55.0 °C is above -60.0 °C since 10 min", "evidence": {"temperature": -55.0},
    }  # fmt: skip
    values |= over
    values["evidence"] = Jsonb(values["evidence"])
    return insert(connection, "need", **values)


def make_subscription(connection: Connection, **over: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "id": "capsules-1", "customer_id": "anna", "device_id": "coffee-1", "consumable": "capsules", "pack_size": 40,
        "target_level": 200, "cancel_window": timedelta(hours=24), "lead_time": timedelta(days=3), "price": 19900,
        "currency": "NOK", "state": "active", "created_at": NOW,
    }  # fmt: skip
    return insert(connection, "subscription", **{**values, **over})
