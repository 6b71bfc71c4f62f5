"""Rules over HTTP: put in force while the service runs, with all that is wrong said at once."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from iot_service.db import Database
from tests.api.callers import Callers, Headers
from tests.factories import make_home, make_need
from tests.rules.versions.changes import from_files, written

WARM = "/v1/rules/freezer/warm"


@pytest.fixture
def operator(callers: Callers) -> Headers:
    return callers.operator


def errors(answer: Any) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


def test_a_rule_is_put_and_shown_with_who_put_it(client: TestClient, operator: Headers) -> None:
    made = client.put(WARM, json=written(), headers=operator)
    assert made.status_code == 201
    again = client.put(WARM, json=written(**{"for": "5m"}), headers=operator)
    assert again.status_code == 200
    shown = client.get(WARM, headers=operator).json()
    assert shown == again.json()
    assert (shown["mode"], shown["hidden"], shown["in_force"]["version"]) == ("live", None, 2)
    assert shown["in_force"]["author"].startswith("token:")
    assert shown["in_force"]["spec"]["for"] == "5m"
    listed = client.get(f"{WARM}/versions", headers=operator).json()["items"]
    assert [(each["version"], each["change"]) for each in listed] == [(2, "changed"), (1, "added")]


def test_the_same_again_makes_no_version_and_a_key_is_answered_as_before(client: TestClient, operator: Headers) -> None:
    for _ in range(2):
        answer = client.put(WARM, json=written(), headers=operator | {"Idempotency-Key": "1"})
        assert answer.status_code == 201
    assert client.put(WARM, json=written(), headers=operator).json()["in_force"]["version"] == 1


def test_everything_that_is_wrong_is_named_by_its_field(client: TestClient, operator: Headers) -> None:
    spec = {**written(), "kind": "falt", "colour": "red", "for": "soon", "id": "hot"}
    found = errors(client.put(WARM, json=spec, headers=operator))
    assert set(found) >= {"kind", "colour", "for", "id"}
    assert found["id"] == "must be that of the address, 'warm'"
    spec = written(when="temprature > -60", service="freezer_repare")
    found = errors(client.put(WARM, json=spec, headers=operator))
    assert "did you mean 'freezer_repair'" in found["service"]
    assert "temprature" in found["when"]
    assert client.get(WARM, headers=operator).status_code == 404


def test_a_product_that_is_not_there_is_named(client: TestClient, operator: Headers) -> None:
    answer = client.put("/v1/rules/toaster/warm", json=written(), headers=operator)
    assert answer.status_code == 404
    assert "toaster" in answer.json()["detail"]


def test_modes_are_switched_and_a_rule_of_a_file_comes_back_when_that_of_the_api_goes(
    client: TestClient, operator: Headers, database: Database
) -> None:
    from_files(database, {"id": "warm"})
    put = client.put(WARM, json=written(when="temperature > -50"), params={"mode": "shadow"}, headers=operator).json()
    assert (put["mode"], put["in_force"]["source"], put["hidden"]["place"]) == ("shadow", "api", "own.rules.yaml")
    live = client.post(f"{WARM}/mode", json={"mode": "live"}, headers=operator).json()
    assert (live["mode"], live["in_force"]["version"], live["in_force"]["change"]) == ("live", 3, "mode")
    back = client.delete(WARM, headers=operator).json()
    assert (back["in_force"]["source"], back["in_force"]["version"], back["hidden"]) == ("file", 1, None)
    refused = client.delete(WARM, headers=operator)
    assert refused.status_code == 409
    assert "own.rules.yaml" in refused.json()["detail"]
    assert client.post(f"{WARM}/mode", json={"mode": "on"}, headers=operator).status_code == 422


def test_removed_rules_are_listed_when_they_are_asked_for(client: TestClient, operator: Headers) -> None:
    for rule in ("warm", "cold"):
        client.put(f"/v1/rules/freezer/{rule}", json=written(), headers=operator)
    client.delete(WARM, headers=operator)
    listed = client.get("/v1/rules", params={"product": "freezer"}, headers=operator).json()["items"]
    assert [rule["rule"] for rule in listed] == ["cold"]
    first = client.get("/v1/rules", params={"removed": True, "limit": 1}, headers=operator).json()
    rest = client.get(
        "/v1/rules", params={"removed": True, "limit": 1, "cursor": first["next_cursor"]}, headers=operator
    ).json()  # fmt: skip
    assert [rule["rule"] for rule in first["items"] + rest["items"]] == ["cold", "warm"]
    assert rest["items"][0]["in_force"] is None
    assert rest["next_cursor"] is None


def test_only_operators_see_and_change_rules(client: TestClient, callers: Callers) -> None:
    assert client.get("/v1/rules", headers=callers.integration).status_code == 403
    assert client.put(WARM, json=written(), headers=callers.integration).status_code == 403


def test_a_need_tells_the_version_of_its_rule(client: TestClient, callers: Callers, database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        make_need(connection, rule_version=3)
    (need,) = client.get("/v1/needs", headers=callers.integration).json()["items"]
    assert need["rule_version"] == 3


def test_what_a_rule_found_in_shadow_is_listed(client: TestClient, operator: Headers, database: Database) -> None:
    from iot_service import clock
    from tests.rules.telemetry import START, series, store
    from tests.rules.versions.changes import judge, new_runner

    with database.transaction() as connection:
        make_home(connection)
        store(connection, "freezer-1", series(temperature="-55x2"))
    client.put(WARM, json=written(), params={"mode": "shadow"}, headers=operator)
    now = clock.now()
    judge([new_runner(database)], START.replace(hour=13))
    clock.freeze(now)
    (found,) = client.get(f"{WARM}/shadow_needs", headers=operator).json()["items"]
    assert (found["device_id"], found["state"], found["rule_version"]) == ("freezer-1", "open", 1)
    assert client.get("/v1/needs", headers=operator).json()["items"] == []
