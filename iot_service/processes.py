"""Child processes that end with their parent, however the parent ends.

Each child gets the read end of a pipe whose write end only the parent holds. When the parent ends, also by SIGKILL, the
pipe closes and the child stops by itself. Ending in order is the same move: the parent closes the pipe.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from iot_service import config, logs

_FAST_DEATH_SECONDS = 5.0
_GRACE_SECONDS = 15.0
EXIT_STOP = 2
"""Exit code of a process that cannot go on until a person mends something (a wrong setting): it isn't restarted."""

_log = logs.get(__name__)


def stop_event() -> threading.Event:
    """Return an event that is set when this process shall end: SIGTERM, SIGINT, or its parent is gone.

    Call it once, in the main thread. A process that has not ended 15 s after its parent is ended hard.
    """
    stop = threading.Event()

    def on_signal(_number: int, _frame: object) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    pipe = config.parent_pipe()
    if pipe is not None:
        threading.Thread(target=_watch_parent, args=(pipe, stop), name="parent", daemon=True).start()
    return stop


def _watch_parent(pipe: int, stop: threading.Event) -> None:
    while os.read(pipe, 1):
        pass
    stop.set()
    time.sleep(_GRACE_SECONDS)
    os._exit(1)


@dataclass(slots=True)
class Child:
    """One child process: a command of this program, with its environment."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log_file: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    quick_deaths: int = 0
    _write_end: int = field(default=-1)

    def start(self) -> None:
        """Start it, in a session of its own so that Ctrl-C in the terminal reaches only the parent."""
        read_end, self._write_end = os.pipe()
        output = self.log_file.open("ab") if self.log_file else None
        try:
            self.process = subprocess.Popen(  # noqa: S603  # our own program
                [sys.executable, "-m", "iot_service", *self.arguments],
                env={**self.environment, config.PARENT_PIPE: str(read_end)},
                pass_fds=[read_end],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        finally:
            os.close(read_end)
            if output:
                output.close()
        self.started = time.monotonic()

    def ask_to_stop(self) -> None:
        """Close its pipe: it stops taking work, finishes what it has begun, and ends."""
        if self._write_end >= 0:
            os.close(self._write_end)
            self._write_end = -1

    def wait(self, timeout: float) -> None:
        """Wait until it has ended; after ``timeout`` seconds it is killed."""
        if self.process is None:
            return
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            _log.warning("a process did not stop in time and was killed", action="process.killed", process=self.name)
            self.process.kill()
            self.process.wait()


class ProcessTree:
    """Several children that run until they are stopped; one that dies is started again, later when it died young."""

    def __init__(self, children: Sequence[Child]) -> None:
        self.children = list(children)

    def start(self) -> None:
        """Start every child, in order."""
        for child in self.children:
            child.start()

    def watch(self, stop: threading.Event) -> int:
        """Keep the children alive until ``stop`` is set; return 0, or the exit code of one that asked not to go on."""
        while not stop.wait(0.2):
            for child in self.children:
                code = child.process.poll() if child.process else None
                if code is None:
                    continue
                if code == EXIT_STOP:
                    return code
                self._restart(child, code, stop)
        return 0

    def _restart(self, child: Child, code: int, stop: threading.Event) -> None:
        young = time.monotonic() - child.started < _FAST_DEATH_SECONDS
        child.quick_deaths = child.quick_deaths + 1 if young else 0
        delay = min(30.0, 0.5 * 2**child.quick_deaths) if young else 0.0
        _log.error(
            "a process ended by itself and is started again",
            action="process.restarted",
            process=child.name,
            exit_code=code,
            delay_s=delay,
        )
        child.ask_to_stop()
        if not stop.wait(delay):
            child.start()

    def stop(self) -> None:
        """Ask every child to stop, and wait until all have."""
        for child in self.children:
            child.ask_to_stop()
        deadline = time.monotonic() + _GRACE_SECONDS
        for child in self.children:
            child.wait(max(0.1, deadline - time.monotonic()))
