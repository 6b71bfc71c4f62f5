"""The everyday use of the API: registering everything, reading it back, and acting on what the service found."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from iot_service import clock
from iot_service.db import Database, Jsonb
from iot_service.products.catalog import Catalog
from tests.api.callers import Callers, Headers
from tests.factories import NOW, insert
from tests.world import World, make_world

PLACE = {"latitude": 59.9, "longitude": 10.7}
REGISTRY: list[tuple[str, dict[str, Any]]] = [
    ("customers", {"id": "anna", "name": "Anna Berg", "phone": "+47 900 00 001", "email": "anna@example.com"}),
    ("sites", {"id": "home", "customer_id": "anna", "name": "Hjemme", "address": "Storgata 1", **PLACE}),
    ("devices", {"id": "coffee-1", "product": "coffee_machine", "customer_id": "anna", "site_id": "home", "name": "K"}),
    ("workshops", {"id": "oslo", "name": "Verksted", "address": "Veien 2", "products": ["car"], "bays": ["Bay 1"],
                   "opening_hours": {"mon": [["08:00", "16:00"]]}, "closed_on": ["2026-12-24"], **PLACE}),
    ("technicians", {"id": "kari", "name": "Kari", "skills": ["car"], "workshop_id": "oslo", **PLACE}),
    ("subscriptions", {"id": "caps", "device_id": "coffee-1", "consumable": "capsules", "pack_size": 40,
                       "target_level": 200, "cancel_window": "24h", "lead_time": "P3D", "price": 19900,
                       "initial_stock": 120}),
]  # fmt: skip


@pytest.fixture
def headers(callers: Callers) -> Headers:
    return callers.integration


@pytest.fixture
def world(database: Database, catalog: Catalog) -> World:
    clock.freeze(NOW)
    with database.transaction() as connection:
        return make_world(connection, catalog)


def test_everything_is_registered_read_back_and_listed(client: TestClient, headers: Headers) -> None:
    for name, body in REGISTRY:
        path = f"/v1/{name}/{body['id']}"
        assert client.put(path, json=body, headers=headers).status_code == 201, name
        assert client.put(path, json=body, headers=headers).status_code == 200, name
        read = client.get(path, headers=headers).json()
        for field in body.keys() - {"phone", "cancel_window", "initial_stock"}:
            assert read[field] == body[field], (name, field)
        assert [item["id"] for item in client.get(f"/v1/{name}", headers=headers).json()["items"]] == [body["id"]]
    assert client.get("/v1/customers/anna", headers=headers).json()["phone"] == "+4790000001"
    assert client.get("/v1/subscriptions/caps", headers=headers).json()["cancel_window"] == "P1D"


def test_a_body_belongs_to_its_address(client: TestClient, headers: Headers) -> None:
    answer = client.put("/v1/customers/bo", json=REGISTRY[0][1], headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "id")


def test_a_list_may_be_of_one_customer(client: TestClient, headers: Headers, world: World) -> None:
    for name in ("sites", "devices", "subscriptions", "needs", "appointments", "proposals", "jobs", "orders", "events"):
        annas = client.get(f"/v1/{name}", params={"customer_id": "anna"}, headers=headers).json()["items"]
        bos = client.get(f"/v1/{name}", params={"customer_id": "bo"}, headers=headers).json()["items"]
        assert annas, name
        assert bos == [], name


def test_what_a_customer_agreed_to_is_recorded(client: TestClient, headers: Headers, world: World) -> None:
    her = "/v1/customers/anna"
    consent = {"purpose": "service_data", "wording": "You may.", "source": "contract"}
    assert client.post(f"{her}/consents", json=consent, headers=headers).status_code == 200
    client.put(f"{her}/strategies/service", json={"strategy": "automate"}, headers=headers)
    mandate = {"kind": "service", "max_price": 500000, "cancel_window": "24h"}
    agreed = client.post(f"{her}/mandates", json=mandate, headers=headers).json()
    assert agreed == {
        "consents": ["service_data"],
        "strategies": {"service": "automate"},
        "mandates": [{"kind": "service", "max_price": 500000, "cancel_window": "P1D"}],
    }
    client.delete(f"{her}/mandates/service", headers=headers)
    after = client.delete(f"{her}/consents/service_data", headers=headers).json()
    assert (after["consents"], after["mandates"]) == ([], [])
    assert client.delete(f"{her}/consents/service_data", headers=headers).status_code == 404
    history = client.get(f"{her}/consents", headers=headers).json()
    assert [(entry["wording"], entry["revoked_at"]) for entry in history] == [("You may.", "2026-11-21T12:00:00Z")]
    events = client.get("/v1/events", params={"type": "consent.revoked"}, headers=headers).json()["items"]
    assert [(event["actor"].split(":")[0], event["customer_id"]) for event in events] == [("token", "anna")]


def test_a_devices_twin_is_read(client: TestClient, headers: Headers, world: World, database: Database) -> None:
    with database.transaction() as connection:
        insert(connection, "connection", device_id="freezer-1", online=True, since=NOW)
    path = "/v1/devices/freezer-1"
    twin = client.get(f"{path}/twin", headers=headers).json()
    assert (twin["online"], twin["readings"]) == (
        True, [{"metric": "temperature", "ts": "2026-11-21T12:00:00Z", "value": -55.0, "stale": False}],
    )  # fmt: skip
    assert (twin["stale"], twin["stale_since"]) == (False, None)
    letters = client.get(f"{path}/dead_letters", headers=headers).json()["items"]
    assert [(letter["reason"], letter["payload"]) for letter in letters] == [("not_json", "{")]


def test_the_twin_of_a_device_that_is_offline_is_stale_but_for_what_was_measured_since(
    client: TestClient, headers: Headers, world: World, database: Database
) -> None:
    earlier = NOW - timedelta(minutes=1)
    with database.transaction() as connection:
        insert(connection, "attribute", device_id="freezer-1", name="firmware", ts=earlier, value=Jsonb("2.1"),
               received_at=earlier)  # fmt: skip
        insert(connection, "connection", device_id="freezer-1", online=False, since=earlier)
    twin = client.get("/v1/devices/freezer-1/twin", headers=headers).json()
    assert (twin["online"], twin["stale"], twin["stale_since"]) == (False, True, "2026-11-21T11:59:00Z")
    assert [(value["metric"], value["stale"]) for value in twin["readings"]] == [("temperature", False)]
    assert [(value["name"], value["stale"]) for value in twin["attributes"]] == [("firmware", True)]


def test_a_need_is_read_with_evidence_and_events_and_answered(
    client: TestClient, headers: Headers, world: World
) -> None:
    path = f"/v1/needs/{world.need}"
    assert client.get(path, headers=headers).json()["evidence"] == {"temperature": -55.0}
    assert client.post(f"{path}/acknowledge", headers=headers).json()["acknowledged_by"].startswith("token:")
    until = {"until": "2026-11-22T12:00:00Z", "reason": "the part is ordered"}
    assert client.post(f"{path}/snooze", json=until, headers=headers).json()["snoozed_until"] == until["until"]
    past = until | {"until": "2026-11-20T12:00:00Z"}
    assert client.post(f"{path}/snooze", json=past, headers=headers).status_code == 422
    closed = client.post(f"{path}/withdraw", json={"reason": "measured by mistake"}, headers=headers).json()
    assert closed["state"] == "withdrawn"
    assert [event["type"] for event in closed["events"]] == ["need.acknowledged", "need.snoozed", "need.withdrawn"]
    assert client.post(f"{path}/withdraw", json={"reason": "again"}, headers=headers).status_code == 409


def test_a_device_is_taken_out_of_service_and_back(client: TestClient, headers: Headers, world: World) -> None:
    path = "/v1/devices/freezer-1/service_state"
    out = client.put(path, json={"state": "out_of_service", "reason": "defrosting"}, headers=headers)
    assert out.json()["service_state"] == "out_of_service"
    needs = client.get("/v1/needs", params={"device_id": "freezer-1"}, headers=headers).json()["items"]
    assert [need["state"] for need in needs] == ["withdrawn"]
    back = client.put(path, json={"state": "in_service", "reason": "defrosted"}, headers=headers)
    assert back.json()["service_state"] == "commissioning"


def test_an_appointment_is_moved_and_cancelled(client: TestClient, headers: Headers, world: World) -> None:
    path = f"/v1/appointments/{world.appointment}"
    slot = client.get(f"{path}/alternatives", headers=headers).json()[0]
    moved = client.post(f"{path}/move", json={"starts_at": slot["starts_at"]}, headers=headers).json()
    assert moved["starts_at"] == slot["starts_at"]
    night = client.post(f"{path}/move", json={"starts_at": "2026-11-24T02:00:00Z"}, headers=headers)
    assert (night.status_code, "not free" in night.json()["detail"]) == (409, True)
    assert client.post(f"{path}/cancel", headers=headers).json()["state"] == "cancelled"
    assert client.post(f"{path}/complete", headers=headers).status_code == 409


def test_a_proposal_is_accepted_for_a_customer_on_the_telephone(
    client: TestClient, headers: Headers, world: World
) -> None:
    accepted = client.post(f"/v1/proposals/{world.proposal}/accept", headers=headers).json()
    assert accepted["state"] == "accepted"
    booked = client.get(f"/v1/appointments/{accepted['appointment_id']}", headers=headers).json()
    assert booked["starts_at"] == accepted["starts_at"]
    assert client.post(f"/v1/proposals/{world.proposal}/decline", headers=headers).status_code == 409


def test_a_job_is_called_off(client: TestClient, headers: Headers, world: World) -> None:
    path = f"/v1/jobs/{world.job}"
    assert client.get(path, headers=headers).json()["technician_id"] == "kari"
    assert client.post(f"{path}/advance", json={"state": "en_route"}, headers=headers).status_code == 409
    assert client.post(f"{path}/advance", json={"state": "planned"}, headers=headers).status_code == 422
    called_off = client.post(f"{path}/cancel", json={"reason": "false alarm"}, headers=headers).json()
    assert called_off["state"] == "cancelled"


def test_an_order_is_cancelled_in_time_and_shipped_only_once_placed(
    client: TestClient, headers: Headers, world: World
) -> None:
    path = f"/v1/orders/{world.order}"
    assert client.post(f"{path}/ship", headers=headers).status_code == 409
    assert client.post(f"{path}/deliver", headers=headers).status_code == 409
    assert client.post(f"{path}/cancel", headers=headers).json()["state"] == "cancelled"
    assert client.get(path, headers=headers).json()["state"] == "cancelled"


def test_a_stock_is_corrected_once_the_machine_has_counted(
    client: TestClient, headers: Headers, world: World, database: Database
) -> None:
    path = "/v1/subscriptions/capsules-1/stock"
    assert client.put(path, json={"quantity": 30}, headers=headers).status_code == 409
    with database.transaction() as connection:
        insert(connection, "reading", device_id="coffee-1", metric="CapsuleCounter", ts=NOW, value=500, received_at=NOW)
    assert client.put(path, json={"quantity": 30}, headers=headers).json()["quantity"] == 30
    assert client.get(path, headers=headers).json()["supplied"] == 530


def test_a_customers_app_reads_its_inbox(client: TestClient, callers: Callers, world: World) -> None:
    her = callers.customer()
    message = client.get("/v1/inbox", headers=her).json()["items"][0]
    assert (message["subject"], message["read_at"]) == ("Hemmelig emne", None)
    assert client.post(f"/v1/inbox/{message['id']}/read", headers=her).status_code == 204
    assert client.get("/v1/inbox", headers=her).json()["items"][0]["read_at"] == "2026-11-21T12:00:00Z"
    assert client.get("/v1/inbox", headers=callers.customer("bo")).json()["items"] == []
