"""The ingest process."""

from __future__ import annotations

import threading

from iot_service.commands.runner import CommandRunner
from iot_service.config import Settings
from iot_service.errors import StopError
from iot_service.ingest.runner import IngestRunner
from iot_service.metrics.pulse import Pulse
from iot_service.wiring.installation import open_catalog, open_database
from iot_service.wiring.monitoring import monitored
from iot_service.worker import Job, Worker


def run_ingest(settings: Settings, stop: threading.Event) -> None:
    """Store what the broker has until ``stop`` is set. Raises StopError where no broker is set."""
    if settings.mqtt_url is None:
        raise StopError("IOT_MQTT_URL is not set: set it, or use `iot-service serve`, which brings its own broker")
    catalog = open_catalog(settings)
    pulse = Pulse()
    with open_database(settings, max_size=4, application="iot-service ingest") as database:
        ingest = IngestRunner(settings, database, catalog, pulse=pulse)
        commands = Job("commands", CommandRunner(database, ingest).run_once, 1.0, ("command",))
        registry = Job("registry", ingest.forget_devices, 30.0, ("registry",))
        carrying = threading.Thread(
            target=Worker(database, [commands, registry], pulse=pulse).run, args=(stop,), name="commands", daemon=True
        )
        with monitored(settings, "ingest", pulse, database, ask=False, connected=lambda: ingest.connected):
            carrying.start()
            try:
                ingest.run(stop)
            finally:
                stop.set()
                carrying.join()
