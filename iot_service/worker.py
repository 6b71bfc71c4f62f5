"""The worker: one visible table of jobs, each in a thread that runs it every so often, and at once when woken.

Threads and events rather than a scheduler library: a wake-up that arrives while a job runs must lead to one more run,
and nothing here is due by the calendar.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from iot_service import logs, metrics
from iot_service.db import Database, DatabaseUnavailableError
from iot_service.metrics.pulse import LIVE_WITHIN, Pulse

_READY_WITHIN = 120.0  # seconds, beyond its interval, in which a job must have come to a good end
_LONGEST_REST = 0.5  # seconds
_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the table: ``run`` does what is due and returns how much that was.

    It runs at least every ``seconds`` (of life), and at once when something arrives on one of the database channels
    ``wake_on``. Runs of one job never overlap in one process; several processes share the work through the database.

    ``at_once`` is what one run does at most, for a job whose work grows cheaper when more of it is done at once. When
    it has caught up (a run did less), it rests for half as long as it has worked, half a second at the most: so it
    leaves room for others, and under load finds more to do each time.
    """

    name: str
    run: Callable[[], int]
    seconds: float
    wake_on: tuple[str, ...] = ()
    at_once: int | None = None


class Worker:
    """Runs a table of jobs until it is told to stop; each is a part of the process's ``pulse``."""

    def __init__(self, database: Database, jobs: Sequence[Job], *, pulse: Pulse | None = None) -> None:
        self._database = database
        self._jobs = list(jobs)
        self._pulse = pulse or Pulse()
        self._wake = {job.name: threading.Event() for job in jobs}

    def run(self, stop: threading.Event) -> None:
        """Run until ``stop`` is set, then finish what has begun."""
        for job in self._jobs:
            self._pulse.expect(
                job.name, ready_within=job.seconds + _READY_WITHIN, live_within=job.seconds + LIVE_WITHIN
            )
        channels = sorted({channel for job in self._jobs for channel in job.wake_on})
        listeners = [threading.Thread(target=self._listen, args=(name, stop), daemon=True) for name in channels]
        workers = [threading.Thread(target=self._work, args=(job, stop), name=job.name) for job in self._jobs]
        for thread in listeners + workers:
            thread.start()
        stop.wait()
        for event in self._wake.values():
            event.set()
        for thread in workers:
            thread.join()

    def _work(self, job: Job, stop: threading.Event) -> None:
        wake = self._wake[job.name]
        while not stop.is_set():
            wake.clear()
            began = time.monotonic()
            while (done := self._run_guarded(job)) and not stop.is_set():
                if job.at_once is not None and done < job.at_once:
                    stop.wait(min((time.monotonic() - began) / 2, _LONGEST_REST))
                    began = time.monotonic()
            if not stop.is_set():
                wake.wait(job.seconds)

    def _run_guarded(self, job: Job) -> int:
        began = time.perf_counter()
        done: int | None = None
        try:
            done = job.run()
        except DatabaseUnavailableError as error:
            _log.warning(
                "the database is away; trying again", action="worker.database_away", job=job.name, error=str(error)
            )
        except Exception:  # a runner: one job's failure must not end the others
            _log.exception("a job failed and will be tried again", action="worker.job_failed", job=job.name)
        metrics.observe_job(job.name, ok=done is not None, seconds=time.perf_counter() - began)
        if done is None:
            self._pulse.beat(job.name)
            return 0
        self._pulse.worked(job.name)
        return done

    def _listen(self, channel: str, stop: threading.Event) -> None:
        woken = [self._wake[job.name] for job in self._jobs if channel in job.wake_on]
        while not stop.is_set():
            try:
                for payload in self._database.listen(channel, timeout=1.0):
                    if payload is not None:
                        for event in woken:
                            event.set()
                    if stop.is_set():
                        return
            except DatabaseUnavailableError:
                _log.warning(
                    "cannot listen for wake-ups; polling goes on", action="worker.listen_lost", channel=channel
                )
                stop.wait(1.0)
