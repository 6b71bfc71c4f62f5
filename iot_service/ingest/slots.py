"""Which sessions at the broker this process holds: leases on slots, so that no session is left behind with a queue.

A slot is a client id with a persistent session. A process leases one and renews the lease; when it ends in order, or is
gone (its lease has run out), another process may have the slot. Where processes share the work, one that is gone has
messages waiting that nobody else is dealt: somebody takes its session over, is dealt nothing new through it, stores
what waits, and gives the session up. A single subscription has one slot, and whoever does not get it stands by.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from iot_service import clock, logs
from iot_service.db import Connection, Database, DatabaseUnavailableError
from iot_service.ingest import store
from iot_service.ingest.mqtt.plan import SessionPlan, draining, working
from iot_service.ingest.topics import client_id

LEASE = timedelta(seconds=15)  # of life
_RENEW = 3.0  # seconds of life
_SETTLED = 10.0  # seconds of life with a database, before anybody's lease is believed to have run out
_PREFIX = client_id("")
_PROCESS = secrets.token_hex(4)  # tells this process from an earlier one of the same number
_log = logs.get(__name__)


class Sessions(Protocol):
    """What opens and closes sessions at the broker."""

    def open(self, plan: SessionPlan) -> None:
        """Take up the session of a slot, unless it is open already."""

    def close(self, slot: str, *, forget: bool = False) -> None:
        """Leave it, if it is open; with ``forget`` the broker forgets it, too."""


class SlotKeeper:
    """Keeps the slots of one process: one to work in, one for each topic that must stay in order, others to empty.

    ``topics`` are what everybody may share, ``ordered`` the plans of sessions that only one process at a time has.
    ``wanted`` is the name of the slot to work in; None takes the first one that is free.
    """

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        *,
        topics: tuple[str, ...],
        share: str | None,
        wanted: str | None = None,
        ordered: Callable[[], tuple[SessionPlan, ...]] = tuple,
    ) -> None:
        self._database, self._sessions = database, sessions
        self._topics, self._share, self._wanted, self._ordered = topics, share, wanted, ordered
        self._holder = f"{socket.gethostname()} {os.getpid()}:{_PROCESS}:{secrets.token_hex(4)}"
        self._working: str | None = None
        self._kept_in_order: set[str] = set()
        self._emptying: dict[str, datetime] = {}  # up to when they vouched as we took them over
        self._database_since: float | None = None
        self._standing_by = False

    def run(self, stop: threading.Event) -> None:
        """Hold slots until ``stop`` is set; call :meth:`release` when what they brought is acknowledged."""
        while not stop.is_set():
            try:
                self.step()
            except DatabaseUnavailableError as error:
                self._database_since = None
                _log.warning("leases cannot be renewed now", action="slots.database_away", error=str(error))
            stop.wait(_RENEW if self._working is not None else _RENEW / 6)

    def step(self) -> None:
        """Renew what is held, take what is free, empty what others left. Raises DatabaseUnavailableError."""
        with self._database.transaction() as connection:
            known = {slot.client_id.removeprefix(_PREFIX): slot for slot in store.slots(connection)}
            lost = [slot for slot in self._held() if self._lease(connection, slot, known) is None]
            if self._working is None or self._working in lost:
                self._working = self._take_one(connection, known)
            self._take_ordered(connection, known)
            self._take_abandoned(connection, known)
        for slot in lost:
            _log.warning("another process has taken over a slot of ours", action="slots.lost", slot=slot)
            self._sessions.close(slot)
            self._emptying.pop(slot, None)
            self._kept_in_order.discard(slot)
        self._database_since = self._database_since or time.monotonic()
        self._open()
        self._give_up_empty()

    def release(self) -> None:
        """Let others have the slots at once; does nothing when the database is away: then the leases run out."""
        try:
            with self._database.transaction() as connection:
                for slot in self._held():
                    store.release_slot(connection, client_id(slot), holder=self._holder, now=clock.now())
        except DatabaseUnavailableError:
            _log.warning("slots are not released; their leases run out", action="slots.not_released")

    # Taking ------------------------------------------------------------------------------------------------------

    def _held(self) -> list[str]:
        return [*([self._working] if self._working is not None else []), *self._kept_in_order, *self._emptying]

    def _lease(self, connection: Connection, slot: str, known: dict[str, store.Slot]) -> datetime | None:
        now = clock.now()
        before = known.get(slot)
        dead = [before.holder] if before is not None and before.holder and self._is_dead(before.holder) else []
        return store.lease_slot(
            connection,
            client_id(slot),
            holder=self._holder,
            dead=dead,
            until=now + clock.during(LEASE),
            now=now,
            ordered=any(plan.slot == slot for plan in self._ordered()),
        )

    def _take_one(self, connection: Connection, known: dict[str, store.Slot]) -> str | None:
        if self._wanted is not None:
            choices = [self._wanted]
        elif self._share is None:
            choices = ["1"]
        else:
            choices = [str(number) for number in range(1, len(known) + 2)]
        for slot in choices:
            if slot not in self._emptying and self._lease(connection, slot, known) is not None:
                self._standing_by = False
                return slot
        if not self._standing_by:
            _log.info("another process holds the slot; standing by", action="slots.standby", slot=choices[0])
        self._standing_by = True
        return None

    def _take_ordered(self, connection: Connection, known: dict[str, store.Slot]) -> None:
        for plan in self._ordered():
            if plan.slot not in self._kept_in_order and self._lease(connection, plan.slot, known) is not None:
                self._kept_in_order.add(plan.slot)

    def _take_abandoned(self, connection: Connection, known: dict[str, store.Slot]) -> None:
        """Take over the slots of processes that are gone, once everybody has had the time to renew."""
        settled = self._database_since is not None and time.monotonic() - self._database_since >= _SETTLED
        if not settled or self._working is None:
            return
        held = {*self._held(), *(plan.slot for plan in self._ordered())}
        now = clock.now()
        for slot, row in known.items():
            if slot in held or (row.leased_until is not None and row.leased_until + clock.during(LEASE) > now):
                continue
            vouched = self._lease(connection, slot, known)
            if vouched is not None:
                _log.warning("a process is gone; emptying what waits for it", action="slots.taken_over", slot=slot)
                self._emptying[slot] = vouched

    def _open(self) -> None:
        if self._working is not None:
            self._sessions.open(working(self._working, self._topics, self._share))
        for plan in self._ordered():
            if plan.slot in self._kept_in_order:
                self._sessions.open(plan)
        for slot in self._emptying:
            self._sessions.open(draining(slot, self._topics, self._share))

    def _give_up_empty(self) -> None:
        """Give up the slots whose marker has come back: everything that waited before it is stored."""
        if not self._emptying:
            return
        with self._database.transaction() as connection:
            vouched = {slot.client_id.removeprefix(_PREFIX): slot.caught_up_at for slot in store.slots(connection)}
        for slot, before in list(self._emptying.items()):
            if vouched.get(slot, before) <= before:
                continue
            self._sessions.close(slot, forget=True)
            with self._database.transaction() as connection:
                store.remove_slot(connection, client_id(slot), holder=self._holder)
            del self._emptying[slot]
            _log.info("a slot that was left is empty, and given up", action="slots.emptied", slot=slot)

    def _is_dead(self, holder: str) -> bool:
        """Return whether ``holder`` was a process of this very host that does not run any more."""
        process, _, _ = holder.rpartition(":")
        host, _, rest = process.partition(" ")
        pid, _, token = rest.partition(":")
        if host != socket.gethostname() or not pid.isdecimal():
            return False
        if int(pid) == os.getpid():
            return token != _PROCESS  # an earlier process, whose number we have got
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False
