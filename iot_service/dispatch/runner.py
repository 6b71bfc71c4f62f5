"""The dispatch runner: technicians who do not answer, and rounds that are due."""

from __future__ import annotations

from iot_service import clock, logs
from iot_service.db import Database
from iot_service.dispatch import asking, jobs, store
from iot_service.model.work import JobState

_log = logs.get(__name__)
_ACTOR = "service"


class DispatchRunner:
    """Moves jobs on that nobody else moves. Any number may run: each job is held by one of them at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def run_once(self) -> int:
        """Handle every job that is due, each in a transaction of its own; return how many."""
        done = 0
        failed: list[int] = []
        while (job_id := self._next(failed)) is not None:
            if job_id in failed:
                continue
            done += 1
        return done

    def _next(self, failed: list[int]) -> int | None:
        """Handle one due job and return its id (added to ``failed`` where that raised); None where nothing is due."""
        job = None
        try:
            with self._database.transaction() as connection:
                now = clock.now()
                job = store.claim_due(connection, skipped=failed, now=now)
                if job is None:
                    return None
                if job.state is JobState.DISPATCHED:
                    jobs.no_answer(connection, job, actor=_ACTOR, now=now)
                else:
                    asking.ask_next(connection, job, actor=_ACTOR, now=now)
        except Exception:  # a runner: one job that cannot be handled must not stop the others
            if job is None:
                raise
            _log.exception("a job could not be moved on", action="job.failed", job_id=job.id)
            failed.append(job.id)
        return job.id
