"""Live streams: server-sent events, fed by one listener for all who watch."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from iot_service import logs
from iot_service.api.store import QUERIES
from iot_service.db import Database, DatabaseUnavailableError

_log = logs.get(__name__)
_WAITING = 1000
_BREATH = 0.25
KEEP_ALIVE = 15.0
"""Seconds of life after which a silent stream says that it still lives."""


@dataclass(slots=True, eq=False)
class Watcher:
    """One who watches: events wait here until they are sent; ``lost`` once some could not be kept."""

    loop: asyncio.AbstractEventLoop
    queue: asyncio.Queue[dict[str, Any]] = field(default_factory=lambda: asyncio.Queue(_WAITING))
    lost: bool = False

    def put(self, event: dict[str, Any]) -> None:
        """Keep ``event`` for this watcher (in its loop)."""
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            self.lost = True


class LiveEvents:
    """Hands every event of the log, as it is committed, to those who watch.

    A watcher that is too slow, and every watcher when the database went away, is told so by the end of its stream; it
    comes back with the id of the last event it saw.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watchers: set[Watcher] = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live events", daemon=True)

    @property
    def stopped(self) -> bool:
        """Whether streams shall end because the process does."""
        return self._stopped.is_set()

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End, and let every stream end."""
        self._stopped.set()
        self._thread.join(timeout=5)

    @contextmanager
    def watching(self) -> Iterator[Watcher]:
        """Watch for as long as the block lasts, in the running loop."""
        watcher = Watcher(asyncio.get_running_loop())
        with self._lock:
            self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            with self._lock:
                self._watchers.discard(watcher)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                for payload in self._database.listen("event", timeout=_BREATH):
                    if self._stopped.is_set():
                        return
                    if payload:
                        self._hand_out(int(payload))
            except DatabaseUnavailableError as error:
                _log.warning("live events wait for the database", action="live.lost", error=type(error).__name__)
                self._lose_all()
                self._stopped.wait(_BREATH)

    def _hand_out(self, event_id: int) -> None:
        with self._lock:
            watchers = list(self._watchers)
        if not watchers:
            return
        with self._database.transaction() as connection:
            event = QUERIES["event"].first(connection, id=event_id)
        if event is not None:
            for watcher in watchers:
                self._tell(watcher, event)

    def _tell(self, watcher: Watcher, event: dict[str, Any]) -> None:
        if not watcher.loop.is_closed():
            watcher.loop.call_soon_threadsafe(watcher.put, event)

    def _lose_all(self) -> None:
        with self._lock:
            for watcher in self._watchers:
                watcher.lost = True


async def follow(events: LiveEvents, watcher: Watcher, *, seconds: float) -> AsyncIterator[dict[str, Any] | None]:
    """Yield the events of ``watcher``, and None every now and then, for up to ``seconds`` of life.

    Streams end after a while, so that a caller whose token was revoked does not watch forever.
    """
    ends = time.monotonic() + seconds
    spoke = time.monotonic()
    while not events.stopped and not watcher.lost and time.monotonic() < ends:
        try:
            event = await asyncio.wait_for(watcher.queue.get(), timeout=min(_BREATH, seconds))
        except TimeoutError:
            if time.monotonic() - spoke < KEEP_ALIVE:
                continue
            event = None
        spoke = time.monotonic()
        yield event


def frame(data: str, *, event_id: int, name: str) -> str:
    """Return one server-sent event; ``data`` is one line of JSON."""
    return f"id: {event_id}\nevent: {name}\ndata: {data}\n\n"


def comment() -> str:
    """Return what keeps a silent stream open."""
    return ": still here\n\n"
