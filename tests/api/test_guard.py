from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI, Request, WebSocket
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from iot_service import clock
from iot_service.api import guard
from iot_service.config import Settings
from iot_service.db import Database
from tests.api.callers import Callers
from tests.factories import NOW

ORIGIN = {"Origin": "http://testserver"}


@pytest.fixture(autouse=True)
def _console(app: FastAPI) -> None:
    console = FastAPI()

    @console.get("/devices")
    def devices(request: Request) -> dict[str, str]:
        return {"name": request.scope["operator"].name}

    @console.post("/devices")
    def change() -> dict[str, str]:
        return {"status": "changed"}

    @console.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        with suppress(WebSocketDisconnect):
            while True:
                await socket.send_text(await socket.receive_text())

    app.mount("/console", console)


def test_nobody_gets_past_the_door(client: TestClient) -> None:
    page = client.get("/console/devices")
    assert (page.status_code, page.headers["location"]) == (303, "/login?next=/console/devices")
    assert client.post("/console/devices").status_code == 401
    assert client.get("/console").headers["location"] == "/login?next=/console"
    assert client.get("/console/devices", headers={"Cookie": "iot_session=guess"}).status_code == 303


def test_an_api_token_opens_no_console(client: TestClient, callers: Callers) -> None:
    assert client.get("/console/devices", headers=callers.operator).status_code == 303


def test_the_console_knows_which_operator_looks(client: TestClient, callers: Callers) -> None:
    headers, _ = callers.session()
    assert client.get("/console/devices", headers=headers).json() == {"name": "Ola"}


def test_another_site_changes_nothing_in_the_console(client: TestClient, callers: Callers) -> None:
    headers, _ = callers.session()
    foreign = headers | {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/console/devices", headers=foreign).status_code == 403
    assert client.post("/console/devices", headers=headers).status_code == 200


def open_socket(client: TestClient, headers: dict[str, str]) -> Any:
    return client.websocket_connect("/console/live", headers=headers)


def test_a_websocket_takes_a_session_and_our_own_pages(client: TestClient, callers: Callers) -> None:
    headers, _ = callers.session()
    cookie = {"Cookie": headers["Cookie"]}
    for refused in ({}, ORIGIN, cookie, cookie | {"Origin": "https://evil.example"}):
        with pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)), open_socket(client, refused):
            pass
    with open_socket(client, cookie | ORIGIN) as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "hello"


def test_an_open_websocket_ends_with_its_session(
    client: TestClient, callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "_LOOK_AGAIN", 0.0)
    headers, _ = callers.session()
    with open_socket(client, {"Cookie": headers["Cookie"]} | ORIGIN) as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "hello"
        clock.freeze(NOW + timedelta(hours=13))
        socket.send_text("still there?")
        with pytest.raises(WebSocketDisconnect):
            socket.receive_text()


def test_without_a_database_the_door_says_so(app: FastAPI, settings: Settings) -> None:
    door = guard.ConsoleGuard(app, database=Database("postgresql://never-opened"), settings=settings)
    answer = TestClient(door).get("/console/devices", headers={"Cookie": "iot_session=mine"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["detail"] == "the database does not answer; try again"
