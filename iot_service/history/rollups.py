"""The rollup runner: what was received becomes minutes, hours and days.

It finds new readings by their time of receipt, up to what ingest vouches to have stored, so ingest has nothing to write
for it. Each minute is computed when it is over, each hour and day likewise; what comes late has its buckets computed
again.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from iot_service import clock, logs
from iot_service.db import Connection, Database
from iot_service.db.health import caught_up_at
from iot_service.history import store
from iot_service.history.spans import DAY, HOUR, MINUTE, floor
from iot_service.history.store import Due, Progress

_SETTLE = timedelta(seconds=30)  # of life: what is stored without ingest is committed so long after it was received
_PATIENCE = timedelta(hours=1)  # of life: an ingest process that vouches for nothing that long holds nothing up
_LITTLE = timedelta(seconds=5)  # a reading may be so long on its way and still be in its minute's first computation
_AT_ONCE = 5000  # buckets in one transaction
_LONGEST = timedelta(days=30)
_QUICK, _SLOW = 0.5, 4.0  # seconds of life
_log = logs.get(__name__)


class RollupRunner:
    """Keeps rollups up to date. Several may run: one works at a time, the others find nothing to do."""

    def __init__(self, database: Database, *, no_minutes: Collection[str] = ()) -> None:
        """Take the products without minute rollups; their hours are computed from readings."""
        self._database = database
        self._no_minutes = sorted(no_minutes)
        self._window = MINUTE  # how much is read at once while catching up

    def run_once(self) -> int:
        """Do one transaction of each level, where something is due; return how many buckets were looked at."""
        now = clock.now()
        return self._minutes(now) + self._work_off(Due.HOUR, now) + self._work_off(Due.DAY, now)

    def _minutes(self, now: datetime) -> int:
        began = time.monotonic()
        with self._database.transaction() as connection:
            progress = store.hold(connection)
            if progress is None:
                return 0
            moved = self._receive(connection, progress, now)
            touched = 0 if moved else self._touch_late(connection, now)
            if moved or touched:
                store.compute_minutes(connection)
        spent = time.monotonic() - began
        if spent < _QUICK:
            self._window = min(self._window * 2, _LONGEST)
        elif spent > _SLOW:
            self._window = max(self._window / 2, MINUTE)
        return moved + touched

    def _receive(self, connection: Connection, progress: Progress, now: datetime) -> int:
        """Touch what was received since the last run; return 1 where that was more than nothing to look at."""
        slots = store.read_slots(connection)
        after = progress.received_until
        if after is None:
            oldest = store.oldest_received(connection)
            if oldest is None:
                return 0
            after = floor(oldest, MINUTE) - MINUTE
            store.save_progress(connection, Progress(after, slots))
        until = _settled(connection, now)
        returned = [at for client_id, at in progress.slots.items() if at < after and slots.get(client_id, after) > at]
        if returned:  # a slot that was not waited for any longer goes on, or was emptied: what it held is stored now
            after = floor(min(returned), MINUTE)
            _log.info("an ingest slot that stood still goes on", action="rollups.look_again", since=f"{after}")
        minute = min(floor(until - _LITTLE, MINUTE), after + max(self._window, MINUTE))
        if minute <= after:
            return 0
        store.touch_received(
            connection, after=after, until=min(until, minute + _LITTLE), minute=minute, no_minutes=self._no_minutes
        )
        store.save_progress(connection, Progress(minute, slots))
        return 1

    def _touch_late(self, connection: Connection, now: datetime) -> int:
        """Touch what somebody stored with a time of receipt that lies back, and said so."""
        return store.touch_due(connection, Due.MINUTES, before=now, no_minutes=self._no_minutes, limit=_AT_ONCE)

    def _work_off(self, level: Due, now: datetime) -> int:
        with self._database.transaction() as connection:
            progress = store.hold(connection)
            if progress is None:
                return 0
            before = floor(progress.received_until or now, level.width)
            return work_off(connection, level, before=before, no_minutes=self._no_minutes)


def work_off(connection: Connection, level: Due, *, before: datetime, no_minutes: Collection[str]) -> int:
    """Compute hours or days that are due and begin before ``before`` (UTC); return how many. The caller holds them."""
    touched = store.touch_due(connection, level, before=before, no_minutes=no_minutes, limit=_AT_ONCE)
    if touched:
        (store.compute_hours if level is Due.HOUR else store.compute_days)(connection)
    return touched


def rebuild(
    database: Database,
    since: datetime,
    until: datetime,
    *,
    devices: Sequence[str] | None = None,
    no_minutes: Collection[str] = (),
) -> Iterator[datetime]:
    """Compute every rollup from ``since`` to ``until`` (UTC) anew, of ``devices`` or (None) of all.

    Yields up to where the lowest level is done, about once a second or slower, and ``until`` when all is done. Each
    part is a transaction of its own, so it can be broken off and begun again.
    """
    begin, end, width = floor(since, HOUR), floor(until - timedelta(microseconds=1), HOUR) + HOUR, DAY
    while begin < end:
        began = time.monotonic()
        stop = min(floor(begin, DAY) + width, end)
        with database.transaction() as connection:
            store.hold(connection, wait=True)
            store.touch_measured(connection, since=begin, until=stop, devices=devices, no_minutes=no_minutes)
            store.compute_minutes(connection)
        begin = stop
        while _held(database, Due.HOUR, before=end, no_minutes=no_minutes):
            pass
        if time.monotonic() - began < 2 * _QUICK:
            width = min(width * 2, _LONGEST)
        yield begin
    while _held(database, Due.DAY, before=floor(end, DAY), no_minutes=no_minutes):
        pass


def _held(database: Database, level: Due, *, before: datetime, no_minutes: Collection[str]) -> int:
    with database.transaction() as connection:
        store.hold(connection, wait=True)
        return work_off(connection, level, before=before, no_minutes=no_minutes)


def _settled(connection: Connection, now: datetime) -> datetime:
    """Return up to when (UTC) everything that was received is committed."""
    settled = now - clock.during(_SETTLE)
    vouched = caught_up_at(connection)
    return settled if vouched is None else min(settled, max(vouched, now - clock.during(_PATIENCE)))
