"""Replays letters, each in a transaction of its own: one that cannot be stored does not hold up the others."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from iot_service import clock, logs
from iot_service.db import Connection, Database
from iot_service.ingest.letters import DeadLetter
from iot_service.ingest.micros import to_micros
from iot_service.ingest.reasons import Reason
from iot_service.ingest.replaying import store
from iot_service.ingest.replaying.replay import Outcome, Reader, Replayed, replay
from iot_service.ingest.replaying.store import Letter, Search
from iot_service.ingest.store import is_about_data

_AT_ONCE = 200  # ids looked up at once
_log = logs.get(__name__)


def replay_all(
    database: Database,
    reader: Reader,
    search: Search,
    *,
    actor: str,
    stop: threading.Event,
    dry_run: bool = False,
    tell: Callable[[Replayed], None] = lambda _replayed: None,
) -> Counter[Outcome]:
    """Replay what ``search`` finds now, oldest first; return how many letters had which outcome.

    ``dry_run`` does all of it and takes it back. ``tell`` hears what came of each. Ends early, between two letters,
    when ``stop`` is set.
    """
    outcomes: Counter[Outcome] = Counter()
    with database.transaction() as connection:
        last = store.newest(connection)
    after = 0
    while not stop.is_set():
        with database.transaction() as connection:
            ids = store.ids_after(connection, search, after=after, last=last, limit=_AT_ONCE)
        if not ids:
            break
        for after in ids:  # the next search begins after the last one
            if stop.is_set():
                break
            replayed = replay_one(database, reader, after, actor=actor, dry_run=dry_run)
            if replayed is not None:
                outcomes[replayed.outcome] += 1
                tell(replayed)
    return outcomes


def replay_one(
    database: Database, reader: Reader, letter_id: int, *, actor: str, dry_run: bool = False
) -> Replayed | None:
    """Replay one letter; None where it is gone, or another replay holds it."""
    try:
        with database.transaction() as connection, connection.transaction(force_rollback=dry_run):
            letter = store.get(connection, letter_id, hold=True)
            return _try(connection, letter, reader, actor=actor) if letter is not None else None
    except Exception as error:  # a runner: whatever one letter brings about, the others are read
        if not is_about_data(error):
            raise
        _log.warning("a letter cannot be stored", action="replay.refused", letter=letter_id, exc_info=error)
        return _refuse(database, letter_id, error, dry_run=dry_run)


def _try(connection: Connection, letter: Letter, reader: Reader, *, actor: str) -> Replayed:
    return replay(connection, letter, reader, actor=actor, now=clock.now())


def _refuse(database: Database, letter_id: int, error: Exception, *, dry_run: bool) -> Replayed | None:
    detail = f"it could not be stored: {type(error).__name__}: {error}".replace("\x00", "")[:500]
    with database.transaction() as connection:
        letter = store.get(connection, letter_id, hold=True)
        if letter is None:
            return None
        received = to_micros(letter.received_at)
        failure = DeadLetter(received, letter.topic, letter.device_id, letter.payload, Reason.REFUSED, detail)
        if not dry_run:
            store.keep(connection, letter, [failure])
    return Replayed(Outcome.FAILED, [(Reason.REFUSED.value, detail)])
