"""The event log: writing events, and working through a consumer's to-do rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from iot_service import clock, logs
from iot_service.db.pool import Connection, Database
from iot_service.db.queries import load_queries
from iot_service.model.event import CONSUMERS, Consumer, Event, EventType

_QUERIES = load_queries("iot_service.db")
_LEASE = timedelta(minutes=2)
_RETRY = timedelta(seconds=20)
_log = logs.get(__name__)


def record(connection: Connection, event: Event) -> int:
    """Append ``event`` to the log with the to-do rows of its consumers, in the caller's transaction; return its id."""
    row = _QUERIES["record_event"].one(
        connection,
        at=event.at,
        type=event.type,
        subject_id=event.subject_id,
        device_id=event.device_id,
        customer_id=event.customer_id,
        need_id=event.need_id,
        old=event.old,
        new=event.new,
        actor=event.actor,
        reason=event.reason,
        data=Jsonb(dict(event.data)),
        consumers=[consumer.value for consumer in CONSUMERS.get(event.type, ())],
    )
    return int(row["id"])


def claim(connection: Connection, consumer: Consumer, *, now: datetime, limit: int = 50) -> list[Event]:
    """Claim up to ``limit`` events for ``consumer``, oldest first, until a lease ends; a crash frees them by itself."""
    rows = _QUERIES["claim_todo"].all(
        connection, consumer=consumer, until=now + clock.during(_LEASE), now=now, limit=limit
    )
    ids = [row["event_id"] for row in rows]
    if not ids:
        return []
    return [
        Event(**{**row, "type": EventType(row["type"])}) for row in _QUERIES["todo_events"].all(connection, ids=ids)
    ]


def work_off(database: Database, consumer: Consumer, handle: Callable[[Connection, Event], None]) -> int:
    """Hand every waiting event of ``consumer`` to ``handle``, each in a transaction of its own; return how many.

    The to-do row goes in the same transaction as what ``handle`` wrote, so an event is acted on exactly once. What
    raises is rolled back, logged with its id, kept, and tried again later; it does not hold up the others.
    """
    done = 0
    while True:
        with database.transaction() as connection:
            events = claim(connection, consumer, now=clock.now())
        for event in events:
            try:
                with database.transaction() as connection:
                    handle(connection, event)
                    _QUERIES["finish_todo"].run(connection, consumer=consumer, event_id=event.id)
                done += 1
            except Exception as error:  # a runner: whatever one event raises must not stop the others
                _log.exception(
                    "an event could not be handled", action="event.failed", event_id=event.id, consumer=consumer
                )
                with database.transaction() as connection:
                    _QUERIES["fail_todo"].run(
                        connection,
                        consumer=consumer,
                        event_id=event.id,
                        error=f"{type(error).__name__}: {error}",
                        retry_at=clock.now() + clock.during(_RETRY),
                    )
        if not events:
            return done
