"""`serve`: ingest, worker and API in one process tree, with the engines that are not set."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from iot_service.config import METRICS_FOLDER, PROCESS_NAME, Settings, environment
from iot_service.metrics.slots import prepare
from iot_service.processes import Child, ProcessTree
from iot_service.wiring.installation import announced, engines, open_catalog, public_url, secret_key, take_port

PARTS = ("ingest", "worker", "api")


def process_tree(
    settings: Settings, *, extra: Mapping[str, str] | None = None, log_file: Path | None = None
) -> ProcessTree:
    """Return the processes of one installation, not yet started; each gets every setting by its environment.

    They keep their metrics in one folder, so that the API can tell of all of them.
    """
    folder = settings.data_dir / "metrics"
    prepare(folder)
    variables = {**environment(settings), **(extra or {}), METRICS_FOLDER: str(folder)}
    return ProcessTree([Child(name, [name], {**variables, PROCESS_NAME: name}, log_file) for name in PARTS])


def serve(settings: Settings, stop: threading.Event) -> int:
    """Run the whole service until ``stop`` is set; return the exit code.

    Raises StopError when a setting, a port or an engine stands in the way, before anything has been started.
    """
    settings = take_port(settings)
    open_catalog(settings)
    secret_key(settings)
    with engines(settings) as complete, announced(complete):
        tree = process_tree(complete)
        tree.start()
        print(f"iot-service runs: {public_url(complete)}/console   (Ctrl-C ends it)", flush=True)
        try:
            return tree.watch(stop)
        finally:
            tree.stop()
