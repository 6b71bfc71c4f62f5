"""What is observed stands on the page, and costs next to nothing."""

from __future__ import annotations

import time

from iot_service import metrics
from tests.metrics.figures import figure


def batch(**over: object) -> None:
    values = {
        "messages": 500, "readings": 2000, "dead_letters": {}, "seconds": 0.03, "received_lag": 0.08,
        "measured_lag": 0.4, "waiting": 12,
    } | over  # fmt: skip
    metrics.observe_batch(**values)  # type: ignore[arg-type]  # overrides by name


def test_a_batch_is_counted() -> None:
    before = figure("iot_ingest_messages_total"), figure("iot_ingest_dead_letters_total", reason="not_json")
    batch(dead_letters={"not_json": 3, "conflict": 1})
    assert figure("iot_ingest_messages_total") == before[0] + 500
    assert figure("iot_ingest_dead_letters_total", reason="not_json") == before[1] + 3
    assert figure("iot_ingest_queue_messages") == 12


def test_a_device_whose_clock_is_ahead_takes_nothing_from_the_sum() -> None:
    before = figure("iot_ingest_measured_to_stored_seconds_sum")
    batch(measured_lag=-240.0)
    batch(measured_lag=None)
    assert figure("iot_ingest_measured_to_stored_seconds_sum") == before


def test_a_batch_costs_less_than_a_message() -> None:
    """Some ten batches a second and process: at 50 µs each that is less than a thousandth of the time."""
    fastest = 1.0
    for _ in range(200):
        began = time.perf_counter()
        batch()
        fastest = min(fastest, time.perf_counter() - began)
    assert fastest < 50e-6


def test_what_else_is_counted_has_its_labels() -> None:
    metrics.count_need("freezer", "temperature_high", "fault")
    metrics.count_unknown("freezer", "temperature_high", "missing")
    metrics.count_delivery("sms", "sent")
    metrics.count_command("command.sent")
    metrics.observe_job("rules", ok=False, seconds=0.1)
    metrics.observe_request("BREW", "/x", 418, None)
    metrics.observe_connected()
    metrics.observe_disconnected()
    metrics.observe_broker(connected=True)
    metrics.observe_judged([0.1, -3.0])
    assert figure("iot_needs_opened_total", product="freezer", rule="temperature_high", kind="fault") >= 1
    assert figure("iot_rules_unknown_total", product="freezer", rule="temperature_high", why="missing") >= 1
    assert figure("iot_deliveries_total", channel="sms", result="sent") >= 1
    assert figure("iot_commands_total", what="sent") >= 1
    assert figure("iot_job_runs_total", job="rules", result="failed") >= 1
    assert figure("iot_http_requests_total", method="OTHER", route="/x", status="418") >= 1
    assert figure("iot_http_request_seconds_count", route="/x") == 0
    assert figure("iot_ingest_connections_total") >= 1
    assert figure("iot_ingest_connections_lost_total") >= 1
    assert figure("iot_ingest_connected") == 1
    assert figure("iot_rules_devices_judged_total") >= 2
