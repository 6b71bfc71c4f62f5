"""Who may read the figures, what a request adds to them, and when the API is ready."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.testclient import TestClient

from iot_service.db import Database
from tests.api.callers import Callers

TOKEN = "a token of sixteen letters or more"


def from_address(app: FastAPI, host: str) -> TestClient:
    return TestClient(app, client=(host, 50_000), raise_server_exceptions=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_this_very_machine_may_read_them(app: FastAPI, host: str) -> None:
    answer = from_address(app, host).get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert "iot_http_requests_total" in answer.text


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_what_a_proxy_on_this_machine_passes_on_is_not_from_this_machine(app: FastAPI, header: str) -> None:
    assert from_address(app, "127.0.0.1").get("/metrics", headers={header: "127.0.0.1"}).status_code == 401


def test_from_elsewhere_it_takes_the_token_or_an_operator(client: TestClient, app: FastAPI, callers: Callers) -> None:
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers=callers.integration).status_code == 403
    assert client.get("/metrics", headers=callers.operator).status_code == 200
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert client.get("/metrics", headers=bearer).status_code == 401
    app.state.settings = app.state.settings.model_copy(update={"metrics_token": SecretStr(TOKEN)})
    assert client.get("/metrics", headers=bearer).status_code == 200
    assert client.get("/metrics", headers={"Authorization": "Bearer no"}).status_code == 401


def test_with_the_token_it_does_not_take_the_database(app: FastAPI, database: Database) -> None:
    app.state.settings = app.state.settings.model_copy(update={"metrics_token": SecretStr(TOKEN)})
    database.close()
    client = TestClient(app)
    assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert client.get("/health/live").status_code == 200


def requests(client: TestClient, **labels: Any) -> float:
    """How many requests with these labels the figures tell of."""
    found = 0.0
    for line in client.get("/metrics").text.splitlines():
        if line.startswith("iot_http_requests_total{") and all(f'{k}="{v}"' in line for k, v in labels.items()):
            found += float(line.rpartition(" ")[2])
    return found


def test_requests_are_counted_by_the_template_of_their_route_never_by_an_id(app: FastAPI, callers: Callers) -> None:
    local = from_address(app, "127.0.0.1")
    route = "/v1/devices/{device_id}/commands"
    before = requests(local, route=route), requests(local, route="(none)"), requests(local, route="/console")
    headers = callers.integration
    for number in range(3):
        local.get(f"/v1/devices/nobody-{number}/commands", headers=headers)
        local.get(f"/made/up/{number}")
        local.get(f"/console/{number}", follow_redirects=False)
    local.request("BREW", "/coffee")
    after = requests(local, route=route), requests(local, route="(none)"), requests(local, route="/console")
    assert [new - old for new, old in zip(after, before, strict=True)] == [3, 4, 3]
    assert requests(local, route=route, status=404, method="GET") >= 3
    assert requests(local, method="OTHER") >= 1
    text = local.get("/metrics").text
    assert "nobody-" not in text
    assert "made" not in text


def test_the_api_is_not_ready_before_the_schema_is_the_newest(app: FastAPI) -> None:
    client = TestClient(app, raise_server_exceptions=False)
    assert client.get("/health/ready").json() == {"status": "ready"}
    with app.state.database.transaction() as connection:
        connection.execute("DELETE FROM _yoyo_migration WHERE migration_id = '0005_commands'")
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert "0005_commands" in answer.json()["detail"]
    with app.state.database.transaction() as connection:
        connection.execute("DROP TABLE event_todo")
    assert "0001_initial" in client.get("/readyz").json()["detail"]
