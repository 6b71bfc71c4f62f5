"""Telling the broker that its files have changed."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from pathlib import Path

from iot_service.errors import RetryError

RELOAD_BY_PID_FILE = "pidfile:"
_PATIENCE = 30.0  # seconds


def reload_broker(how: str | None) -> None:
    """Have the broker read its files again, as ``how`` says; None does nothing (it looks by itself).

    ``pidfile:PATH`` sends SIGHUP to the process named in that file; where there is none, the broker is not running and
    will read the files when it starts. Anything else is a command, run without a shell. Raises RetryError.
    """
    if how is None:
        return
    if how.startswith(RELOAD_BY_PID_FILE):
        _signal(Path(how.removeprefix(RELOAD_BY_PID_FILE)))
        return
    try:
        done = subprocess.run(shlex.split(how), capture_output=True, timeout=_PATIENCE, check=False, text=True)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise RetryError(f"the broker was not reloaded: {error}; check IOT_BROKER_RELOAD") from error
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip()[-300:]
        raise RetryError(f"the broker was not reloaded: exit code {done.returncode}: {words}; check IOT_BROKER_RELOAD")


def _signal(path: Path) -> None:
    try:
        number = int(path.read_text(encoding="ascii"))
        os.kill(number, signal.SIGHUP)
    except (FileNotFoundError, ProcessLookupError):
        return
    except (OSError, ValueError) as error:
        raise RetryError(f"the broker was not reloaded: {error}; check IOT_BROKER_RELOAD") from error
