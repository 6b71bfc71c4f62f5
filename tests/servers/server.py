"""What all test servers have in common."""

from __future__ import annotations

import re
import subprocess
from typing import Protocol

_VERSION = re.compile(r"(?:version|\(PostgreSQL\)) `?(\d+(?:\.\d+)+)")


class Server(Protocol):
    """A real server that can be started and stopped. All of them listen on loopback, on free ports."""

    name: str
    """What to call it in the summary, with its version once known."""

    def available(self) -> str | None:
        """Return None if this machine can run it, else the reason why not."""

    def start(self) -> None:
        """Start it and wait until it serves; raises StopError with its last words if it does not."""

    def stop(self) -> None:
        """End it and remove what it left. May be called again."""

    def settings(self) -> dict[str, str]:
        """Return the ``IOT_…`` settings that make the service use it, once started."""


def version_of(*command: str) -> str:
    """Return the version that a program names in what it prints for ``command``, or a question mark."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
    except OSError:
        return "?"
    found = _VERSION.search(done.stdout)
    return found[1] if found else "?"
