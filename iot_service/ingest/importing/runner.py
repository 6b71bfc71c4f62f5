"""One import: pieces of a file are read and packed in a thread while the piece before is being stored.

**What rules see of it.** Importing the past must not act on needs of the past. What the rule runner folds is decided by
``rule_state.evaluated_until`` and ``evaluated_received`` of the device, and these cannot tell history from what was
streamed: a device never heard of has neither, so its first live reading would bring all of its imported past with it; a
device that lies behind would fold imported readings that are newer than its place; and moving that place forward would
pass over live readings that are stored and not judged yet, forget timers that are running, and race with the runner
that holds the row. So history is told apart where it stands: its rows carry ``historic``, and the rule runner's queries
(samples, late readings, windows) pass such rows over. Nothing of ``rule_state`` is read, written or locked:

- a device without a place: its first live reading is judged as if there were no history;
- a device behind, or in the middle of streaming: its place, its timers and its windows stay as they are, and a window
  built anew after a restart holds what it held before;
- a runner at work meanwhile: what it sees does not depend on when the import commits.

A reading that was streamed and comes again in a file stays as it is. One that was imported and is streamed later is
stored already, and so stays history: a device that delivers a backlog that was imported before is not judged by it.

With ``judge`` the rows are like any others, and the to-do rows of the rule runner are written when the whole file is
stored, so that the order of the file does not matter: needs are as if the readings had streamed in order of time. For
a time that a device was judged for already they are late, as they would have been. What was imported as history before
becomes like any other when it is imported again with ``judge``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from iot_service import clock, logs, metrics
from iot_service.db import Database, DatabaseUnavailableError
from iot_service.ingest.batches import Context
from iot_service.ingest.importing import store
from iot_service.ingest.importing.packing import Packer, Parcel
from iot_service.ingest.importing.records import Reader
from iot_service.ingest.micros import to_micros
from iot_service.ingest.registry import Registered
from iot_service.ingest.store import find_devices

_BACKOFF = (0.2, 1.0, 5.0, 10.0, 30.0)  # seconds before another attempt to store a piece; then the import ends
_log = logs.get(__name__)


@dataclass(slots=True)
class ImportReport:
    """What an import has done by now: readings taken, faults, and where it stands.

    ``done`` says that the end of the file is reached; ``finished_before`` when that was, if there was nothing to do.
    """

    readings: int = 0
    faults: int = 0
    position: int = 0
    total: int | None = None
    done: bool = False
    finished_before: datetime | None = None


class Importer:
    """Imports files into one database. ``judge`` lets rules judge what is imported (see the module's text)."""

    def __init__(self, database: Database, context: Context, *, judge: bool = False) -> None:
        self._database = database
        self._context = context
        self._judge = judge

    def run(
        self,
        reader: Reader,
        *,
        import_id: str | None,
        name: str,
        stop: threading.Event,
        restart: bool = False,
        tell: Callable[[ImportReport], None] = lambda _report: None,
    ) -> ImportReport:
        """Import what ``reader`` has, from where an earlier run under ``import_id`` stopped; return what was done.

        ``import_id`` is None for a stream, which cannot be taken up again. ``tell`` hears of each piece. Ends early,
        between two pieces, when ``stop`` is set. Raises DatabaseUnavailableError when the database stays away.
        """
        now = clock.now()
        received = to_micros(now)
        known_as = import_id or f"stream {received}"
        with self._database.transaction() as connection:
            begun = store.begin(connection, known_as, name=name, judge=self._judge, restart=restart, now=now)
        report = ImportReport(position=begun.position, total=reader.total, finished_before=begun.finished_at)
        if begun.finished_at is not None:
            report.done = True
            return report
        packer = Packer(self._find_devices, self._context, received=received, historic=not self._judge, name=name)
        for parcel in _ahead(map(packer.pack, reader.chunks(begun.position))):
            if stop.is_set():
                return report
            faults = self._store(parcel, known_as, received, stop)
            metrics.observe_stored(messages=0, readings=parcel.readings, dead_letters=faults)
            report.faults += sum(faults.values())
            report.readings += parcel.readings
            report.position = parcel.position
            tell(report)
        with self._database.transaction() as connection:
            store.finish(connection, known_as, received=received, now=clock.now(), forget=import_id is None)
        report.done = True
        return report

    def _store(self, parcel: Parcel, import_id: str, received: int, stop: threading.Event) -> dict[str, int]:
        """Store a parcel, again after a while when the database is away or a lock was in the way."""
        for delay in (*_BACKOFF, None):
            try:
                with self._database.transaction() as connection:
                    return store.store_parcel(
                        connection, parcel, import_id=import_id, received=received, judge=self._judge, now=clock.now()
                    )
            except DatabaseUnavailableError as error:
                if delay is None or stop.is_set():
                    raise
                _log.warning("a piece cannot be stored now", action="import.waiting", seconds=delay, error=str(error))
                stop.wait(delay)
        raise AssertionError("the last attempt returns or raises")

    def _find_devices(self, ids: list[str]) -> dict[str, Registered]:
        with self._database.transaction() as connection:
            return find_devices(connection, ids)


def _ahead(parcels: Iterator[Parcel]) -> Iterator[Parcel]:
    """Yield ``parcels``, the next one being made in a thread meanwhile."""
    with ThreadPoolExecutor(1, thread_name_prefix="import") as thread:
        following = thread.submit(next, parcels, None)
        while (parcel := following.result()) is not None:
            following = thread.submit(next, parcels, None)
            yield parcel
