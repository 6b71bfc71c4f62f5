"""The visible table of all figures: what each is called, what it counts, and by what.

Labels are bounded: products, rules, reasons, channels, route templates; never the id of a device, customer or message.
In a process tree (the parent names a folder) figures are kept in files there, and one process tells them all.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values

from iot_service import config
from iot_service.metrics.slots import Slots

_FOLDER = config.metrics_folder()
if _FOLDER is not None:
    # Before the first figure is made: it decides where figures are kept.
    values.ValueClass = values.MultiProcessValue(Slots(_FOLDER, config.process_name()).name)  # type: ignore[no-untyped-call]

REGISTRY = CollectorRegistry()
"""The figures of this process."""

_LAGS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
_SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def _counter(name: str, what: str, *labels: str) -> Counter:
    return Counter(name, what, labels, registry=REGISTRY)


def _gauge(name: str, what: str, *labels: str, merged: str) -> Gauge:
    return Gauge(name, what, labels, registry=REGISTRY, multiprocess_mode=merged)  # type: ignore[arg-type]


def _histogram(name: str, what: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:
    return Histogram(name, what, labels, registry=REGISTRY, buckets=buckets)


MESSAGES = _counter("iot_ingest_messages", "Messages that were stored or kept as dead letters")
READINGS = _counter("iot_ingest_readings", "Readings that were stored")
WITHHELD = _counter("iot_ingest_withheld", "Readings that were let go because the customer has not agreed to them")
DEAD_LETTERS = _counter("iot_ingest_dead_letters", "What could not be understood", "reason")
BATCH_SECONDS = _histogram(
    "iot_ingest_batch_seconds", "From the first look at a batch to the end of its transaction", buckets=_SHORT
)
RECEIVED_TO_STORED = _histogram(
    "iot_ingest_received_to_stored_seconds", "How long the oldest message of a batch was with us", buckets=_LAGS
)
MEASURED_TO_STORED = _histogram(
    "iot_ingest_measured_to_stored_seconds", "How old the newest reading of a batch was when stored", buckets=_LAGS
)
QUEUE = _gauge("iot_ingest_queue_messages", "Messages in memory that wait for a batch", merged="livesum")
CONNECTIONS = _counter("iot_ingest_connections", "Connections to the broker that it accepted")
CONNECTIONS_LOST = _counter("iot_ingest_connections_lost", "Connections to the broker that ended or failed")
CONNECTED = _gauge("iot_ingest_connected", "Ingest processes that are connected and subscribed", merged="livesum")
JUDGED = _counter("iot_rules_devices_judged", "Devices that the rules looked at")
RECEIVED_TO_JUDGED = _histogram(
    "iot_rules_received_to_judged_seconds", "From the receipt of a device's newest message to its rules", buckets=_LAGS
)
NEEDS_OPENED = _counter("iot_needs_opened", "Needs that rules found", "product", "rule", "kind")
RULES_UNKNOWN = _counter(
    "iot_rules_unknown", "Times that a rule could be judged no more on a device", "product", "rule", "why"
)
DELIVERIES = _counter("iot_deliveries", "Attempts to send a message to a person", "channel", "result")
COMMANDS = _counter("iot_commands", "What happened to commands", "what")
REQUESTS = _counter("iot_http_requests", "Answered HTTP requests", "method", "route", "status")
REQUEST_SECONDS = _histogram(
    "iot_http_request_seconds", "How long an HTTP request took, but for live streams", "route", buckets=_SHORT
)
POOL_WAITS = _counter("iot_database_pool_waits", "How often a connection had to be waited for", "process")
POOL_WAIT_SECONDS = _counter("iot_database_pool_wait_seconds", "How long connections were waited for", "process")
POOL_ERRORS = _counter("iot_database_pool_errors", "How often no connection came in time", "process")
POOL_CONNECTIONS = _gauge("iot_database_pool_connections", "Open connections", "process", merged="livesum")
JOB_RUNS = _counter("iot_job_runs", "Runs of the worker's jobs", "job", "result")
JOB_SECONDS = _counter("iot_job_seconds", "Time that the worker's jobs ran", "job")
LIVE = _gauge("iot_process_live", "1 while every loop of the process moves", "process", merged="livemin")
READY = _gauge("iot_process_ready", "1 while the process can do its work", "process", merged="livemin")
