from __future__ import annotations

from typing import Any

import pytest

from iot_service.db import Connection
from iot_service.errors import ConflictError
from iot_service.products.catalog import Catalog
from iot_service.registry.aliases import add_alias
from iot_service.registry.new_device import NewDevice, mistakes
from iot_service.registry.register import register
from iot_service.registry.registrations import registration
from tests.registry.conftest import SAID


def freezer(**over: Any) -> NewDevice:
    values: dict[str, Any] = {"id": "freezer-1", "product": "freezer", "customer_id": "anna", "name": "Fryser"}
    return NewDevice(**{**values, **over})


def test_a_registered_device_has_all_that_one_needs(connection: Connection, catalog: Catalog) -> None:
    devices = [
        freezer(site_id="anna-home", parameters={"setpoint": -80.0}),
        freezer(id="coffee", product="coffee_machine"),
    ]
    secrets = register(connection, devices, catalog=catalog, **SAID)
    rows = connection.execute(
        "SELECT id, service_state, parameters, (SELECT count(*) FROM rule_state WHERE device_id = id) AS states, "
        "(SELECT array_agg(type || ' ' || actor || ' ' || reason) FROM event WHERE device_id = device.id) AS events "
        "FROM device ORDER BY id", {}
    ).fetchall()  # fmt: skip
    assert [tuple(row.values()) for row in rows] == [
        ("coffee", "in_service", {}, 1, ["device.in_service operator:1 a test"]),
        ("freezer-1", "commissioning", {"setpoint": -80.0}, 1, ["device.commissioning operator:1 a test"]),
    ]
    assert set(secrets) == {"freezer-1", "coffee"}
    assert all(len(secret) >= 30 for secret in secrets.values())


def test_a_secret_is_stored_as_a_salted_hash_only(connection: Connection, catalog: Catalog) -> None:
    secrets = register(connection, [freezer(), freezer(id="freezer-2")], catalog=catalog, **SAID)
    rows = connection.execute("SELECT secret_hash FROM device_credential ORDER BY device_id").fetchall()
    hashes = [row["secret_hash"] for row in rows]
    assert len({stored.split("$")[3] for stored in hashes}) == 2, "each has a salt of its own"
    everything = connection.execute("SELECT string_agg(event::text, ' ') AS events FROM event").fetchone()
    assert not any(secret in f"{hashes} {everything}" for secret in secrets.values())


def test_a_device_with_a_certificate_needs_no_secret(connection: Connection, catalog: Catalog) -> None:
    assert register(connection, [freezer()], catalog=catalog, **SAID, with_secrets=False) == {}
    assert registration(connection, "freezer-1").secret_issued_at is None


def test_an_id_that_is_taken_stays_with_who_has_it(connection: Connection, catalog: Catalog) -> None:
    register(connection, [freezer()], catalog=catalog, **SAID)
    with pytest.raises(ConflictError, match="freezer-1 is registered already"), connection.transaction():
        register(connection, [freezer(id="freezer-0"), freezer()], catalog=catalog, **SAID)
    assert connection.execute("SELECT count(*) AS n FROM device").fetchone() == {"n": 1}


def test_another_name_of_a_device_cannot_become_the_id_of_one(connection: Connection, catalog: Catalog) -> None:
    register(connection, [freezer()], catalog=catalog, **SAID)
    add_alias(connection, "freezer-1", "shelly-1", **SAID)
    assert [mistake.field for mistake in mistakes(connection, [freezer(id="shelly-1")], catalog)] == ["id"]
    with pytest.raises(ConflictError), connection.transaction():
        register(connection, [freezer(id="shelly-1")], catalog=catalog, **SAID)


@pytest.mark.parametrize(
    ("over", "field", "message"),
    [
        ({"id": "my freezer"}, "id", "is no id"),
        ({"id": "iot-service"}, "id", "the service's own name"),
        ({"name": "two\nlines"}, "name", "one line"),
        ({"product": "fridge"}, "product", "known are car, coffee_machine, freezer"),
        ({"customer_id": "bo"}, "customer_id", "create it first"),
        ({"site_id": "cabin"}, "site_id", "has no site"),
        ({"parameters": {"setpiont": 1.0}}, "parameters.setpiont", "known are"),
        ({"parameters": {"setpoint": float("nan")}}, "parameters.setpoint", "must be a number"),
    ],
)
def test_what_is_wrong_is_named_with_what_would_be_right(
    connection: Connection, catalog: Catalog, over: dict[str, Any], field: str, message: str
) -> None:
    found = mistakes(connection, [freezer(id="right"), freezer(**over)], catalog)
    assert [(mistake.place, mistake.field) for mistake in found] == [(1, field)]
    assert message in found[0].message
