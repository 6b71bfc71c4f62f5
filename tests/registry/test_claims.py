from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from iot_service.db import Connection
from iot_service.errors import InvalidInputError, NotFoundError
from iot_service.model.device import DEVICE_ID
from iot_service.products.catalog import Catalog
from iot_service.registry import claims
from iot_service.registry.credentials import verify_device
from iot_service.registry.registrations import registration
from tests.factories import NOW
from tests.registry.conftest import SAID


def make_key(connection: Connection, catalog: Catalog, **over: Any) -> str:
    values: dict[str, Any] = {"name": "batch 7", "product": "freezer", "customer_id": "anna", "site_id": "anna-home"}
    values |= {"catalog": catalog, "actor": "operator:1", "now": NOW}
    text, _ = claims.create_claim_key(connection, **{**values, **over})
    return text


def claim(connection: Connection, catalog: Catalog, key: str, device_id: str = "freezer-1", **over: Any) -> str:
    values: dict[str, Any] = {"product": "freezer", "catalog": catalog, "now": NOW}
    return claims.claim(connection, key, device_id=device_id, **{**values, **over})


def test_a_device_claims_its_place_and_gets_a_secret_of_its_own(connection: Connection, catalog: Catalog) -> None:
    key = make_key(connection, catalog)
    secrets = {name: claim(connection, catalog, key, name) for name in ("freezer-1", "freezer-2")}
    assert len({key, *secrets.values()}) == 3
    assert all(verify_device(connection, name, secret) for name, secret in secrets.items())
    row = registration(connection, "freezer-1")
    assert (row.customer_id, row.site_id, row.product) == ("anna", "anna-home", "freezer")
    assert claims.list_claim_keys(connection, before=None, limit=9)[0].uses == 2
    logged = connection.execute("SELECT actor, reason FROM event WHERE device_id = 'freezer-1'").fetchall()
    assert [tuple(row.values()) for row in logged] == [("claim_key:1", "the device claimed its place")]


def test_a_second_claim_of_the_same_id_is_refused_and_on_record(connection: Connection, catalog: Catalog) -> None:
    key = make_key(connection, catalog, max_uses=5)
    secret = claim(connection, catalog, key)
    with pytest.raises(claims.AlreadyClaimedError):
        claim(connection, catalog, key)
    assert verify_device(connection, "freezer-1", secret)
    assert claims.list_claim_keys(connection, before=None, limit=9)[0].uses == 1
    logged = connection.execute("SELECT device_id, actor FROM event WHERE type = 'claim.refused'").fetchall()
    assert [tuple(row.values()) for row in logged] == [("freezer-1", "claim_key:1")]


def test_a_key_is_worth_nothing_once_it_is_used_up_expired_or_revoked(connection: Connection, catalog: Catalog) -> None:
    used = make_key(connection, catalog, max_uses=1)
    claim(connection, catalog, used)
    expired = make_key(connection, catalog, expires_at=NOW + timedelta(days=1))
    revoked = make_key(connection, catalog)
    newest = claims.list_claim_keys(connection, before=None, limit=1)[0]
    assert claims.revoke_claim_key(connection, newest.id, **SAID).revoked_at == NOW
    assert claims.revoke_claim_key(connection, newest.id, **SAID).revoked_at == NOW
    later = {"now": NOW + timedelta(days=1)}
    for key, over in ((used, {}), (expired, later), (revoked, {}), ("ck_made-up", {}), ("", {})):
        with pytest.raises(claims.ClaimRefusedError):
            claim(connection, catalog, key, "freezer-2", **over)
    with pytest.raises(claims.ClaimRefusedError):
        claim(connection, catalog, make_key(connection, catalog), "car-1", product="car")
    assert connection.execute("SELECT count(*) AS n FROM device").fetchone() == {"n": 1}
    assert connection.execute("SELECT count(*) AS n FROM event WHERE type = 'claim_key.revoked'").fetchone() == {"n": 1}


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"product": "fridge"}, "product"), ({"customer_id": "bo"}, "customer_id"), ({"site_id": "cabin"}, "site_id"),
        ({"expires_at": NOW}, "expires_at"), ({"max_uses": 0}, "max_uses"),
    ],
)  # fmt: skip
def test_a_key_that_could_never_work_is_not_made(
    connection: Connection, catalog: Catalog, over: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        make_key(connection, catalog, **over)
    assert caught.value.field == field


def test_an_id_that_cannot_be_is_refused_before_anything_else(connection: Connection, catalog: Catalog) -> None:
    with pytest.raises(InvalidInputError):
        claim(connection, catalog, make_key(connection, catalog), "freezer/1")
    with pytest.raises(NotFoundError):
        claims.revoke_claim_key(connection, 99, **SAID)


@pytest.mark.parametrize(
    ("serial", "begins"),
    [
        ("A-17_b", "freezer-A-17_b"),
        ("SN 12/34", "freezer-SN-12-34-"),
        ("SN 12-34", "freezer-SN-12-34-"),
        ("å" * 99, "f"),
    ],
)
def test_a_serial_number_makes_an_id_that_no_other_one_makes(serial: str, begins: str) -> None:
    made = claims.id_of_serial("freezer", serial)
    assert DEVICE_ID.fullmatch(made)
    assert made.startswith(begins)
    others = {claims.id_of_serial("freezer", other) for other in ("SN 12/34", "SN 12-34", "SN-12-34", "SN_12/34")}
    assert len(others) == 4


@pytest.mark.parametrize("serial", ["", "  ", "two\nlines", "x" * 101])
def test_what_is_no_serial_number_is_refused(serial: str) -> None:
    with pytest.raises(InvalidInputError):
        claims.id_of_serial("freezer", serial)
