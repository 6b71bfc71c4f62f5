"""A Debian tree with TimescaleDB in it, made once and kept in a cache folder."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from iot_service.errors import StopError

_NAME = "timescaledb-postgresql-17-trixie"
_PROGRAM = "usr/lib/postgresql/17/bin/postgres"


def cache_folder() -> Path:
    """Return the folder for what tests download once: below /var/cache as root, else the user's own."""
    if os.geteuid() == 0:
        return Path("/var/cache/iot-service-tests")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "iot-service-tests"


def why_no_tree() -> str | None:
    """Return why this machine cannot have the tree, or None if it can."""
    if os.geteuid() != 0:
        return "TimescaleDB runs in a chroot, which needs root"
    if (cache_folder() / _NAME / _PROGRAM).exists():
        return None
    return None if shutil.which("mmdebstrap") else "the program mmdebstrap is not installed"


def timescale_tree() -> Path:
    """Return the tree's folder, made within half a minute if it is not there; raises StopError if that fails."""
    cache = cache_folder()
    tree = cache / _NAME
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{_NAME}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another test run may be making it
        if not (tree / _PROGRAM).exists():
            _make(tree)
    return tree


def _make(tree: Path) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{_NAME}-", dir=tree.parent))
    command = ["mmdebstrap", "--variant=minbase", "--include=postgresql-17-timescaledb", "trixie", str(fresh)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise StopError(f"mmdebstrap could not make the TimescaleDB tree:\n{done.stderr[-1500:]}")
    fresh.chmod(0o755)
    null = fresh / "dev" / "null"
    if not null.exists():  # no right to make devices: a plain file does for what initdb wants of it
        null.touch(0o666)
        null.chmod(0o666)
    fresh.rename(tree)
