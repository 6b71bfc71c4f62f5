"""A web application with nothing but the console in it, behind a guard that lets everybody in as one operator."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from iot_service.api.principal import Principal, Role
from iot_service.console.mount import mount_console
from iot_service.db import Database
from iot_service.products.catalog import load_catalog

OPERATOR = Principal(Role.OPERATOR, "operator:1", name="Ola <b>Operatør</b>", csrf_token="token-of-ola")


class OpenDoor:
    """Says that everybody is ``OPERATOR``, or nobody."""

    def __init__(self, app: ASGIApp, operator: Principal | None) -> None:
        self._app = app
        self._operator = operator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._operator is not None and scope["type"] in {"http", "websocket"}:
            scope["operator"] = self._operator
        await self._app(scope, receive, send)


def console_app(database: Database, *, operator: Principal | None = OPERATOR) -> ASGIApp:
    app = FastAPI()
    mount_console(app, database, load_catalog())
    return OpenDoor(app, operator)
