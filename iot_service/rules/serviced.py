"""Services that were carried out: what the workshop and the technicians completed counts service plans anew."""

from __future__ import annotations

from iot_service import clock, logs
from iot_service.db import Connection, Database
from iot_service.db.events import work_off
from iot_service.model.event import Consumer, Event, EventType
from iot_service.products.catalog import Catalog
from iot_service.rules.facts import Serviced, planned_services, record_service
from iot_service.rules.store import QUERIES

_log = logs.get(__name__)


class ServicedRunner:
    """Takes note of completed appointments and jobs. Any number may run: each event is acted on once."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._catalog = catalog

    def run_once(self) -> int:
        """Take note of all that waits, each in a transaction of its own; return how many there were."""
        return work_off(self._database, Consumer.RULES, self._handle)

    def _handle(self, connection: Connection, event: Event) -> None:
        if event.device_id is None:
            return
        device = QUERIES["device"].first(connection, device_id=event.device_id)
        if device is None:
            return
        services = event.data["services"] if event.type is EventType.APPOINTMENT_COMPLETED else [event.data["service"]]
        for service in planned_services(self._catalog, device["product"], services):
            done = Serviced(event.device_id, service, event.at, {})
            record_service(connection, done, catalog=self._catalog, actor="service", now=clock.now())
            _log.info("a service was carried out", action="rules.serviced", device_id=event.device_id, service=service)
