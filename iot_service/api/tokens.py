"""API tokens: shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any

from iot_service.api.principal import Principal, Role
from iot_service.api.store import QUERIES
from iot_service.db import Connection

PREFIX = "iot_"


def create(
    connection: Connection,
    *,
    name: str,
    role: Role,
    now: datetime,
    expires_at: datetime | None = None,
) -> tuple[str, dict[str, Any]]:
    """Create a token; return what it says, which is nowhere else to be had, and its row without that."""
    token = PREFIX + secrets.token_urlsafe(32)
    row = QUERIES["add_token"].one(
        connection, name=name, role=role, token_hash=_digest(token), now=now, expires_at=expires_at
    )
    return token, row


def find(connection: Connection, token: str, *, now: datetime) -> Principal | None:
    """Return whose token it is, or None where it is not ours, revoked or expired.

    The token is looked up by its hash, so the time taken tells nothing about any token.
    """
    row = QUERIES["token"].first(connection, token_hash=_digest(token), now=now)
    if row is None:
        return None
    return Principal(Role(row["role"]), f"token:{row['id']}", name=row["name"])


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
