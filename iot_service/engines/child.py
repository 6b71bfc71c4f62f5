"""A process of ours under the watchdog: it ends when we stop it, and also when we are killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from iot_service.engines.users import User
from iot_service.errors import StopError

_WATCHDOG = Path(__file__).with_name("watchdog.py")
_LOG_LIMIT = 1_000_000  # bytes of an engine's log that a new start still appends to

PLAIN_ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}
"""What a foreign program gets instead of our environment, which may hold secrets."""


class Child:
    """One engine process under its watchdog.

    ``command`` runs in ``folder``, writing to the file ``log``, as ``user`` (None: as ourselves) with the environment
    ``env`` (None: ours). It is ended by ``signals`` in turn with ``grace`` seconds after each, then by SIGKILL; after
    that ``remove`` is deleted, if given. The engine inherits the descriptors ``keep``.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        log: Path,
        signals: Sequence[str] = ("TERM",),
        grace: float = 10.0,
        user: User | None = None,
        env: Mapping[str, str] | None = None,
        keep: Sequence[int] = (),
        remove: Path | None = None,
    ) -> None:
        self.command, self.folder, self.log = list(command), folder, log
        self._patience = grace * len(signals) + 5.0
        self._env, self._keep = env, tuple(keep)
        self._options = ["--signals", ",".join(signals), "--grace", str(grace), "--folder", str(folder)]
        if user:
            self._options += ["--user", f"{user.uid}:{user.gid}"]
        if remove:
            self._options += ["--remove", str(remove)]
        self._options += [f"--keep={descriptor}" for descriptor in keep]
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self.pid = 0
        """The engine's own process id; 0 before the first start."""

    def start(self) -> None:
        """Start watchdog and engine; raises StopError when the engine's program cannot be run at all."""
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.unlink()
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._watchdog = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_WATCHDOG), *self._options, "--", *self.command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._env,
                pass_fds=self._keep,
                start_new_session=True,
            )
        assert self._watchdog.stdout is not None  # we asked for a pipe
        _not_in_forks(self._watchdog)
        with self._watchdog.stdout as report:
            line = report.readline().decode().strip()
        if not line.isdigit():
            self.stop()
            reason = line.removeprefix("error ") or self.last_words()
            raise StopError(f"cannot start {self.command[0]}: {reason}")
        self.pid = int(line)

    @property
    def running(self) -> bool:
        """Whether the engine still runs."""
        return self._watchdog is not None and self._watchdog.poll() is None

    def stop(self) -> int | None:
        """End the engine, wait for it, and return its exit code (None: it never ran). May be called again."""
        if self._watchdog is None:
            return None
        if self._watchdog.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._watchdog.stdin.close()
        return self._watchdog.wait(self._patience)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the engine itself, for tests of what happens when it dies."""
        if self.running:
            os.kill(self.pid, number)

    def last_words(self, lines: int = 12) -> str:
        """Return the last ``lines`` lines that the engine wrote since its start, or a word that there are none."""
        return "\n".join(self.written().splitlines()[-lines:]) or "(it wrote no log)"

    def written(self) -> str:
        """Return all that the engine wrote since its start."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def wait_until(self, ready: Callable[[], bool], *, timeout: float) -> bool:
        """Ask ``ready`` until it says yes; False when the engine ends before, or ``timeout`` seconds have passed."""
        deadline = time.monotonic() + timeout
        while self.running and time.monotonic() < deadline:
            if ready():
                return True
            time.sleep(0.02)
        return False


def _not_in_forks(watchdog: subprocess.Popen[bytes]) -> None:
    """Close our end of the pipe in processes that are forked off us, or the engine would outlive us with them."""
    reference = weakref.ref(watchdog)

    def close() -> None:
        process = reference()
        if process is not None and process.stdin is not None:
            process.stdin.close()

    os.register_at_fork(after_in_child=close)
