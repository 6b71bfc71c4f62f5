"""What watches over one process: its probes, its pool, and the listener that tells of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from iot_service import config, metrics
from iot_service.config import Settings
from iot_service.db import Database, DatabaseUnavailableError
from iot_service.db.health import pending_migrations
from iot_service.db.pool import PoolUse
from iot_service.metrics.listener import listening
from iot_service.metrics.pulse import Pulse

DATABASE = "the database"
"""The part of a process's pulse that works while the database answers and has the newest schema."""

_EVERY = 2.0  # seconds
_ANSWERS_WITHIN = 10.0  # seconds; a database that takes longer serves nobody


@contextmanager
def monitored(
    settings: Settings,
    process: str,
    pulse: Pulse,
    database: Database,
    *,
    ask: bool = True,
    connected: Callable[[], bool] | None = None,
) -> Iterator[None]:
    """Watch over this process while the block lasts.

    Its probes and its pool stand in the figures; the listener of ``IOT_METRICS_PORT`` serves both, in a tree only that
    of the API, which tells of all. With ``ask`` the process is ready only while the database answers; one that stores
    all the time (ingest) need not ask, but says by ``connected`` whether it has the broker. Raises StopError where the
    port is taken.
    """
    stop = threading.Event()
    if connected is not None:
        pulse.require("the connection to the broker", connected)
    threads = [
        threading.Thread(target=_tell, args=(process, pulse, database, connected, stop), name="probes", daemon=True)
    ]
    if ask:
        # Until it has answered once; and never reason enough to end the process.
        pulse.expect(DATABASE, ready_within=_ANSWERS_WITHIN, live_within=float("inf"))
        threads.append(threading.Thread(target=_ask, args=(pulse, database, stop), name="ask", daemon=True))
    with ExitStack() as stack:
        if settings.metrics_port is not None and (config.metrics_folder() is None or process == "api"):
            stack.enter_context(listening(settings.metrics_host, settings.metrics_port, pulse))
        stack.callback(stop.set)
        for thread in threads:
            thread.start()
        yield


def _ask(pulse: Pulse, database: Database, stop: threading.Event) -> None:
    """Ask the database every two seconds; while it hangs so does this thread, and nothing else."""
    while not stop.is_set():
        try:
            with database.transaction() as connection:
                if not pending_migrations(connection):
                    pulse.worked(DATABASE)
        except DatabaseUnavailableError:
            pulse.beat(DATABASE)
        stop.wait(_EVERY)


def _tell(
    process: str, pulse: Pulse, database: Database, connected: Callable[[], bool] | None, stop: threading.Event
) -> None:
    """Write the probes and the pool into the figures every two seconds."""
    before = PoolUse(0, 0, 0.0, 0)
    while not stop.is_set():
        metrics.observe_probes(process, live=not pulse.not_live(), ready=not pulse.not_ready())
        if connected is not None:
            metrics.observe_broker(connected=connected())
        use = database.use()
        metrics.observe_pool(
            process,
            connections=use.connections,
            waits=use.waits - before.waits,
            wait_seconds=use.wait_seconds - before.wait_seconds,
            errors=use.errors - before.errors,
        )
        before = use
        stop.wait(_EVERY)
