"""An ingest runner in a thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from iot_service.ingest.runner import IngestRunner


@contextmanager
def running(runner: IngestRunner) -> Iterator[None]:
    """Let ``runner`` run while the block lasts; it must end when it is told to."""
    stop = threading.Event()
    thread = threading.Thread(target=runner.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()
