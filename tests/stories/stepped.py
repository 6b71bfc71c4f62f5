"""The service's own stages on one database, stepped by a clock that the test drives."""

from __future__ import annotations

from datetime import datetime

from iot_service import clock
from iot_service.commerce.runner import CommerceRunner
from iot_service.config import Settings
from iot_service.db import Database
from iot_service.engage.runner import EngageRunner
from iot_service.ingest.batches import Context, build_batch
from iot_service.ingest.micros import to_micros
from iot_service.ingest.source import Message
from iot_service.ingest.store import find_devices, store_batch
from iot_service.products.catalog import Catalog
from iot_service.rules.runner import RuleRunner


class SteppedService:
    """Ingest, rules, engagement and commerce in one thread; time passes when :meth:`at` says so."""

    def __init__(self, database: Database, catalog: Catalog, settings: Settings) -> None:
        self._database = database
        self._context = Context.of(catalog, settings)._replace(sender="0")
        self._runners = (
            RuleRunner(
                database,
                catalog,
                lateness=settings.lateness,
                tick_grace=settings.tick_grace,
                backlog_quiet=settings.backlog_quiet,
            ),
            EngageRunner(database, catalog, settings),
            CommerceRunner(database, catalog, fulfilment="simulated"),
        )

    def at(self, now: datetime, topic: str = "", payload: bytes = b"") -> None:
        """Let it be ``now``; a message may come in at this instant. Everything that follows from it is done."""
        clock.freeze(now)
        if topic:
            with self._database.transaction() as connection:
                devices = find_devices(connection, [topic.split("/")[2]])
                batch = build_batch([Message(topic, payload, to_micros(now))], devices, self._context)
                store_batch(connection, batch, now=now)
        while any(runner.run_once() for runner in self._runners):
            pass
