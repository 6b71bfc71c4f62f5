"""What a small command works with: a transaction in this installation's database, and the product models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from iot_service.config import Settings
from iot_service.db import Connection
from iot_service.wiring.installation import engines, open_database

ACTOR = "command line"
"""How the event log names who works by commands."""


@contextmanager
def at_work(settings: Settings) -> Iterator[Connection]:
    """Give a transaction in the database of ``settings``, which is brought up where it is embedded and not running."""
    with (
        engines(settings, broker=False) as complete,
        open_database(complete) as database,
        database.transaction() as connection,
    ):
        yield connection
