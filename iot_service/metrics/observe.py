"""The functions that whoever does the work calls. Each costs some microseconds."""

from __future__ import annotations

from collections.abc import Mapping

from iot_service.metrics import registry

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def observe_batch(
    *,
    messages: int,
    readings: int,
    dead_letters: Mapping[str, int],
    seconds: float,
    received_lag: float,
    measured_lag: float | None,
    waiting: int,
    withheld: int = 0,
) -> None:
    """Count one batch, after its commit.

    ``dead_letters`` is how many there were of each reason; ``seconds`` is from the first look at the batch to the end
    of its transaction; ``received_lag`` is the age of its oldest message and ``measured_lag`` that of its newest
    reading (None where it had none) at that end, in seconds; ``waiting`` is how many messages are in memory now;
    ``withheld``, how many readings were not kept for want of the customer's consent.
    """
    observe_stored(messages=messages, readings=readings, dead_letters=dead_letters)
    registry.WITHHELD.inc(withheld)
    registry.BATCH_SECONDS.observe(seconds)
    registry.RECEIVED_TO_STORED.observe(received_lag)
    registry.QUEUE.set(waiting)
    if measured_lag is not None:
        registry.MEASURED_TO_STORED.observe(max(0.0, measured_lag))  # devices' clocks may be ahead


def observe_stored(*, messages: int, readings: int, dead_letters: Mapping[str, int]) -> None:
    """Count what was stored, however it came in, after its commit; ``dead_letters`` by reason."""
    registry.MESSAGES.inc(messages)
    registry.READINGS.inc(readings)
    for reason, count in dead_letters.items():
        registry.DEAD_LETTERS.labels(reason).inc(count)


def observe_connected() -> None:
    """Count a connection to the broker that it accepted, with all subscriptions on it."""
    registry.CONNECTIONS.inc()


def observe_disconnected() -> None:
    """Count a connection to the broker that ended, or could not be made."""
    registry.CONNECTIONS_LOST.inc()


def observe_broker(*, connected: bool) -> None:
    """Note whether this ingest process is connected and subscribed now."""
    registry.CONNECTED.set(connected)


def observe_judged(lags: list[float]) -> None:
    """Count the devices of one run of the rules: ``lags`` are the ages of what was newest of each, in seconds."""
    registry.JUDGED.inc(len(lags))
    for lag in lags:
        registry.RECEIVED_TO_JUDGED.observe(max(0.0, lag))


def count_need(product: str, rule: str, kind: str) -> None:
    """Count a need that was opened."""
    registry.NEEDS_OPENED.labels(product, rule, kind).inc()


def count_unknown(product: str, rule: str, why: str) -> None:
    """Count that a rule can be judged no more on a device; ``why`` is failed, missing or undefined."""
    registry.RULES_UNKNOWN.labels(product, rule, why).inc()


def count_delivery(channel: str, result: str) -> None:
    """Count an attempt to send a message; ``result`` is sent, retried or failed."""
    registry.DELIVERIES.labels(channel, result).inc()


def count_command(event_type: str) -> None:
    """Count what happened to a command: the type of the event, like ``command.sent``."""
    registry.COMMANDS.labels(event_type.removeprefix("command.")).inc()


def observe_request(method: str, route: str, status: int, seconds: float | None) -> None:
    """Count an answered request. ``route`` is a template, never an address; ``seconds`` is None for a live stream."""
    registry.REQUESTS.labels(method if method in _METHODS else "OTHER", route, str(status)).inc()
    if seconds is not None:
        registry.REQUEST_SECONDS.labels(route).observe(seconds)


def observe_pool(process: str, *, connections: int, waits: int, wait_seconds: float, errors: int) -> None:
    """Add to what a process's pool did: connections open now, and what happened since the last call."""
    registry.POOL_CONNECTIONS.labels(process).set(connections)
    registry.POOL_WAITS.labels(process).inc(waits)
    registry.POOL_WAIT_SECONDS.labels(process).inc(wait_seconds)
    registry.POOL_ERRORS.labels(process).inc(errors)


def observe_job(job: str, *, ok: bool, seconds: float) -> None:
    """Count one run of a job of the worker."""
    registry.JOB_RUNS.labels(job, "ok" if ok else "failed").inc()
    registry.JOB_SECONDS.labels(job).inc(seconds)


def observe_probes(process: str, *, live: bool, ready: bool) -> None:
    """Note whether a process lives and can serve."""
    registry.LIVE.labels(process).set(live)
    registry.READY.labels(process).set(ready)
