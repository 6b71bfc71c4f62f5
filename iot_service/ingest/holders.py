"""Who holds a slot: a name for this process, and whether the process of another name is known to be gone."""

from __future__ import annotations

import os
import secrets
import socket
from functools import cache
from pathlib import Path

_PROCESS = secrets.token_hex(4)  # tells this process from an earlier one of the same number


def new_holder() -> str:
    """Return a name that nobody else has, and from which others can see whether this process still runs."""
    return f"{_place()} {os.getpid()}:{_PROCESS}:{secrets.token_hex(4)}"


def is_dead(holder: str) -> bool:
    """Return whether ``holder`` was a process of this very system that does not run any more.

    False for one of another host or container, of which nothing is known here: its lease has to run out.
    """
    place, _, process = holder.rpartition(" ")
    pid, _, token = process.partition(":")
    if place != _place() or not pid.isdecimal():
        return False
    if int(pid) == os.getpid():
        return token.partition(":")[0] != _PROCESS  # an earlier process, whose number we have got
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


@cache
def _place() -> str:
    """Return what tells where process numbers mean the same as here.

    A host's name does not: two machines may share it, and containers on the host's network do. Where the system does
    not tell more, no place is the same as this one.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{socket.gethostname()} {boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return f"{socket.gethostname()} {secrets.token_hex(8)}"
