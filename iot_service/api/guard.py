"""The door of the operator console: only who is logged in gets past, pages and websockets alike."""

from __future__ import annotations

import time
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from iot_service import clock
from iot_service.api.auth import operator_of
from iot_service.api.origin import SAFE_METHODS, from_our_pages
from iot_service.api.principal import Principal
from iot_service.api.problems import no_database
from iot_service.config import Settings
from iot_service.db import Database, DatabaseUnavailableError

_LOOK_AGAIN = 20.0  # seconds of life
_POLICY_VIOLATION = 1008


class ConsoleGuard:
    """Lets only logged-in operators into everything under ``prefix``; ``scope["operator"]`` tells the console who.

    Pages send others to the login; everything else is refused. An open websocket ends soon after its session has.
    """

    def __init__(self, app: ASGIApp, *, database: Database, settings: Settings, prefix: str = "/console") -> None:
        self._app = app
        self._database = database
        self._settings = settings
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or websocket (ASGI)."""
        guarded = scope["type"] in {"http", "websocket"} and self._is_inside(scope["path"])
        if not guarded:
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        try:
            operator = await run_in_threadpool(self._operator, connection)
        except DatabaseUnavailableError as error:
            await self._refuse(scope, receive, send, no_database(connection, error))
            return
        foreign = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if operator is not None and foreign and not from_our_pages(connection, self._settings.public_url):
            await self._refuse(scope, receive, send, PlainTextResponse("not from our own pages", status_code=403))
        elif operator is None:
            await self._refuse(scope, receive, send, self._to_login(scope))
        else:
            scope["operator"] = operator
            inner = self._watched(connection, receive, send) if scope["type"] == "websocket" else receive
            await self._app(scope, inner, send)

    def _is_inside(self, path: str) -> bool:
        return path == self._prefix or path.startswith(f"{self._prefix}/")

    def _operator(self, connection: HTTPConnection) -> Principal | None:
        with self._database.transaction() as transaction:
            return operator_of(transaction, connection, self._settings, now=clock.now())

    def _to_login(self, scope: Scope) -> Response:
        if scope["type"] == "http" and scope["method"] in SAFE_METHODS:
            return RedirectResponse(f"/login?next={quote(scope['path'])}", status_code=303)
        return PlainTextResponse("log in first", status_code=401)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, response: Response) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        else:
            await response(scope, receive, send)

    def _watched(self, connection: HTTPConnection, receive: Receive, send: Send) -> Receive:
        looked = time.monotonic()

        async def watched() -> Message:
            nonlocal looked
            message = await receive()
            if time.monotonic() - looked > _LOOK_AGAIN:
                looked = time.monotonic()
                if await run_in_threadpool(self._operator, connection) is None:
                    await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
                    return {"type": "websocket.disconnect", "code": _POLICY_VIOLATION}
            return message

        return watched
