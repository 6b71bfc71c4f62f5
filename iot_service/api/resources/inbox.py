"""The inbox of a customer's app: every message she was sent, as a list and live. Her home link's token opens it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Header, Request
from fastapi.responses import StreamingResponse
from pydantic import TypeAdapter
from starlette.concurrency import run_in_threadpool

from iot_service.api import live
from iot_service.api.auth import Current
from iot_service.api.dependencies import Now, Transaction
from iot_service.api.ids import BigId
from iot_service.api.live import LiveEvents
from iot_service.api.paging import AtPage, Page
from iot_service.api.principal import Principal, Role
from iot_service.api.resources.routing import resource
from iot_service.db import Database
from iot_service.notify import inbox
from iot_service.notify.inbox import Message
from iot_service.notify.message import RecipientKind

router = resource("inbox", Role.CUSTOMER, Role.TECHNICIAN)
_LOOK_EVERY = 1.0
_MESSAGE = TypeAdapter(Message)


@router.get("")
def list_messages(connection: Transaction, principal: Current, paging: AtPage) -> Page[Message]:
    """List the caller's messages, newest first."""
    rows = inbox.inbox(connection, *_mine(principal), before=paging.before, limit=paging.fetch)
    return paging.page(rows, lambda message: message.id)


@router.get("/live")
async def live_messages(
    request: Request, principal: Current, last_event_id: Annotated[int | None, Header(ge=0, le=2**63 - 1)] = None
) -> StreamingResponse:
    """Stream the caller's messages as they come (server-sent events), after those that ``Last-Event-ID`` missed."""
    state = request.app.state
    body = _stream(state.database, state.live_events, principal, after=last_event_id, seconds=state.stream_seconds)
    return StreamingResponse(body, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@router.post("/{message_id}/read", status_code=204)
def mark_read(connection: Transaction, principal: Current, now: Now, message_id: BigId) -> None:
    """Note that the caller has read a message."""
    kind, person_id = _mine(principal)
    inbox.mark_read(connection, message_id, recipient_kind=kind, recipient_id=person_id, now=now)


def _mine(principal: Principal) -> tuple[RecipientKind, str]:
    return RecipientKind(principal.role.value), principal.person_id


async def _stream(
    database: Database, events: LiveEvents, principal: Principal, *, after: int | None, seconds: float
) -> AsyncIterator[str]:
    newest = after if after is not None else await run_in_threadpool(_newest, database, principal)
    ends = time.monotonic() + seconds
    spoke = time.monotonic()
    yield live.comment()
    while not events.stopped and time.monotonic() < ends:
        for message in await run_in_threadpool(_since, database, principal, newest):
            newest = message.id
            spoke = time.monotonic()
            yield live.frame(_MESSAGE.dump_json(message).decode(), event_id=message.id, name="message")
        if time.monotonic() - spoke >= live.KEEP_ALIVE:
            spoke = time.monotonic()
            yield live.comment()
        await asyncio.sleep(min(_LOOK_EVERY, seconds))


def _newest(database: Database, principal: Principal) -> int:
    with database.transaction() as connection:
        found = inbox.inbox(connection, *_mine(principal), before=None, limit=1)
    return found[0].id if found else 0


def _since(database: Database, principal: Principal, newest: int) -> list[Message]:
    with database.transaction() as connection:
        return inbox.since(connection, *_mine(principal), after_id=newest)
