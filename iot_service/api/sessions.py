"""Operators' sessions: a random cookie, of which only the hash is stored, with an end that does not move."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from iot_service import clock
from iot_service.api.principal import Principal, Role
from iot_service.api.store import QUERIES
from iot_service.db import Connection

LIFETIME = timedelta(hours=12)


def cookie_name(*, secure: bool) -> str:
    """Return the session cookie's name; over HTTPS its prefix ties it to this very host."""
    return "__Host-iot_session" if secure else "iot_session"


def begin(connection: Connection, operator_id: int, *, now: datetime) -> str:
    """Begin a session and return what its cookie says."""
    token = secrets.token_urlsafe(32)
    QUERIES["add_session"].run(
        connection,
        token_hash=_digest(token),
        operator_id=operator_id,
        csrf_token=secrets.token_urlsafe(32),
        now=now,
        expires_at=now + in_life(LIFETIME),
    )
    return token


def find(connection: Connection, token: str, *, now: datetime) -> Principal | None:
    """Return the operator whose session it is, or None where it has ended."""
    row = QUERIES["session"].first(connection, token_hash=_digest(token), now=now)
    if row is None:
        return None
    return Principal(Role.OPERATOR, f"operator:{row['id']}", name=row["name"], csrf_token=row["csrf_token"])


def end(connection: Connection, token: str) -> None:
    """Log out: the cookie is worth nothing from now on."""
    QUERIES["end_session"].run(connection, token_hash=_digest(token))


def in_life(span: timedelta) -> timedelta:
    """Return how far this installation's clock moves in ``span`` of life: a faster clock must not log people out."""
    return span * (span.total_seconds() / clock.wall_seconds(span))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
