"""The inbox in the app: every message that a person was sent, whatever else it went through.

It is live by asking again: :func:`since` gives what came after the newest message that the reader has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from iot_service.db import Connection
from iot_service.errors import NotFoundError
from iot_service.model.customer import Locale
from iot_service.notify import store
from iot_service.notify.message import RecipientKind

_NO_BOUND = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Message:
    """One message as its reader sees it. ``body`` is plain text; ``link`` opens what it is about. Times are UTC."""

    id: int
    event_id: int
    template: str
    locale: Locale
    subject: str
    short_text: str
    body: str
    link: str | None
    created_at: datetime
    read_at: datetime | None


def inbox(
    connection: Connection, recipient_kind: RecipientKind, recipient_id: str, *, before: int | None, limit: int
) -> list[Message]:
    """Return up to ``limit`` messages of one person, newest first: those with an id below ``before``, where given."""
    bound = _NO_BOUND if before is None else before
    return _messages(store.inbox_before(connection, recipient_kind, recipient_id, before=bound, limit=limit))


def since(
    connection: Connection, recipient_kind: RecipientKind, recipient_id: str, *, after_id: int, limit: int = 100
) -> list[Message]:
    """Return up to ``limit`` messages of one person that came after message ``after_id`` (0: all), oldest first."""
    return _messages(store.inbox_after(connection, recipient_kind, recipient_id, after_id=after_id, limit=limit))


def mark_read(
    connection: Connection, notification_id: int, *, recipient_kind: RecipientKind, recipient_id: str, now: datetime
) -> None:
    """Note that a person has read one of her messages; the first time stands.

    Raises NotFoundError where she has no such message.
    """
    if not store.mark_read(connection, notification_id, kind=recipient_kind, recipient_id=recipient_id, now=now):
        raise NotFoundError(f"there is no message {notification_id} in this inbox")


def _messages(rows: list[Mapping[str, Any]]) -> list[Message]:
    return [Message(**{**row, "locale": Locale(row["locale"])}) for row in rows]
