from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from iot_service.db import Connection
from iot_service.errors import ConflictError, InvalidInputError, NotFoundError, ServiceError
from iot_service.model.device import ServiceState
from iot_service.registry import aliases, credentials, registrations
from tests.factories import NOW, make_customer, make_device, make_need, make_site, make_subscription
from tests.registry.conftest import SAID


def log(connection: Connection) -> list[tuple[Any, ...]]:
    rows = connection.execute("SELECT type, old, new, actor, reason FROM event ORDER BY id").fetchall()
    return [tuple(row.values()) for row in rows]


def test_devices_are_listed_by_customer_product_state_and_whether_they_are_disabled(connection: Connection) -> None:
    make_customer(connection, id="bo")
    make_device(connection)
    make_device(connection, id="car-1", product="car", service_state="out_of_service")
    make_device(connection, id="freezer-2", customer_id="bo", site_id=None)
    registrations.disable(connection, "car-1", **SAID)

    def ids(**wanted: Any) -> list[str]:
        return [row.id for row in registrations.registrations(connection, **{"limit": 10, **wanted})]

    assert ids() == ["car-1", "freezer-1", "freezer-2"]
    assert ids(after="car-1", limit=1) == ["freezer-1"]
    assert ids(customer_id="bo") == ["freezer-2"]
    assert ids(product="freezer", customer_id="anna") == ["freezer-1"]
    assert ids(state=ServiceState.OUT_OF_SERVICE) == ["car-1"]
    assert (ids(disabled=True), ids(disabled=False)) == (["car-1"], ["freezer-1", "freezer-2"])


def test_a_disabled_device_proves_itself_in_vain_until_it_is_enabled(connection: Connection) -> None:
    make_device(connection)
    secret = credentials.rotate(connection, "freezer-1", **SAID)
    registrations.disable(connection, "freezer-1", **SAID)
    assert registrations.registration(connection, "freezer-1").disabled_at == NOW
    assert not credentials.verify_device(connection, "freezer-1", secret)
    with pytest.raises(ConflictError, match="is disabled already"):
        registrations.disable(connection, "freezer-1", **SAID)
    registrations.enable(connection, "freezer-1", **SAID)
    assert credentials.verify_device(connection, "freezer-1", secret)
    assert log(connection) == [
        ("device.credentials_issued", None, None, "operator:1", "a test"),
        ("device.disabled", "enabled", "disabled", "operator:1", "a test"),
        ("device.enabled", "disabled", "enabled", "operator:1", "a test"),
    ]


def test_a_new_secret_takes_the_place_of_the_old_one(connection: Connection) -> None:
    make_device(connection)
    first, second = (credentials.rotate(connection, "freezer-1", **SAID) for _ in range(2))
    assert not credentials.verify_device(connection, "freezer-1", first)
    assert credentials.verify_device(connection, "freezer-1", second)
    for device_id, secret in (("freezer-1", ""), ("freezer-2", second), ("freezer-1", second + "x")):
        assert not credentials.verify_device(connection, device_id, secret)


def test_a_right_secret_is_looked_up_once_a_second(connection: Connection) -> None:
    at = 100.0
    cache = credentials.SecretCache(lambda: at)
    make_device(connection)
    secret = credentials.rotate(connection, "freezer-1", **SAID)
    assert credentials.verify_device(connection, "freezer-1", secret, cache=cache)
    registrations.disable(connection, "freezer-1", **SAID)
    assert credentials.verify_device(connection, "freezer-1", secret, cache=cache), "as it was a moment ago"
    assert not credentials.verify_device(connection, "freezer-1", "wrong", cache=cache)
    at += 1.1
    assert not credentials.verify_device(connection, "freezer-1", secret, cache=cache)


def test_a_device_moves_with_nothing_left_behind(connection: Connection) -> None:
    make_customer(connection, id="bo")
    make_site(connection, id="bo-work", customer_id="bo")
    make_device(connection)
    registrations.move(connection, "freezer-1", customer_id="bo", site_id="bo-work", **SAID)
    row = registrations.registration(connection, "freezer-1")
    assert (row.customer_id, row.site_id) == ("bo", "bo-work")
    registrations.move(connection, "freezer-1", customer_id="bo", site_id=None, **SAID)
    assert registrations.registration(connection, "freezer-1").site_id is None
    assert log(connection)[0] == ("device.moved", "anna", "bo", "operator:1", "a test")


def test_a_device_stays_while_something_is_under_way_with_its_customer(connection: Connection) -> None:
    make_customer(connection, id="bo")
    make_site(connection, id="anna-cabin")
    make_device(connection, id="coffee-1", product="coffee_machine")
    make_need(connection, device_id="coffee-1")
    make_subscription(connection)
    with pytest.raises(ConflictError, match="with anna there is still: 1 open need, 1 subscription; end that first"):
        registrations.move(connection, "coffee-1", customer_id="bo", site_id=None, **SAID)
    registrations.move(connection, "coffee-1", customer_id="anna", site_id="anna-cabin", **SAID)
    assert registrations.registration(connection, "coffee-1").site_id == "anna-cabin"


def test_a_name_stands_for_one_device(connection: Connection) -> None:
    make_device(connection)
    make_device(connection, id="freezer-2")
    aliases.add_alias(connection, "freezer-1", "plant/edge 1/pump", **SAID)
    aliases.add_alias(connection, "freezer-1", "plant/edge 1/pump", **SAID)
    assert registrations.registration(connection, "freezer-1").aliases == ("plant/edge 1/pump",)
    with pytest.raises(ConflictError, match="stands for freezer-1"):
        aliases.add_alias(connection, "freezer-2", "plant/edge 1/pump", **SAID)
    aliases.remove_alias(connection, "freezer-1", "plant/edge 1/pump", **SAID)
    aliases.add_alias(connection, "freezer-2", "plant/edge 1/pump", **SAID)
    assert [row[0] for row in log(connection)] == [
        "device.alias_added", "device.alias_removed", "device.alias_added",
    ]  # fmt: skip


Act = Callable[[Connection], object]


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda c: registrations.registration(c, "nobody"), NotFoundError),
        (lambda c: registrations.disable(c, "nobody", **SAID), NotFoundError),
        (lambda c: credentials.rotate(c, "nobody", **SAID), NotFoundError),
        (lambda c: aliases.remove_alias(c, "freezer-1", "nothing", **SAID), NotFoundError),
        (lambda c: aliases.add_alias(c, "freezer-1", " x", **SAID), InvalidInputError),
        (lambda c: aliases.add_alias(c, "freezer-1", "freezer-1", **SAID), ConflictError),
        (lambda c: registrations.disable(c, "freezer-1", **{**SAID, "reason": " "}), InvalidInputError),
        (lambda c: registrations.move(c, "freezer-1", customer_id="bo", site_id=None, **SAID), InvalidInputError),
        (lambda c: registrations.move(c, "freezer-1", customer_id="anna", site_id="x", **SAID), InvalidInputError),
        (lambda c: registrations.move(c, "freezer-1", customer_id="anna", site_id="anna-home", **SAID), ConflictError),
    ],
)
def test_what_cannot_be_done_is_refused(connection: Connection, act: Act, error: type[ServiceError]) -> None:
    make_device(connection)
    with pytest.raises(error):
        act(connection)
    assert log(connection) == []


def test_when_a_device_was_heard_of_is_when_its_newest_reading_was_measured(connection: Connection) -> None:
    make_device(connection)
    assert registrations.registration(connection, "freezer-1").heard_at is None
    heard = NOW - timedelta(minutes=1)
    connection.execute("UPDATE rule_state SET newest_ts = %s", [heard])
    assert registrations.registration(connection, "freezer-1").heard_at == heard
