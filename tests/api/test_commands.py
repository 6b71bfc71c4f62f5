"""Commands over the API."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from iot_service.commands.runner import CommandRunner
from iot_service.db import Database
from iot_service.products.catalog import Catalog
from tests.api.callers import Callers, Headers
from tests.commands.fake_publisher import FakePublisher
from tests.world import World, make_world


@pytest.fixture
def world(database: Database, catalog: Catalog) -> World:
    with database.transaction() as connection:
        return make_world(connection, catalog)


@pytest.fixture
def headers(callers: Callers) -> Headers:
    return callers.integration


def test_a_command_is_sent_looked_at_and_listed(
    client: TestClient, headers: Headers, world: World, database: Database
) -> None:
    body = {"name": "set_setpoint", "args": {"setpoint": -80}, "timeout": "45s", "retries": 1}
    made = client.post("/v1/devices/freezer-1/commands", json=body, headers=headers)
    assert made.status_code == 201
    command = made.json()
    assert made.headers["location"] == f"/v1/commands/{command['id']}"
    assert (command["state"], command["timeout"], command["retries"]) == ("queued", "PT45S", 1)
    assert command["created_by"].startswith("token:")
    broker = FakePublisher()
    CommandRunner(database, broker).run_once()
    assert broker.ids == [str(world.command)], "the earlier command has the turn"
    assert client.get(f"/v1/commands/{world.command}", headers=headers).json()["state"] == "sent"
    listed = client.get("/v1/devices/freezer-1/commands", headers=headers, params={"limit": 1}).json()
    assert [item["id"] for item in listed["items"]] == [command["id"]]
    rest = {"cursor": listed["next_cursor"], "state": "sent"}
    assert [item["id"] for item in client.get("/v1/devices/freezer-1/commands", headers=headers, params=rest).json()[
        "items"]] == [world.command]  # fmt: skip


def test_a_command_is_called_off(client: TestClient, headers: Headers, world: World) -> None:
    path = f"/v1/commands/{world.command}/cancel"
    cancelled = client.post(path, json={"reason": "wrong freezer"}, headers=headers).json()
    assert (cancelled["state"], cancelled["reason"]) == ("cancelled", "wrong freezer")
    assert client.post(path, json={"reason": "wrong freezer"}, headers=headers).status_code == 200
    assert client.post("/v1/commands/999/cancel", json={"reason": "wrong"}, headers=headers).status_code == 404


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("device", "body", "field"),
    [
        ("freezer-1", {"name": "defrsot"}, "name"),
        ("car-1", {"name": "defrost"}, "name"),
        ("freezer-1", {"name": "set_setpoint", "args": {"setpoint": 20}}, "args.setpoint"),
        ("freezer-1", {"name": "defrost", "args": {"hard": True}}, "args.hard"),
        ("freezer-1", {"name": "defrost", "timeout": "0s"}, "timeout"),
        ("freezer-1", {"name": "defrost", "retries": 99}, "retries"),
        ("freezer-1", {"name": "defrost", "when": "now"}, "when"),
    ],
)
def test_what_is_wrong_with_a_command_is_named(
    client: TestClient, headers: Headers, device: str, body: dict[str, object], field: str
) -> None:
    answer = client.post(f"/v1/devices/{device}/commands", json=body, headers=headers)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.usefixtures("world")
def test_a_command_that_is_sent_again_with_its_key_is_queued_once(client: TestClient, headers: Headers) -> None:
    keyed = headers | {"Idempotency-Key": "one"}
    path = "/v1/devices/freezer-1/commands"
    answers = [client.post(path, json={"name": "defrost"}, headers=keyed).json()["id"] for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(client.get(path, headers=headers).json()["items"]) == 2
