"""Services that were done, over the API."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from iot_service.db import Database
from iot_service.products.catalog import Catalog
from tests.api.callers import Callers, Headers
from tests.world import make_world


@pytest.fixture
def headers(callers: Callers, database: Database, catalog: Catalog) -> Headers:
    with database.transaction() as connection:
        make_world(connection, catalog)
    return callers.integration


def test_a_service_becomes_facts_about_the_device(client: TestClient, headers: Headers) -> None:
    body = {"service": "annual_service", "at": "2026-01-10T12:00:00Z", "readings": {"odometer": 12400}}
    made = client.post("/v1/devices/car-1/services", json=body, headers=headers)
    assert made.status_code == 200
    assert made.json() == [
        {"name": "annual_service_at", "at": "2026-01-10T12:00:00Z", "value": 20463.5},
        {"name": "annual_service_odometer", "at": "2026-01-10T12:00:00Z", "value": 12400.0},
    ]
    assert client.get("/v1/devices/car-1/facts", headers=headers).json() == made.json()


def test_a_service_without_a_plan_is_refused_by_field(client: TestClient, headers: Headers) -> None:
    answer = client.post("/v1/devices/car-1/services", json={"service": "tyre_check"}, headers=headers)
    assert answer.status_code == 422
    assert "service" in answer.text


def test_an_unknown_device_has_no_facts(client: TestClient, headers: Headers) -> None:
    assert client.get("/v1/devices/car-9/facts", headers=headers).status_code == 404
    answer = client.post("/v1/devices/car-9/services", json={"service": "annual_service"}, headers=headers)
    assert answer.status_code == 404
