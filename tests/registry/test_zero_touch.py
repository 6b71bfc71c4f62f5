"""From nothing to telemetry: a device with a claim key, our API, our worker and a real Mosquitto."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from starlette.testclient import TestClient

from iot_service.api.app import create_app
from iot_service.config import load_settings
from iot_service.links import Links
from iot_service.registry import claims
from iot_service.wiring.broker_files import broker_jobs
from iot_service.worker import Worker
from tests.registry.client import comes_in, device
from tests.registry.conftest import SAID, SERVICE_PASSWORD, Fleet


def test_a_device_claims_its_place_by_http_and_speaks_by_mqtt_within_a_second(fleet: Fleet, tmp_path: Path) -> None:
    settings = load_settings(
        data_dir=tmp_path, broker_files_dir=fleet.server.folder, mqtt_password=SecretStr(SERVICE_PASSWORD),
        broker_reload=f"pidfile:{fleet.server.folder}/mosquitto.pid",
    )  # fmt: skip
    app = create_app(fleet.database, fleet.catalog, Links("a secret key of thirty-two letters", "http://x"), settings)
    with fleet.database.transaction() as connection:
        about: dict[str, Any] = {"name": "batch", "product": "freezer", "customer_id": "anna", "catalog": fleet.catalog}
        key, _ = claims.create_claim_key(connection, **about, actor="operator:1", now=SAID["now"])
    stop = threading.Event()
    jobs = broker_jobs(settings, fleet.database, fleet.catalog)
    worker = threading.Thread(target=Worker(fleet.database, jobs).run, args=(stop,))
    worker.start()
    try:
        time.sleep(0.5)  # it listens by now
        began = time.monotonic()
        asked = {"claim_key": key, "product": "freezer", "serial": "0042"}
        given = TestClient(app).post("/v1/claim", json=asked).json()
        assert comes_in(fleet.port, given["device_id"], given["secret"])
        assert time.monotonic() - began < 1.0
        with device(fleet.port, given["device_id"], given["secret"]) as connected:
            assert connected.publish("iot/v1/freezer-0042/telemetry", b"{}") in {0, 0x10}
    finally:
        stop.set()
        worker.join()
