"""How often one may try a secret: a few times per account and per address, then only after a while."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from iot_service import clock
from iot_service.api.sessions import in_life
from iot_service.api.store import QUERIES
from iot_service.db import Connection

WINDOW = timedelta(minutes=5)
PER_ACCOUNT = 5
PER_ADDRESS = 20
_SPACE = 7_243_003  # of advisory locks; any number, as long as it is always the same


def _account(email: str) -> str:
    return "account:" + hashlib.sha256(email.strip().lower().encode()).hexdigest()


def note(connection: Connection, *, email: str, address: str, now: datetime) -> int:
    """Count one attempt to log in and return 0, or return in how many seconds of life the next one is allowed."""
    return count(connection, {_account(email): PER_ACCOUNT, f"address:{address}": PER_ADDRESS}, now=now)


def count(connection: Connection, limits: Mapping[str, int], *, now: datetime) -> int:
    """Count one attempt in each bucket of ``limits`` (how many the window holds) and return 0; or return in how many
    seconds of life the next one is allowed.

    What is refused is not counted, so that nobody is kept out for longer than the window. The caller commits this
    before the secret is looked at: attempts made at the same time count too.
    """
    window = in_life(WINDOW)
    wait = timedelta(0)
    for bucket in sorted(limits):
        QUERIES["lock"].run(connection, space=_SPACE, key=bucket)
        row = QUERIES["attempts"].one(connection, bucket=bucket, since=now - window)
        if row["tried"] >= limits[bucket]:
            wait = max(wait, row["since"] + window - now)
    if wait:
        return max(1, math.ceil(clock.wall_seconds(wait)))
    for bucket in limits:
        QUERIES["add_attempt"].run(connection, bucket=bucket, now=now)
    return 0


def succeeded(connection: Connection, *, email: str) -> None:
    """Forget an account's attempts: its owner is in."""
    QUERIES["clear_attempts"].run(connection, bucket=_account(email))
