from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import Response
from starlette.testclient import TestClient

from iot_service import clock
from iot_service.api.app import create_app
from iot_service.config import Settings
from iot_service.db import Database
from iot_service.links import Links
from iot_service.products.catalog import Catalog
from iot_service.registry.credentials import verify_device
from tests.api.callers import Callers, Headers
from tests.factories import NOW, make_customer, make_need, make_site

FREEZER = {"id": "freezer-1", "product": "freezer", "customer_id": "anna", "name": "Fryser", "site_id": "anna-home"}
WHY = {"reason": "a test"}


@pytest.fixture
def anna(database: Database) -> None:
    with database.transaction() as connection:
        make_customer(connection)
        make_site(connection)


@pytest.fixture
def staff(callers: Callers, anna: None) -> Headers:
    return callers.integration


def verified(database: Database, device_id: str, secret: str) -> bool:
    with database.transaction() as connection:
        return verify_device(connection, device_id, secret)


def test_a_device_is_registered_and_its_secret_shown_once(
    client: TestClient, staff: Headers, database: Database
) -> None:
    made = client.post("/v1/devices", json=FREEZER, headers=staff | {"Idempotency-Key": "1"})
    assert made.status_code == 201
    assert made.json()["device"]["service_state"] == "commissioning"
    secret = made.json()["secret"]
    assert verified(database, "freezer-1", secret)
    assert client.post("/v1/devices", json=FREEZER, headers=staff).status_code == 409
    assert secret not in client.get("/v1/registrations/freezer-1", headers=staff).text
    with database.transaction() as connection:
        assert connection.execute("SELECT count(*) AS n FROM idempotency").fetchone() == {"n": 0}


def test_what_is_wrong_with_a_new_device_is_named_by_its_field(client: TestClient, staff: Headers) -> None:
    for over, field in (({"product": "fridge"}, "product"), ({"site_id": "x"}, "site_id"), ({"colour": 1}, "colour")):
        answer = client.post("/v1/devices", json={**FREEZER, **over}, headers=staff)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_a_csv_is_imported_as_a_whole(client: TestClient, staff: Headers, database: Database) -> None:
    def send(text: str) -> Response:
        headers = staff | {"Content-Type": "text/csv"}
        answer: Response = client.post("/v1/devices/import", content=text.encode(), headers=headers)
        return answer

    wrong = send("id,product,customer_id\nfreezer-1,freezer,anna\nfreezer-2,fridge,bo\n")
    assert wrong.status_code == 422
    assert "line:3: customer_id" in wrong.json()["detail"]
    assert "line:3: product" in wrong.json()["detail"]
    assert client.get("/v1/registrations", headers=staff).json()["items"] == []
    done = send("id,product,customer_id\nfreezer-1,freezer,anna\nfreezer-2,freezer,anna\n")
    assert (done.status_code, done.json()["devices"]) == (201, 2)
    assert all(verified(database, each["device_id"], each["secret"]) for each in done.json()["secrets"])


def test_a_disabled_device_is_out_of_service_and_alarms_nobody(
    client: TestClient, staff: Headers, database: Database
) -> None:
    secret = client.post("/v1/devices", json=FREEZER, headers=staff).json()["secret"]
    with database.transaction() as connection:
        connection.execute("UPDATE device SET service_state = 'in_service'")
        make_need(connection)
    answer = client.post("/v1/registrations/freezer-1/disable", json=WHY, headers=staff).json()
    assert (answer["service_state"], answer["disabled_at"] is None) == ("out_of_service", False)
    assert client.get("/v1/needs?state=open", headers=staff).json()["items"] == []
    assert not verified(database, "freezer-1", secret)
    assert client.post("/v1/registrations/freezer-1/disable", json=WHY, headers=staff).status_code == 409
    assert client.post("/v1/registrations/freezer-1/enable", json={}, headers=staff).status_code == 422
    assert client.post("/v1/registrations/freezer-1/enable", json=WHY, headers=staff).json()["disabled_at"] is None
    fresh = client.post("/v1/devices/freezer-1/rotate", json=WHY, headers=staff).json()["secret"]
    assert (verified(database, "freezer-1", secret), verified(database, "freezer-1", fresh)) == (False, True)


def test_a_device_moves_and_gets_other_names(client: TestClient, staff: Headers, database: Database) -> None:
    client.post("/v1/devices", json=FREEZER, headers=staff)
    with database.transaction() as connection:
        make_customer(connection, id="bo")
    moved = client.post("/v1/registrations/freezer-1/move", json=WHY | {"customer_id": "bo"}, headers=staff)
    assert (moved.json()["customer_id"], moved.json()["site_id"]) == ("bo", None)
    named = client.post("/v1/registrations/freezer-1/aliases", json=WHY | {"alias": "plant/edge"}, headers=staff)
    assert named.json()["aliases"] == ["plant/edge"]
    gone = client.delete("/v1/registrations/freezer-1/aliases/plant/edge", headers=staff)
    assert gone.json()["aliases"] == []
    listed = client.get("/v1/registrations?customer_id=bo&product=freezer&disabled=false", headers=staff).json()
    assert [row["id"] for row in listed["items"]] == ["freezer-1"]


def test_gateways_are_for_operators_who_see_their_secret_once(client: TestClient, callers: Callers) -> None:
    operator = callers.operator
    asked = {"id": "edge-1", "write": ["spBv1.0/plant/+/edge-1/#"], "read": ["spBv1.0/plant/NCMD/edge-1"]}
    assert client.post("/v1/gateways", json=asked, headers=callers.integration).status_code == 403
    made = client.post("/v1/gateways", json=asked, headers=operator).json()
    assert made["gateway"]["username"] == "gateway.edge-1"
    assert client.post("/v1/gateways", json=asked, headers=operator).status_code == 409
    wrong = client.post("/v1/gateways", json={"id": "x", "write": ["a\nuser iot-service"]}, headers=operator)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "write")
    changed = client.put("/v1/gateways/edge-1/topics", json=WHY | {"write": ["v1/gateway/#"]}, headers=operator)
    assert (changed.json()["write_topics"], changed.json()["read_topics"]) == (["v1/gateway/#"], [])
    fresh = client.post("/v1/gateways/edge-1/rotate", json=WHY, headers=operator).json()
    assert fresh["secret"] != made["secret"]
    assert client.post("/v1/gateways/edge-1/disable", json=WHY, headers=operator).json()["disabled_at"] is not None
    assert client.post("/v1/gateways/edge-1/enable", json=WHY, headers=operator).json()["disabled_at"] is None
    assert "secret" not in client.get("/v1/gateways", headers=operator).text


@pytest.fixture
def key(client: TestClient, callers: Callers, anna: None) -> str:
    asked = {"name": "batch", "product": "freezer", "customer_id": "anna", "max_uses": 2}
    text: str = client.post("/v1/claim_keys", json=asked, headers=callers.operator).json()["key"]
    return text


@pytest.fixture
def strict(database: Database, catalog: Catalog, links: Links, settings: Settings, anna: None) -> Iterator[TestClient]:
    """An installation that takes three claims from one address in five minutes."""
    app: FastAPI = create_app(
        database, catalog, links, settings.model_copy(update={"claims_per_address": 3}), stream_seconds=1.5
    )
    clock.freeze(NOW)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_a_device_registers_itself_once(client: TestClient, key: str, database: Database) -> None:
    asked: dict[str, Any] = {"claim_key": key, "product": "freezer", "device_id": "freezer-7"}
    made = client.post("/v1/claim", json=asked)
    assert made.status_code == 201
    assert verified(database, "freezer-7", made.json()["secret"])
    again = client.post("/v1/claim", json=asked)
    assert again.status_code == 409
    assert "secret" not in again.json()
    with database.transaction() as connection:
        events = connection.execute("SELECT count(*) AS n FROM event WHERE type = 'claim.refused'").fetchone()
    assert events == {"n": 1}
    by_serial = client.post("/v1/claim", json={"claim_key": key, "product": "freezer", "serial": "A-17"}).json()
    assert by_serial["device_id"] == "freezer-A-17"
    assert client.post("/v1/claim", json=asked | {"device_id": "freezer-8"}).status_code == 403


def test_every_refused_key_is_answered_alike(client: TestClient, key: str) -> None:
    asked = {"claim_key": key, "product": "freezer", "device_id": "freezer-7"}
    answers = [
        client.post("/v1/claim", json=asked | over)
        for over in ({"claim_key": "ck_wrong"}, {"product": "car"}, {"product": "fridge"})
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(403, answers[0].text)}


def test_a_claim_names_the_device_in_one_way(client: TestClient) -> None:
    both = {"claim_key": "x", "product": "freezer", "device_id": "a", "serial": "b"}
    for body in (both, {"claim_key": "x", "product": "freezer"}):
        assert client.post("/v1/claim", json=body).status_code == 422


def test_one_address_may_not_try_for_ever(strict: TestClient) -> None:
    asked = {"claim_key": "ck_wrong", "product": "freezer", "device_id": "freezer-7"}
    codes = [strict.post("/v1/claim", json=asked).status_code for _ in range(4)]
    assert codes == [403, 403, 403, 429]
    assert int(strict.post("/v1/claim", json=asked).headers["Retry-After"]) == 300
    clock.freeze(NOW + timedelta(minutes=5))
    assert strict.post("/v1/claim", json=asked).status_code == 403


def test_a_key_is_listed_without_what_it_says_and_can_be_revoked(
    client: TestClient, key: str, callers: Callers
) -> None:
    listed = client.get("/v1/claim_keys", headers=callers.operator)
    assert key not in listed.text
    number = listed.json()["items"][0]["id"]
    assert client.delete(f"/v1/claim_keys/{number}", headers=callers.operator).json()["revoked_at"] is not None
    asked = {"claim_key": key, "product": "freezer", "device_id": "freezer-7"}
    assert client.post("/v1/claim", json=asked).status_code == 403
