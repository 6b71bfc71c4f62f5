"""The ingest process."""

from __future__ import annotations

import threading

from iot_service.config import Settings
from iot_service.errors import StopError
from iot_service.ingest.runner import IngestRunner
from iot_service.wiring.installation import open_catalog, open_database


def run_ingest(settings: Settings, stop: threading.Event) -> None:
    """Store what the broker has until ``stop`` is set. Raises StopError where no broker is set."""
    if settings.mqtt_url is None:
        raise StopError("IOT_MQTT_URL is not set: set it, or use `iot-service serve`, which brings its own broker")
    catalog = open_catalog(settings)
    with open_database(settings, max_size=3, application="iot-service ingest") as database:
        IngestRunner(settings, database, catalog).run(stop)
