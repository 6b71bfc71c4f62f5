"""Overrides and groups over HTTP, and what they make of a device's rules."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from iot_service.db import Database
from tests.api.callers import Callers, Headers
from tests.factories import make_home

DEVICE = "/v1/rule_overrides/device/freezer-1/freezer"
BODY = {"values": {"for": "20m", "severity": "high"}, "reason": "vaccines"}


@pytest.fixture
def operator(callers: Callers, database: Database) -> Headers:
    with database.transaction() as connection:
        make_home(connection)
    return callers.operator


def rules_of(client: TestClient, operator: Headers) -> dict[str, Any]:
    answer = client.get("/v1/devices/freezer-1/rules", headers=operator)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return {**body, "rules": {rule["rule"]: rule for rule in body["rules"]}}


def test_an_override_is_put_shown_and_deleted(client: TestClient, operator: Headers) -> None:
    made = client.put(f"{DEVICE}/temperature_high", json=BODY, headers=operator)
    assert made.status_code == 200, made.text
    assert made.json()["values"] == BODY["values"]
    assert made.json()["author"].startswith("token:")
    (listed,) = client.get("/v1/rule_overrides?product=freezer", headers=operator).json()["items"]
    assert listed == made.json()
    assert client.get("/v1/rule_overrides?product=car", headers=operator).json()["items"] == []
    rule = rules_of(client, operator)["rules"]["temperature_high"]
    assert (rule["spec"]["for"], rule["spec"]["severity"], rule["enabled"]) == ("20m", "high", True)
    assert [each["field"] for each in rule["overridden"]] == ["for", "severity"]
    assert client.delete(f"{DEVICE}/temperature_high", headers=operator).status_code == 204
    assert rules_of(client, operator)["rules"]["temperature_high"]["overridden"] == []
    assert client.delete(f"{DEVICE}/temperature_high", headers=operator).status_code == 404


def test_overridden_parameters_say_where_they_come_from(client: TestClient, operator: Headers) -> None:
    body = {"values": {"band": 3}, "reason": "narrow"}
    assert client.put("/v1/rule_overrides/product/freezer/freezer", json=body, headers=operator).status_code == 200
    found = {each["name"]: each for each in rules_of(client, operator)["parameters"]}
    assert (found["band"]["value"], found["band"]["origin"], found["band"]["override"]["scope"]) == (
        3, "override", "product",
    )  # fmt: skip
    assert (found["alarm_offset"]["origin"], found["alarm_offset"]["override"]) == ("product model", None)
    assert client.delete("/v1/rule_overrides/product/freezer/freezer", headers=operator).status_code == 204


def test_all_that_is_wrong_is_answered_at_once(client: TestClient, operator: Headers) -> None:
    body = {"values": {"fro": "20m", "severity": "bad"}, "reason": "x"}
    answer = client.put(f"{DEVICE}/temperature_high", json=body, headers=operator)
    assert answer.status_code == 422
    assert {error["field"]: error["message"] for error in answer.json()["errors"]} == {
        "values.fro": "no such key; did you mean 'for'?",
        "values.severity": "Input should be 'low', 'normal', 'high' or 'critical'",
    }


def test_a_huge_number_is_no_parameter(client: TestClient, operator: Headers) -> None:
    answer = client.put(DEVICE, json={"values": {"band": 10**400}, "reason": "x"}, headers=operator)
    assert answer.status_code == 422


def test_a_group_is_put_filled_and_deleted(client: TestClient, operator: Headers) -> None:
    put = client.put("/v1/device_groups/cold", json={"name": "Cold", "devices": ["freezer-1"]}, headers=operator)
    assert put.status_code == 200, put.text
    assert [each["id"] for each in client.get("/v1/device_groups", headers=operator).json()["items"]] == ["cold"]
    address = "/v1/rule_overrides/group/cold/freezer/silent"
    assert client.put(address, json={"values": {"enabled": False}, "reason": "x"}, headers=operator).status_code == 200
    assert rules_of(client, operator)["rules"]["silent"]["enabled"] is False
    assert client.delete("/v1/device_groups/cold", headers=operator).status_code == 409
    assert client.delete(address, headers=operator).status_code == 204
    assert client.delete("/v1/device_groups/cold", headers=operator).status_code == 204
    assert client.get("/v1/device_groups/cold", headers=operator).status_code == 404


def test_overrides_are_listed_page_by_page(client: TestClient, operator: Headers) -> None:
    for rule in ("temperature_high", "silent", "power_lost"):
        body = {"values": {"severity": "low"}, "reason": "x"}
        assert client.put(f"{DEVICE}/{rule}", json=body, headers=operator).status_code == 200
    first = client.get("/v1/rule_overrides?limit=2", headers=operator).json()
    rest = client.get(f"/v1/rule_overrides?limit=2&cursor={first['next_cursor']}", headers=operator).json()
    listed = [each["rule"] for each in (*first["items"], *rest["items"])]
    assert (listed, rest["next_cursor"]) == (["temperature_high", "silent", "power_lost"], None)
