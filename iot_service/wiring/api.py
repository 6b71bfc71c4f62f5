"""The API process: REST, pages and console on one port."""

from __future__ import annotations

import threading
from typing import Any

import uvicorn

from iot_service.api.app import create_app
from iot_service.config import Settings
from iot_service.console.mount import mount_console
from iot_service.db import Database
from iot_service.ingest.formats.router import Router, load_formats
from iot_service.metrics.pulse import Pulse
from iot_service.products.catalog import Catalog
from iot_service.rules.versions.library import RuleLibrary
from iot_service.wiring.broker_files import device_rights
from iot_service.wiring.installation import make_links, open_catalog, open_database, public_url
from iot_service.wiring.monitoring import monitored
from iot_service.wiring.rule_versions import keep_up


def build_app(settings: Settings, database: Database, catalog: Catalog) -> Any:
    """Return the ASGI application."""
    app = create_app(
        database,
        catalog,
        make_links(settings),
        settings,
        router=Router(load_formats(settings, catalog)),
        device_rights=device_rights(settings, catalog),
    )
    mount_console(app, database, catalog)
    return app


def run_api(settings: Settings, stop: threading.Event) -> None:
    """Serve until ``stop`` is set."""
    catalog = open_catalog(settings)
    with (
        open_database(settings, max_size=20, application="iot-service api") as database,
        monitored(settings, "api", Pulse(), database),
    ):
        library = RuleLibrary(database, catalog)
        server = uvicorn.Server(
            uvicorn.Config(
                build_app(settings, database, library.catalog),
                host=settings.host,
                port=settings.port,
                log_level="warning",
                access_log=False,
                proxy_headers=public_url(settings).startswith("https"),
                timeout_graceful_shutdown=3,
                lifespan="on",
            )
        )
        threading.Thread(target=keep_up, args=(library, stop), name="rule names", daemon=True).start()
        threading.Thread(target=_end, args=(server, stop), name="end", daemon=True).start()
        server.run()


def _end(server: uvicorn.Server, stop: threading.Event) -> None:
    stop.wait()
    server.should_exit = True
