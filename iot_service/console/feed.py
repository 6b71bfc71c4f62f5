"""What all open pages share: one look at the tables a second for the whole process, however many browsers watch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar, cast

from nicegui import Event
from nicegui.client import Client

from iot_service import clock, logs
from iot_service.console import store
from iot_service.console.store import Row
from iot_service.db import Connection, Database, DatabaseUnavailableError

_KEPT = 80
_SLOW_SHARE = 20  # the costly figures take at most this part (1/20) of one connection's time
_log = logs.get(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the tables held at ``at`` (the service's clock); ``available`` is false while they cannot be read.

    ``lag_seconds`` is how far ingest is behind, in seconds of life; None where no ingest process was seen.
    """

    at: datetime
    totals: Row
    lag_seconds: float | None
    needs: list[Row]
    need_counts: dict[str, int]
    events: list[Row]
    available: bool = True


class Feed:
    """Reads while somebody watches, and tells the pages."""

    def __init__(self, database: Database) -> None:
        """Take the database to look at; nothing is read before somebody watches."""
        self._database = database
        self._lock = asyncio.Lock()
        self._snapshot: Snapshot | None = None
        self._looked = 0.0
        self._totals_due = 0.0
        self._watching: set[str] = set()
        self._shared: dict[Hashable, tuple[float, Any]] = {}
        self.changed: Event[[]] = Event()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction on a thread. Raises DatabaseUnavailableError where there is no database."""

        def in_transaction() -> T:
            with self._database.transaction() as connection:
                return work(connection)

        return await asyncio.to_thread(in_transaction)

    async def shared(self, key: Hashable, work: Callable[[Connection], T], *, seconds: float) -> T:
        """Return what ``work`` read under this key at most ``seconds`` of life ago, for whomever; else read it anew.

        Raises DatabaseUnavailableError where there is no database.
        """
        begun = time.monotonic()
        self._shared = {known: found for known, found in self._shared.items() if begun - found[0] < 60}
        if key not in self._shared or begun - self._shared[key][0] >= seconds:
            self._shared[key] = (begun, await self.read(work))
        return cast(T, self._shared[key][1])

    async def watch(self, client: Client) -> Snapshot:
        """Count ``client`` among those that watch until it is gone, and return a snapshot of now."""
        self._watching.add(client.id)
        client.on_delete(lambda: self._watching.discard(client.id))
        if self._snapshot is None or time.monotonic() - self._looked > 2:
            await self._look()
        assert self._snapshot is not None
        return self._snapshot

    @property
    def snapshot(self) -> Snapshot:
        """The newest snapshot; raises LookupError before the first one."""
        if self._snapshot is None:
            raise LookupError("nobody has looked yet")
        return self._snapshot

    async def tick(self) -> None:
        """Look once and tell the pages, if anybody watches."""
        if self._watching:
            with suppress(DatabaseUnavailableError):  # nobody has seen anything yet
                await self._look()
                self.changed.emit()

    async def _look(self) -> None:
        async with self._lock:
            before = self._snapshot
            try:
                self._snapshot = await self.read(lambda connection: self._load(connection, before))
            except DatabaseUnavailableError as error:
                if before is None:
                    raise
                _log.warning("the console cannot reach the database", action="console.away", error=str(error))
                self._snapshot = replace(before, at=clock.now(), available=False)
            self._looked = time.monotonic()

    def _load(self, connection: Connection, before: Snapshot | None) -> Snapshot:
        now, begun = clock.now(), time.monotonic()
        totals = before.totals if before else {}
        if before is None or begun >= self._totals_due:
            totals = store.totals(connection, now=now)
            self._totals_due = begun + max(2.0, (time.monotonic() - begun) * _SLOW_SHARE)
        known = before.events if before else []
        fresh = store.newest_events(connection, after=known[0]["id"] if known else 0, limit=_KEPT)
        needs, counts = store.open_needs(connection, now=now)
        lag = store.ingest_lag(connection, now=now)
        return Snapshot(
            at=now,
            totals=totals,
            lag_seconds=None if lag is None else clock.wall_seconds(lag),
            needs=needs,
            need_counts=counts,
            events=[*fresh, *known][:_KEPT],
        )
