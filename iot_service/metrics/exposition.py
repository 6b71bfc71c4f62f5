"""The page that Prometheus reads."""

from __future__ import annotations

import threading

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from iot_service import config
from iot_service.metrics.registry import REGISTRY
from iot_service.metrics.slots import forget_the_dead

CONTENT_TYPE = CONTENT_TYPE_LATEST
"""The media type of the page."""

_one_at_a_time = threading.Lock()


def page() -> bytes:
    """Return the figures of this process, or those of the whole tree where it is one of a tree's."""
    folder = config.metrics_folder()
    if folder is None:
        return generate_latest(REGISTRY)
    together = CollectorRegistry()
    with _one_at_a_time:
        forget_the_dead(folder)
        MultiProcessCollector(together, path=str(folder))  # type: ignore[no-untyped-call]
        return generate_latest(together)
