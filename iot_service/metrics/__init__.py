"""Figures about this installation for Prometheus, and whether each process lives and can serve.

Whoever does the work calls one function of :mod:`iot_service.metrics.observe` for each batch, run or request, never for
each message; nothing here raises for what is observed.
"""

from iot_service.metrics.observe import (
    count_command,
    count_delivery,
    count_need,
    count_unknown,
    observe_batch,
    observe_broker,
    observe_connected,
    observe_disconnected,
    observe_job,
    observe_judged,
    observe_pool,
    observe_probes,
    observe_request,
    observe_stored,
)

__all__ = [
    "count_command",
    "count_delivery",
    "count_need",
    "count_unknown",
    "observe_batch",
    "observe_broker",
    "observe_connected",
    "observe_disconnected",
    "observe_job",
    "observe_judged",
    "observe_pool",
    "observe_probes",
    "observe_request",
    "observe_stored",
]
