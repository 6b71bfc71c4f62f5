"""One engine a folder: a lock that the engine itself holds, so that it is free exactly when the engine is gone."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from iot_service.errors import StopError


def lock_folder(folder: Path, *, patience: float = 10.0) -> int:
    """Take the lock of ``folder`` and return its file descriptor, to be handed to the engine and then closed here.

    A predecessor that is still shutting down is waited for, ``patience`` seconds at most. Raises StopError, naming the
    process, when the folder is still in use then.
    """
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            holder = os.pread(descriptor, 32, 0).decode().strip() or "unknown"
            os.close(descriptor)
            raise StopError(
                f"the folder {folder} is in use by an engine that process {holder} started: "
                "end that process, or name another data folder"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return descriptor
