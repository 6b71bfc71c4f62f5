"""Operators and their passwords (argon2id)."""

from __future__ import annotations

import threading
from datetime import datetime
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from iot_service.api.store import QUERIES
from iot_service.customers.fields import check_email
from iot_service.db import Connection
from iot_service.errors import InvalidInputError

SHORTEST_PASSWORD = 12
_hasher = PasswordHasher()
_room = threading.Semaphore(2)  # each hash takes 64 MiB: a crowd at the door must not take all memory


def add_operator(connection: Connection, email: str, name: str, password: str, now: datetime) -> int:
    """Create an operator who may log in, or give one a new name and password; return the operator's id.

    Whoever is logged in with the address is logged out. Raises InvalidInputError for an address that is none, or a
    password with fewer than 12 characters.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidInputError(f"must have at least {SHORTEST_PASSWORD} characters", field="password")
    try:
        address = check_email(email.strip().lower())
    except ValueError as error:
        raise InvalidInputError(str(error), field="email") from None
    values = {"email": address, "name": name.strip() or address, "password_hash": _hash(password)}
    operator_id = int(QUERIES["add_operator"].one(connection, **values, now=now)["id"])
    QUERIES["end_sessions_of"].run(connection, operator_id=operator_id)
    return operator_id


def verify(connection: Connection, email: str, password: str) -> int | None:
    """Return the id of the operator with this address and password, or None.

    An unknown address takes as long as a wrong password, so that the time tells nobody which addresses exist.
    """
    row = QUERIES["operator_by_email"].first(connection, email=email.strip().lower())
    with _room:
        try:
            _hasher.verify(row["password_hash"] if row else _nobody(), password)
        except (VerifyMismatchError, InvalidHashError):
            return None
    if row is None:
        return None
    if _hasher.check_needs_rehash(row["password_hash"]):
        QUERIES["change_password_hash"].run(connection, id=row["id"], password_hash=_hash(password))
    return int(row["id"])


def _hash(password: str) -> str:
    with _room:
        return _hasher.hash(password)


@cache
def _nobody() -> str:
    return _hasher.hash("nobody has this password, because nobody has this account")
