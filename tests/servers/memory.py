"""Where databases live that nobody needs after the tests: in memory, where there is enough of it.

A clone of the template is hundreds of small files; to make them costs a disk's file system ten times what it costs one
in memory, and that is most of what a test with a database costs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

_FOLDER = Path("/dev/shm")
_ENOUGH = 3 * 512 * 1024**2  # bytes; the four servers of two processes have used half of it


@cache
def memory_folder() -> Path | None:
    """Return a folder in memory with room for the servers of a test run, or None (containers often have 64 MB)."""
    if not _FOLDER.is_mount() or not os.access(_FOLDER, os.W_OK | os.X_OK):
        return None
    enough = shutil.disk_usage(_FOLDER).free >= _ENOUGH and _unused_memory() >= 2 * _ENOUGH
    return _FOLDER if enough else None


def _unused_memory() -> int:
    """Return how many bytes of memory programs may still take."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


@cache
def mounts_are_allowed() -> bool:
    """Return whether we may mount the folder in memory elsewhere for one process, as a server in a chroot needs."""
    command = ["unshare", "--mount", "mount", "--bind", str(_FOLDER), str(_FOLDER)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
