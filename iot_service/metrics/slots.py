"""One name for each process of a tree, under which its figures stand in files that all of them can read.

The library names such files by process id, so that every restart leaves some behind for ever. Here a process takes the
name that the tree gave it (``ingest``, or ``ingest.2`` where that is taken) and holds it by a lock on a file for as
long as it lives, however it ends. The next one to take the name goes on with its counters.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

_LOCK = ".lock"


class Slots:
    """The names in one folder."""

    def __init__(self, folder: Path, wanted: str) -> None:
        self._folder = folder
        self._wanted = wanted.replace("_", "-")  # the library takes what stands between underscores for its own
        self._held: IO[bytes] | None = None
        self._pid = 0
        self._name = ""

    def name(self) -> str:
        """Return this process's name; a process that was forked from another takes one of its own."""
        if self._pid != os.getpid():
            self._take()
        return self._name

    def release(self) -> None:
        """Give the name free; the end of the process does so by itself."""
        if self._held is not None:
            self._held.close()
        self._held, self._pid, self._name = None, 0, ""

    def _take(self) -> None:
        self._pid = os.getpid()
        number = 1
        while True:
            name = self._wanted if number == 1 else f"{self._wanted}.{number}"
            file = (self._folder / f"{name}{_LOCK}").open("ab")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                number += 1
                continue
            self._name, self._held = name, file  # what a fork inherited is dropped; its owner still holds it
            forget(self._folder, name)
            return


def prepare(folder: Path) -> None:
    """Make ``folder`` and empty it of what processes left there that live no more; a tree does so before it starts."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in forget_the_dead(folder):
        for file in folder.glob(f"*_{name}.db"):
            file.unlink(missing_ok=True)


def forget(folder: Path, name: str) -> None:
    """Remove what a process that is gone said of its present: queue, connections, readiness. Its counts stay."""
    for file in folder.glob(f"gauge_live*_{name}.db"):
        file.unlink(missing_ok=True)


def forget_the_dead(folder: Path) -> list[str]:
    """Forget the present of every process in ``folder`` that lives no more; return their names.

    A name stays free for a restart: its counts go on from where they were.
    """
    dead: list[str] = []
    for lock in sorted(folder.glob(f"*{_LOCK}")):
        name = lock.name.removesuffix(_LOCK)
        with suppress(BlockingIOError, FileNotFoundError), lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            forget(folder, name)
            dead.append(name)
    return dead
