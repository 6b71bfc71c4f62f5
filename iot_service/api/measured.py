"""Counts every HTTP request by its route, method and status, and how long it took."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from iot_service import metrics

_NO_ROUTE = "(none)"


class Measured:
    """Outermost around the application. ``apart`` are path prefixes that count as one route each."""

    def __init__(self, app: ASGIApp, *, apart: tuple[str, ...]) -> None:
        self._app = app
        self._apart = apart

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status, streams = 500, False

        async def watched(message: Message) -> None:
            nonlocal status, streams
            if message["type"] == "http.response.start":
                status = message["status"]
                streams = any(value.startswith(b"text/event-stream") for _, value in message.get("headers", ()))
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            seconds = None if streams else time.perf_counter() - began
            metrics.observe_request(scope["method"], self._route(scope), status, seconds)

    def _route(self, scope: Scope) -> str:
        """Return the template of the route; addresses that match none are one, or anybody could make up figures."""
        path = scope["path"]
        for prefix in self._apart:
            if path == prefix or path.startswith(f"{prefix}/"):
                return prefix
        template = getattr(scope.get("route"), "path", None)
        return template if isinstance(template, str) else _NO_ROUTE
