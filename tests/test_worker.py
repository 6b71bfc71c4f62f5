"""The worker's jobs: woken at once, apart from one another, and finished before the end."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable

from iot_service.db import Database
from iot_service.worker import Job, Worker


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


class Counting:
    """A job's function that counts its runs, and fails at the first if asked."""

    def __init__(self, *, fail_first: bool = False) -> None:
        self.runs = 0
        self._fail_first = fail_first

    def __call__(self) -> int:
        self.runs += 1
        if self._fail_first and self.runs == 1:
            raise RuntimeError("the first run fails")
        return 0


def running(database: Database, *jobs: Job) -> tuple[threading.Event, threading.Thread]:
    stop = threading.Event()
    thread = threading.Thread(target=Worker(database, jobs).run, args=(stop,))
    thread.start()
    return stop, thread


def test_a_job_that_failed_is_tried_again_and_does_not_disturb_the_others(database: Database) -> None:
    failing, steady = Counting(fail_first=True), Counting()
    stop, thread = running(database, Job("failing", failing, 0.02), Job("steady", steady, 0.02))
    assert wait_for(lambda: failing.runs >= 3 and steady.runs >= 3)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


def test_a_notification_in_the_database_wakes_the_job_at_once(database: Database) -> None:
    woken = Counting()
    stop, thread = running(database, Job("woken", woken, 3600, ("event",)))
    try:
        assert wait_for(lambda: woken.runs >= 1)
        before = woken.runs

        def notified() -> bool:
            with database.transaction() as connection:
                connection.execute("NOTIFY event")
            return woken.runs > before

        assert wait_for(notified)
    finally:
        stop.set()
        thread.join(5)


def test_a_job_that_has_caught_up_rests_half_as_long_as_it_worked_and_one_that_is_behind_does_not(
    database: Database,
) -> None:
    left = 5  # full runs that are waiting at the beginning
    spans: list[float] = []

    def work() -> int:
        nonlocal left
        spans.append(time.monotonic())
        time.sleep(0.05)
        left -= 1
        return 10 if left >= 0 else 1

    stop, thread = running(database, Job("work", work, 0.0, at_once=10))
    assert wait_for(lambda: len(spans) >= 8)
    stop.set()
    thread.join(5)
    gaps = [after - before for before, after in itertools.pairwise(spans)]
    assert min(gaps[6:]) >= 0.07  # works 50 ms, rests 25 ms
    assert gaps[5] >= 4 * 0.05  # and after the backlog of 300 ms by that much longer
    assert not thread.is_alive()
