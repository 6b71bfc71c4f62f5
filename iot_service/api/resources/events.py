"""The event log: everything that changed, why and when; as a list and live."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from iot_service.api import live
from iot_service.api.dependencies import Transaction
from iot_service.api.ids import BigId
from iot_service.api.live import LiveEvents
from iot_service.api.paging import AtPage, Page
from iot_service.api.resources.routing import resource
from iot_service.api.store import QUERIES
from iot_service.db import Database
from iot_service.errors import NotFoundError
from iot_service.model.event import EventType

router = resource("events")
_CATCH_UP = 1000


class EventOutput(BaseModel):
    """One event: what changed (``subject_id``), from ``old`` to ``new``, by whom and why."""

    id: int
    at: datetime
    type: EventType
    subject_id: str
    device_id: str | None
    customer_id: str | None
    need_id: int | None
    old: str | None
    new: str | None
    actor: str
    reason: str
    data: dict[str, Any]


@router.get("")
def list_events(
    connection: Transaction,
    paging: AtPage,
    device_id: str | None = None,
    customer_id: str | None = None,
    need_id: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    type: EventType | None = None,  # noqa: A002  # the query parameter's name
) -> Page[EventOutput]:
    """List events, newest first."""
    filters = {"device_id": device_id, "customer_id": customer_id, "need_id": need_id, "type": type}
    rows = QUERIES["events"].all(connection, **filters, before=paging.before, limit=paging.fetch)
    return paging.page([EventOutput(**row) for row in rows], lambda event: event.id)


@router.get("/live")
async def live_events(
    request: Request, last_event_id: Annotated[int | None, Header(ge=0, le=2**63 - 1)] = None
) -> StreamingResponse:
    """Stream events as they happen (server-sent events), after those that ``Last-Event-ID`` missed.

    The stream ends after some minutes; a client reconnects, as browsers do by themselves.
    """
    state = request.app.state
    body = _stream(state.database, state.live_events, after=last_event_id, seconds=state.stream_seconds)
    return StreamingResponse(body, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@router.get("/{event_id}")
def get_event(connection: Transaction, event_id: BigId) -> EventOutput:
    """Return one event."""
    row = QUERIES["event"].first(connection, id=event_id)
    if row is None:
        raise NotFoundError(f"there is no event {event_id}")
    return EventOutput(**row)


async def _stream(database: Database, events: LiveEvents, *, after: int | None, seconds: float) -> AsyncIterator[str]:
    seen: set[int] = set()
    with events.watching() as watcher:
        yield live.comment()
        if after is not None:
            while rows := await run_in_threadpool(_missed, database, after):
                for row in rows:
                    seen.add(row["id"])
                    yield _frame(row)
                after = rows[-1]["id"]
        async for event in live.follow(events, watcher, seconds=seconds):
            if event is None:
                yield live.comment()
            elif event["id"] not in seen:
                yield _frame(event)


def _missed(database: Database, after: int) -> list[dict[str, Any]]:
    with database.transaction() as connection:
        return QUERIES["events_after"].all(connection, after=after, limit=_CATCH_UP)


def _frame(row: dict[str, Any]) -> str:
    event = EventOutput(**row)
    return live.frame(event.model_dump_json(), event_id=event.id, name=event.type)
