"""The registry of devices, and what it tells the rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from iot_service.customers.change import Change
from iot_service.customers.inputs import DeviceInput, SubscriptionInput
from iot_service.customers.store import put_device
from iot_service.customers.subscriptions import put_subscription
from iot_service.db import Connection, Database
from iot_service.products.catalog import load_catalog
from tests.factories import NOW, make_home

CATALOG = load_catalog()


def put(connection: Connection, **over: Any) -> Change:
    """Put the freezer of :func:`make_home` as it is, but for ``over``."""
    values: dict[str, Any] = {
        "id": "freezer-1", "product": "freezer", "customer_id": "anna", "site_id": "anna-home",
        "name": "Vaksinefryser", "parameters": {"setpoint": -70},
    }  # fmt: skip
    return put_device(connection, DeviceInput(**{**values, **over}), catalog=CATALOG, actor="test", now=NOW)


def wake_at(connection: Connection) -> object:
    row = connection.execute("SELECT wake_at FROM rule_state").fetchone()
    assert row is not None
    return row["wake_at"]


@pytest.mark.parametrize("before", [None, NOW + timedelta(hours=1)])
def test_rules_judge_a_device_with_other_parameters_at_once(database: Database, before: object) -> None:
    with database.transaction() as connection:
        make_home(connection)
        connection.execute("UPDATE rule_state SET wake_at = %s", [before])
        assert put(connection, name="Another name") is Change.CHANGED
        assert wake_at(connection) == before, "a name means nothing to rules"
        assert put(connection, parameters={"setpoint": -60}) is Change.CHANGED
        assert wake_at(connection) == NOW


def test_rules_judge_a_device_whose_subscription_changes_at_once(database: Database) -> None:
    terms: dict[str, Any] = {
        "id": "capsules-1", "device_id": "coffee-1", "consumable": "capsules", "pack_size": 40, "target_level": 200,
        "cancel_window": "24h", "lead_time": "3d", "price": 19900, "currency": "NOK",
    }  # fmt: skip
    with database.transaction() as connection:
        make_home(connection, id="coffee-1", product="coffee_machine", parameters={})
        for lead_time, woken in (("3d", NOW), ("3d", None), ("5d", NOW)):
            connection.execute("UPDATE rule_state SET wake_at = NULL")
            subscription = SubscriptionInput(**{**terms, "lead_time": lead_time})
            put_subscription(connection, subscription, catalog=CATALOG, actor="test", now=NOW)
            assert wake_at(connection) == woken
