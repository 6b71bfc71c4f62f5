"""Dead letters as they are kept: found, shown, and put away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from iot_service.db import Connection, load_queries
from iot_service.ingest.letters import DeadLetter

_QUERIES = load_queries("iot_service.ingest.replaying")
_FAR = 2**62


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter; ``payload`` may be cut where it is only shown. ``received_at`` is UTC."""

    id: int
    received_at: datetime
    topic: str
    device_id: str | None
    payload: bytes
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Search:
    """Which letters: those with all that is given. ``since`` is when they came, at the earliest (UTC)."""

    ids: Sequence[int] | None = None
    device_id: str | None = None
    reason: str | None = None
    since: datetime | None = None


def find(connection: Connection, search: Search, *, limit: int, shown: int = 200) -> list[Letter]:
    """Return up to ``limit`` letters, newest first, with up to ``shown`` bytes of their payloads."""
    ids = list(search.ids) if search.ids is not None else None
    rows = _QUERIES["find_letters"].all(connection, **_given(search), ids=ids, limit=limit, shown=shown)
    return [_letter(row) for row in rows]


def count(connection: Connection, search: Search) -> int:
    """Return how many letters a search (without ids) finds."""
    return int(_QUERIES["count_letters"].one(connection, **_given(search))["letters"])


def newest(connection: Connection) -> int:
    """Return the id of the newest letter, 0 where there is none."""
    return int(_QUERIES["newest_letter"].one(connection)["id"])


def ids_after(connection: Connection, search: Search, *, after: int, last: int = _FAR, limit: int) -> list[int]:
    """Return ids of up to ``limit`` letters above ``after`` and up to ``last``, lowest first."""
    ids = list(search.ids) if search.ids is not None else None
    rows = _QUERIES["letter_ids"].all(connection, **_given(search), ids=ids, after=after, last=last, limit=limit)
    return [int(row["id"]) for row in rows]


def get(connection: Connection, letter_id: int, *, hold: bool = False) -> Letter | None:
    """Return one letter in full, None where there is none; with ``hold`` also where another transaction holds it."""
    row = _QUERIES["hold_letter" if hold else "letter"].first(connection, id=letter_id)
    return _letter(row) if row is not None else None


def remove(connection: Connection, letter: Letter) -> None:
    """Remove a letter whose message is stored."""
    _QUERIES["remove_letter"].run(connection, id=letter.id)


def keep(connection: Connection, letter: Letter, failures: Sequence[DeadLetter]) -> None:
    """Keep what failed (at least one thing): the first in the letter's own row, the others in new ones."""
    first, *others = failures
    _QUERIES["change_letter"].run(
        connection, id=letter.id, payload=first.payload, reason=first.reason.value, detail=first.detail
    )
    for other in others:
        _QUERIES["add_letter"].run(
            connection,
            received_at=letter.received_at,
            topic=letter.topic,
            device_id=letter.device_id,
            payload=other.payload,
            reason=other.reason.value,
            detail=other.detail,
        )


def _given(search: Search) -> dict[str, Any]:
    return {"device_id": search.device_id, "reason": search.reason, "since": search.since}


def _letter(row: dict[str, Any]) -> Letter:
    return Letter(**{**row, "payload": bytes(row["payload"])})
