"""Gateways: MQTT clients that speak for several devices, each with the topics it may write to and read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from iot_service.db import Connection
from iot_service.db.events import record
from iot_service.engines.passwords import hash_secret, new_secret
from iot_service.engines.topic_rights import filter_problem, gateway_user
from iot_service.errors import ConflictError, InvalidInputError, NotFoundError
from iot_service.model.device import DEVICE_ID
from iot_service.model.event import Event, EventType
from iot_service.registry.store import QUERIES, wake_mirrors

_MOST_TOPICS = 50


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway; ``username`` is how it logs in at the broker."""

    id: str
    username: str
    write_topics: tuple[str, ...]
    read_topics: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None


def add_gateway(
    connection: Connection, gateway_id: str, *, write: Sequence[str], read: Sequence[str], actor: str, now: datetime
) -> tuple[Gateway, str]:
    """Register a gateway with its topic filters; return it and its secret, which is shown this once.

    Raises InvalidInputError for an id or filter that cannot be, ConflictError where the id is taken.
    """
    if DEVICE_ID.fullmatch(gateway_id) is None:
        raise InvalidInputError("must be letters, digits, - and _, 1 to 64 of them", field="id")
    _check_topics(write, read)
    secret = new_secret()
    row = QUERIES["add_gateway"].first(
        connection,
        id=gateway_id,
        secret_hash=hash_secret(secret),
        write_topics=list(write),
        read_topics=list(read),
        now=now,
    )
    if row is None:
        raise ConflictError(f"there is a gateway {gateway_id} already")
    topics = {"write": list(write), "read": list(read)}
    _log(connection, EventType.GATEWAY_CREATED, gateway_id, "the gateway was registered", actor, now, topics)
    return _gateway(row), secret


def get_gateway(connection: Connection, gateway_id: str) -> Gateway:
    """Return one gateway. Raises NotFoundError."""
    return _found(QUERIES["gateway"].first(connection, id=gateway_id), gateway_id)


def list_gateways(connection: Connection, *, after: str | None, limit: int) -> list[Gateway]:
    """Return up to ``limit`` gateways by id, those after ``after``."""
    return [_gateway(row) for row in QUERIES["gateways"].all(connection, after=after, limit=limit)]


def set_topics(
    connection: Connection,
    gateway_id: str,
    *,
    write: Sequence[str],
    read: Sequence[str],
    reason: str,
    actor: str,
    now: datetime,
) -> None:
    """Give a gateway other topics instead of those it had. Raises NotFoundError, InvalidInputError."""
    _check_topics(write, read)
    _held(connection, gateway_id)
    QUERIES["set_gateway_topics"].run(connection, id=gateway_id, write_topics=list(write), read_topics=list(read))
    topics = {"write": list(write), "read": list(read)}
    _log(connection, EventType.GATEWAY_CHANGED, gateway_id, reason, actor, now, topics)


def rotate_gateway(connection: Connection, gateway_id: str, *, reason: str, actor: str, now: datetime) -> str:
    """Give a gateway another secret and return it: it is shown this once. Raises NotFoundError."""
    _held(connection, gateway_id)
    secret = new_secret()
    QUERIES["set_gateway_secret"].run(connection, id=gateway_id, secret_hash=hash_secret(secret))
    _log(connection, EventType.GATEWAY_CREDENTIALS_ISSUED, gateway_id, reason, actor, now)
    return secret


def switch_gateway(
    connection: Connection, gateway_id: str, *, enabled: bool, reason: str, actor: str, now: datetime
) -> None:
    """Disable a gateway, or enable it again. Raises NotFoundError, ConflictError where it is so already."""
    before = _held(connection, gateway_id)
    if (before.disabled_at is None) is enabled:
        raise ConflictError(f"gateway {gateway_id} is {'enabled' if enabled else 'disabled'} already")
    QUERIES["set_gateway_disabled"].run(connection, id=gateway_id, disabled_at=None if enabled else now)
    kind = EventType.GATEWAY_ENABLED if enabled else EventType.GATEWAY_DISABLED
    _log(connection, kind, gateway_id, reason, actor, now)


def _check_topics(write: Sequence[str], read: Sequence[str]) -> None:
    for field, filters in (("write", write), ("read", read)):
        if len(filters) > _MOST_TOPICS:
            raise InvalidInputError(f"has more than {_MOST_TOPICS} topics; use wildcards", field=field)
        for text in filters:
            problem = filter_problem(text)
            if problem:
                raise InvalidInputError(f"{text!r} {problem}", field=field)
    if not write and not read:
        raise InvalidInputError("name at least one topic that it may write to or read", field="write")


def _held(connection: Connection, gateway_id: str) -> Gateway:
    return _found(QUERIES["lock_gateway"].first(connection, id=gateway_id), gateway_id)


def _found(row: dict[str, Any] | None, gateway_id: str) -> Gateway:
    if row is None:
        raise NotFoundError(f"there is no gateway {gateway_id!r}")
    return _gateway(row)


def _log(
    connection: Connection,
    kind: EventType,
    gateway_id: str,
    reason: str,
    actor: str,
    now: datetime,
    data: dict[str, Any] | None = None,
) -> None:
    record(connection, Event(type=kind, at=now, subject_id=gateway_id, reason=reason, actor=actor, data=data or {}))
    wake_mirrors(connection)


def _gateway(row: dict[str, Any]) -> Gateway:
    topics = {name: tuple(row[name]) for name in ("write_topics", "read_topics")}
    return Gateway(**{**row, **topics, "username": gateway_user(row["id"])})
