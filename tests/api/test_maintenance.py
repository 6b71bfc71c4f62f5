"""Planned maintenance through the API, and needs that the devices of a site share."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from iot_service.db import Database
from tests.api.callers import Callers, Headers
from tests.factories import NOW, make_device, make_home, make_need

HOUR = timedelta(hours=1)


@pytest.fixture
def operator(callers: Callers, database: Database) -> Headers:
    """An operator, who looks after two freezers at one site."""
    with database.transaction() as connection:
        make_home(connection)
        make_device(connection, id="freezer-2")
    return callers.operator


def asked(**over: Any) -> dict[str, Any]:
    return {"site_id": "anna-home", "ends_at": (NOW + HOUR).isoformat(), "reason": "compressor swap", **over}


def test_maintenance_is_planned_listed_and_ended(client: TestClient, operator: Headers) -> None:
    made = client.post("/v1/maintenance", json=asked(), headers=operator)
    assert made.status_code == 201, made.text
    window = made.json()
    assert (window["site_id"], window["device_id"], window["starts_at"]) == (
        "anna-home", None, NOW.isoformat().replace("+00:00", "Z"),
    )  # fmt: skip
    listed = client.get("/v1/maintenance", params={"device_id": "freezer-2", "ahead": True}, headers=operator).json()
    assert [item["id"] for item in listed["items"]] == [window["id"]]
    assert client.get(f"/v1/maintenance/{window['id']}", headers=operator).json() == window
    for _ in range(2):
        ended = client.delete(f"/v1/maintenance/{window['id']}", headers=operator)
        assert ended.status_code == 200
        assert ended.json()["ended_by"] == "token:1"
    assert client.get("/v1/maintenance", params={"ahead": True}, headers=operator).json()["items"] == []
    assert len(client.get("/v1/maintenance", headers=operator).json()["items"]) == 1


@pytest.mark.parametrize(
    ("over", "status", "field"),
    [
        ({"device_id": "freezer-1"}, 422, None),
        ({"site_id": None}, 422, None),
        ({"ends_at": NOW.isoformat()}, 422, "ends_at"),
        ({"reason": ""}, 422, "reason"),
        ({"site_id": "cabin"}, 404, None),
        ({"device": "freezer-1"}, 422, "device"),
    ],
)
def test_what_makes_no_sense_is_explained(
    client: TestClient, operator: Headers, over: dict[str, Any], status: int, field: str | None
) -> None:
    answer = client.post("/v1/maintenance", json=asked(**over), headers=operator)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (field is None) == ("errors" not in answer.json())


def test_a_need_that_others_are_part_of_says_on_how_many_devices_it_is(
    client: TestClient, operator: Headers, database: Database
) -> None:
    with database.transaction() as connection:
        shared = {"rule": "power_lost", "severity": "high", "site_id": "anna-home"}
        parent = make_need(connection, **shared)["id"]
        child = make_need(connection, **shared, device_id="freezer-2", parent_id=parent)["id"]
        alone = make_need(connection)["id"]
    need = client.get(f"/v1/needs/{parent}", headers=operator).json()
    assert (need["parent_id"], need["children"], need["devices"]) == (None, 1, 2)

    def ids(**asked: Any) -> list[int]:
        return [item["id"] for item in client.get("/v1/needs", params=asked, headers=operator).json()["items"]]

    assert ids(parent_id=parent) == ids(joined=True) == [child]
    assert ids(joined=False) == [alone, parent]
    assert client.get(f"/v1/needs/{alone}", headers=operator).json()["devices"] == 1
