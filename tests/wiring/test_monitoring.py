"""Processes that are watched over: what their probes and figures say while the database goes and comes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
from pydantic import SecretStr

from iot_service.config import Settings, load_settings
from iot_service.db import Database
from iot_service.engines.ports import free_port
from iot_service.metrics.pulse import Pulse
from iot_service.processes import ProcessTree
from iot_service.wiring.installation import public_url
from iot_service.wiring.monitoring import monitored
from iot_service.wiring.serve import process_tree
from tests.ingest.proxy import Proxy
from tests.metrics.figures import figure
from tests.servers.mosquitto import MosquittoServer

FASTER = 5.0
"""A pulse that counts so many seconds for one, so that nobody waits."""


def wait_for(look: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_without_its_database_a_process_lives_and_is_not_ready(database_url: str) -> None:
    pulse = Pulse(now=lambda: time.monotonic() * FASTER)
    address = urlsplit(database_url)
    with Proxy(address.port or 5432) as proxy:
        netloc = address.netloc.replace(f":{address.port}", f":{proxy.port}")
        with (
            Database(urlunsplit(address._replace(netloc=netloc))) as database,
            monitored(load_settings(), "test", pulse, database),
        ):
            wait_for(lambda: not pulse.not_ready())
            proxy.cut()
            wait_for(pulse.not_ready)
            assert pulse.not_live() == []
            wait_for(lambda: figure("iot_process_ready", process="test") == 0)
            assert figure("iot_process_live", process="test") == 1
            proxy.mend()
            wait_for(lambda: not pulse.not_ready())
            wait_for(lambda: figure("iot_process_ready", process="test") == 1)


def test_a_process_without_its_broker_is_not_ready(database: Database) -> None:
    pulse, there = Pulse(), False
    with monitored(load_settings(), "test", pulse, database, ask=False, connected=lambda: there):
        assert pulse.not_ready() == ["the connection to the broker does not hold"]
        there = True
        assert pulse.not_ready() == []
        wait_for(lambda: figure("iot_ingest_connected") == 1)


def test_a_database_without_the_newest_schema_is_none(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("DELETE FROM _yoyo_migration WHERE migration_id = '0001_initial'")
    pulse = Pulse()
    with monitored(load_settings(), "test", pulse, database):
        time.sleep(0.5)
        assert pulse.not_ready() == ["the database has never worked yet"]


def make_settings(database_url: str, folder: Path, **over: object) -> Settings:
    values = {"data_dir": folder, "port": free_port(), "secret_key": SecretStr("a secret key of thirty-two letters")}
    return load_settings(database_url=SecretStr(database_url), **(values | over))


def get(url: str) -> httpx.Response | None:
    try:
        return httpx.get(url, timeout=5)
    except httpx.HTTPError:
        return None


def is_ready(url: str) -> bool:
    answer = get(f"{url}/health/ready")
    return answer is not None and answer.status_code == 200


def test_the_api_of_a_tree_tells_of_all_its_processes(
    mosquitto_server: MosquittoServer, database_url: str, tmp_path: Path
) -> None:
    port = free_port()
    settings = make_settings(
        database_url, tmp_path, mqtt_url=mosquitto_server.url, mqtt_slot="monitored", metrics_port=port
    )
    tree = process_tree(settings, log_file=tmp_path / "service.log")
    tree.start()
    try:
        wait_for(lambda: is_ready(public_url(settings)))

        def both_are_ready() -> bool:
            answer = get(f"{public_url(settings)}/metrics")
            return answer is not None and all(
                figure("iot_process_ready", answer.text, process=process) == 1 for process in ("worker", "api")
            )

        wait_for(both_are_ready)
        beside = get(f"http://127.0.0.1:{port}/metrics")
        assert beside is not None
        assert figure("iot_job_runs_total", beside.text, job="rules", result="ok") > 0
        assert figure("iot_http_requests_total", beside.text, route="/metrics") > 0
        assert is_ready(f"http://127.0.0.1:{port}")
    finally:
        tree.stop()


def test_a_worker_that_runs_apart_has_a_listener_of_its_own(database_url: str, tmp_path: Path) -> None:
    port = free_port()
    settings = make_settings(database_url, tmp_path, metrics_port=port)
    tree = process_tree(settings, log_file=tmp_path / "service.log")
    worker = next(child for child in tree.children if child.name == "worker")
    apart = {
        name: value
        for name, value in worker.environment.items()
        if name not in {"PROMETHEUS_MULTIPROC_DIR", "IOT_PROCESS_NAME"}
    }
    worker.environment = apart
    alone = ProcessTree([worker])
    alone.start()
    try:
        wait_for(lambda: is_ready(f"http://127.0.0.1:{port}"))
        live = get(f"http://127.0.0.1:{port}/health/live")
        assert live is not None
        assert live.json() == {"status": "alive"}

        def its_pool_is_known() -> bool:
            answer = get(f"http://127.0.0.1:{port}/metrics")
            return answer is not None and figure("iot_database_pool_connections", answer.text, process="worker") > 0

        wait_for(its_pool_is_known)
    finally:
        alone.stop()
