"""Which sessions at the broker this process holds: leases on slots, so that no session is left behind with a queue.

A slot is a client id with a persistent session. A process leases one and renews the lease; when it ends in order, or is
gone (it is dead, or its lease has run out), another process may have the slot. Where processes share the work, one that
is gone has messages waiting that nobody else is dealt: somebody takes its session over, is dealt nothing new through
it, stores what waits, and gives the session up. A single subscription has one slot; who does not get it stands by.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from iot_service import clock, logs
from iot_service.db import Connection, Database, DatabaseUnavailableError
from iot_service.ingest import store
from iot_service.ingest.holders import is_dead, new_holder
from iot_service.ingest.mqtt.plan import SessionPlan, draining, working
from iot_service.ingest.topics import client_id

LEASE = timedelta(seconds=15)  # of life
_RENEW = 3.0  # seconds of life
_SETTLED = 10.0  # seconds of life with a database, before anybody's lease is believed to have run out
_RESTARTED = 5.0  # seconds of life in which a process that died may be started again, and go on with its own slot
_PREFIX = client_id("")
_log = logs.get(__name__)


class Sessions(Protocol):
    """What opens and closes sessions at the broker."""

    def open(self, plan: SessionPlan) -> None:
        """Take up the session of a slot, unless it is open already."""

    def close(self, slot: str) -> None:
        """Leave it, if it is open; the broker keeps it."""

    def forget(self, slot: str, *, stored_until: datetime) -> bool:
        """Leave it and have the broker forget it, now that all that came for it before then (UTC) is stored.

        Returns False, and leaves it open, where that does not cover its present connection: on an earlier one somebody
        else may have come between and been dealt something.
        """


class SlotKeeper:
    """Keeps the slots of one process: one to work in, one for each topic that must stay in order, others to empty.

    ``topics`` are what everybody may share, ``ordered`` the plans of sessions that only one process at a time has.
    ``wanted`` is the name of the slot to work in; None takes the first one that is free. ``monotonic`` tells seconds of
    life that have passed.
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
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._database, self._sessions = database, sessions
        self._topics, self._share, self._wanted, self._ordered = topics, share, wanted, ordered
        self._holder = new_holder()
        self._working: str | None = None
        self._kept_in_order: set[str] = set()
        self._emptying: dict[str, datetime] = {}  # up to when they vouched as we took them over
        self._dead_since: dict[tuple[str, str | None], float] = {}  # since when we know it, by slot and holder
        self._database_since: float | None = None
        self._renewed: float | None = None
        self._standing_by = False

    def run(self, stop: threading.Event) -> None:
        """Hold slots until ``stop`` is set; call :meth:`release` when what they brought is acknowledged."""
        while not stop.is_set():
            try:
                self.step()
                failed = False
            except Exception as error:  # a runner: whatever it was, a process without leases would be taken for gone
                failed = True
                message = f"{type(error).__name__}: {error}"
                _log.warning("leases cannot be renewed now", action="slots.not_renewed", error=message)
                self.not_renewed()
            stop.wait(_RENEW if self._working is not None and not failed else _RENEW / 6)

    def step(self) -> None:
        """Renew what is held, take what is free, empty what others left. Raises DatabaseUnavailableError."""
        began = self._monotonic()
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
        self._database_since = self._database_since or began
        self._renewed = began
        self._open()
        self._give_up_empty()

    def not_renewed(self) -> None:
        """Take note that a step failed; when our leases have run out, close the sessions.

        Whoever has them then must not be thrown out by us. The next good step opens those again that still are ours.
        """
        self._database_since = None
        if self._renewed is not None and self._monotonic() - self._renewed > LEASE.total_seconds():
            self._renewed = None
            for slot in self._held():
                self._sessions.close(slot)

    def release(self) -> None:
        """Let others have the slots at once; does nothing when the database is away: then the leases run out."""
        if self._database_since is None:
            return
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
        dead = [before.holder] if before is not None and before.holder and is_dead(before.holder) else []
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
            if slot in self._emptying or (self._wanted is None and self._may_be_renewed(known.get(slot))):
                continue
            if self._lease(connection, slot, known) is not None:
                self._standing_by = False
                return slot
        if not self._standing_by:
            _log.info("another process holds the slot; standing by", action="slots.standby", slot=choices[0])
        self._standing_by = True
        return None

    def _take_ordered(self, connection: Connection, known: dict[str, store.Slot]) -> None:
        for plan in self._ordered():
            if plan.slot in self._kept_in_order or self._may_be_renewed(known.get(plan.slot)):
                continue
            if self._lease(connection, plan.slot, known) is not None:
                self._kept_in_order.add(plan.slot)

    def _take_abandoned(self, connection: Connection, known: dict[str, store.Slot]) -> None:
        """Take over the slots of processes that are gone, and do not come back."""
        if self._working is None:
            return
        held = {*self._held(), *(plan.slot for plan in self._ordered())}
        dead = {(slot, row.holder) for slot, row in known.items() if row.holder is not None and is_dead(row.holder)}
        self._dead_since = {gone: self._dead_since.get(gone, self._monotonic()) for gone in dead}
        for slot, row in known.items():
            if slot in held or not self._is_abandoned(slot, row):
                continue
            vouched = self._lease(connection, slot, known)
            if vouched is not None:
                _log.warning("a process is gone; emptying what waits for it", action="slots.taken_over", slot=slot)
                self._emptying[slot] = vouched

    def _settled(self) -> bool:
        """Return whether the database has answered for so long that everybody has had the time to renew."""
        return self._database_since is not None and self._monotonic() - self._database_since >= _SETTLED

    def _may_be_renewed(self, row: store.Slot | None) -> bool:
        """Return whether the holder of a slot whose lease has run out may live: the database was away for him, too."""
        return row is not None and row.holder is not None and not self._settled() and not is_dead(row.holder)

    def _is_abandoned(self, slot: str, row: store.Slot) -> bool:
        """Return whether the holder of a slot has had the time to be started again since he was gone."""
        died = self._dead_since.get((slot, row.holder))
        if died is not None and self._monotonic() - died >= _RESTARTED:
            return True
        return self._settled() and (row.leased_until is None or row.leased_until + clock.during(LEASE) <= clock.now())

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
            stored_until = vouched.get(slot, before)
            if stored_until <= before or not self._sessions.forget(slot, stored_until=stored_until):
                continue
            with self._database.transaction() as connection:
                store.remove_slot(connection, client_id(slot), holder=self._holder)
            del self._emptying[slot]
            _log.info("a slot that was left is empty, and given up", action="slots.emptied", slot=slot)
