"""The connection pool, and the transaction that every change of data happens in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

Connection = psycopg.Connection[dict[str, Any]]
"""A connection whose rows are dictionaries by column name."""

_NOTICE_A_DEAD_PEER: Mapping[str, Any] = {
    "connect_timeout": 10,  # seconds
    "keepalives_idle": 15,  # seconds
    "keepalives_interval": 5,  # seconds
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}
"""Without these a cut cable keeps whoever waits for an answer waiting for two hours."""


@dataclass(frozen=True, slots=True)
class PoolUse:
    """What a pool did since it was made: ``connections`` are open now, ``waits`` is how often one was waited for,
    ``wait_seconds`` how long in all, ``errors`` how often none came in time."""

    connections: int
    waits: int
    wait_seconds: float
    errors: int


class Database:
    """One database, for one process. Sessions run in UTC."""

    def __init__(self, url: str, *, max_size: int = 8, application: str = "iot-service") -> None:
        """Take a PostgreSQL URL; connections are opened when they are needed, ``max_size`` at the most."""
        self.url = url
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            connection_class=psycopg.Connection[dict[str, Any]],
            kwargs={
                "row_factory": dict_row,
                "application_name": application,
                "options": "-c timezone=UTC -c lock_timeout=30s",
                **_NOTICE_A_DEAD_PEER,
            },
            min_size=0,
            max_size=max_size,
            open=False,
            check=ConnectionPool.check_connection,
            timeout=10,
            reconnect_timeout=5,  # then whoever asks next starts anew, instead of a backoff that doubles without bound
        )

    def open(self) -> None:
        """Start the pool (it connects at the first use)."""
        self._pool.open()

    def close(self) -> None:
        """End every connection."""
        self._pool.close()

    def use(self) -> PoolUse:
        """Return what the pool did so far."""
        stats = self._pool.get_stats()
        return PoolUse(
            connections=stats.get("pool_size", 0),
            waits=stats.get("requests_queued", 0),
            wait_seconds=stats.get("requests_wait_ms", 0) / 1000,
            errors=stats.get("requests_errors", 0),
        )

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give a connection in a transaction: committed when the block ends, rolled back when it raises.

        Raises psycopg.OperationalError (also PoolTimeout) when the database cannot be reached.
        """
        with self._pool.connection() as connection, connection.transaction():
            yield connection

    def listen(self, channel: str, *, timeout: float) -> Iterator[str | None]:
        """Yield the payloads that arrive on ``channel``, and None whenever ``timeout`` seconds pass without one.

        Uses a connection of its own, for the life of the generator; raises psycopg.OperationalError when it is lost.
        """
        name = "iot-service listen"
        with psycopg.connect(self.url, autocommit=True, application_name=name, **_NOTICE_A_DEAD_PEER) as connection:
            connection.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))
            while True:
                silent = True
                for notification in connection.notifies(timeout=timeout, stop_after=1):
                    silent = False
                    yield notification.payload
                if silent:
                    yield None
