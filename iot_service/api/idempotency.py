"""`Idempotency-Key`: an unsafe call that is sent again is answered as it was the first time, and done once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from iot_service import clock
from iot_service.api.auth import Current
from iot_service.api.dependencies import Transaction
from iot_service.api.origin import SAFE_METHODS
from iot_service.api.principal import Principal
from iot_service.api.store import QUERIES
from iot_service.db import Connection
from iot_service.errors import ConflictError, InvalidInputError, ServiceError

HEADER = "Idempotency-Key"
_SPACE = 7_243_002  # of advisory locks; any number, as long as it is always the same
_LONGEST = 255


class AnsweredBeforeError(ServiceError):
    """This very request was answered before; ``answer`` is what it was told."""

    def __init__(self, answer: Response) -> None:
        super().__init__("answered before")
        self.answer = answer


async def idempotent(request: Request, connection: Transaction, principal: Current) -> None:
    """Dependency: answer a request again that was answered before, and take note of a new key.

    The key belongs to the caller. The lock lives as long as the transaction, so a crash leaves nothing behind. Raises
    InvalidInputError where the key came with another request before, ConflictError while the first is at work.
    """
    key = request.headers.get(HEADER)
    if key is None or request.method in SAFE_METHODS:
        return
    if not 0 < len(key) <= _LONGEST or not key.isprintable():
        raise InvalidInputError(f"must have 1 to {_LONGEST} printable characters", field=HEADER)
    digest = _digest(request, await request.body())
    await run_in_threadpool(_look_up, connection, principal, key, digest)
    request.state.idempotency = (principal.actor, key, digest)


class Route(APIRoute):
    """A route that keeps its answer, in the request's own transaction, where the request has a key.

    Only answers of success are kept: what failed changed nothing, and may be tried again with the same key.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of this route, with the keeping around it."""
        handler = super().get_route_handler()

        async def keep(request: Request) -> Response:
            response = await handler(request)
            noted = getattr(request.state, "idempotency", None)
            if noted is not None and response.status_code < 300:
                await run_in_threadpool(_keep, request.state.connection, noted, response)
            return response

        return keep


def _look_up(connection: Connection, principal: Principal, key: str, digest: bytes) -> None:
    if not QUERIES["try_lock"].one(connection, space=_SPACE, key=f"{principal.actor} {key}")["taken"]:
        raise ConflictError("a request with this Idempotency-Key is being worked on; ask again in a moment")
    row = QUERIES["kept_answer"].first(connection, caller=principal.actor, key=key)
    if row is None:
        return
    if bytes(row["request_hash"]) != digest:
        raise InvalidInputError("this key came with another request before; use a new one", field=HEADER)
    headers = {"Idempotency-Replayed": "true"}
    if row["content_type"]:
        headers["Content-Type"] = row["content_type"]
    raise AnsweredBeforeError(Response(bytes(row["body"]), status_code=row["status"], headers=headers))


def _keep(connection: Connection, noted: tuple[str, str, bytes], response: Response) -> None:
    caller, key, digest = noted
    QUERIES["keep_answer"].run(
        connection,
        caller=caller,
        key=key,
        request_hash=digest,
        status=response.status_code,
        body=bytes(response.body),
        content_type=response.headers.get("content-type"),
        now=clock.now(),
    )


def _digest(request: Request, body: bytes) -> bytes:
    target = f"{request.method} {request.url.path}?{request.url.query}\n{request.headers.get('content-type', '')}\n"
    return hashlib.sha256(target.encode() + body).digest()
