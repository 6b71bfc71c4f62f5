"""The listener of processes that serve nothing else."""

from __future__ import annotations

import httpx
import pytest

from iot_service.errors import StopError
from iot_service.metrics.listener import listening
from iot_service.metrics.pulse import Pulse


def test_it_serves_figures_and_probes() -> None:
    pulse = Pulse()
    with listening("127.0.0.1", 0, pulse) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        figures = client.get("/metrics")
        assert (figures.status_code, figures.headers["content-type"].split(";")[0]) == (200, "text/plain")
        assert "iot_ingest_messages_total" in figures.text
        assert client.get("/health/live").json() == {"status": "alive"}
        assert client.get("/health/ready?verbose").json() == {"status": "ready"}
        pulse.expect("store", ready_within=10, live_within=-1)
        ready, live = client.get("/health/ready"), client.get("/health/live")
        assert (ready.status_code, ready.json()) == (
            503, {"status": "waiting", "why": ["store has never worked yet"]},
        )  # fmt: skip
        assert (live.status_code, live.json()["status"]) == (503, "stuck")
        assert client.get("/else").status_code == 404
        assert client.post("/metrics").status_code == 501


def test_a_port_that_is_taken_stops_the_start_and_names_the_setting() -> None:
    with listening("127.0.0.1", 0, Pulse()) as port:  # noqa: SIM117  # the inner one must not begin
        with pytest.raises(StopError, match="IOT_METRICS_PORT"), listening("127.0.0.1", port, Pulse()):
            pass
