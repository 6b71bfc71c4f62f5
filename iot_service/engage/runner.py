"""The engage runner: needs that open, become worse or end, proposals whose time is over, stocks that stay low."""

from __future__ import annotations

from datetime import datetime, timedelta

from iot_service import clock, logs
from iot_service.config import Settings
from iot_service.db import Connection, Database
from iot_service.db.events import work_off
from iot_service.engage import proposals, responses, store
from iot_service.engage.responses import Terms
from iot_service.model.event import Consumer, Event, EventType
from iot_service.model.need import Severity
from iot_service.products.catalog import Catalog

SWEEP = timedelta(minutes=1)
"""How often stocks that stayed low are looked for."""

_log = logs.get(__name__)


class EngageRunner:
    """Responds to needs. Any number may run: each event is acted on once."""

    def __init__(self, database: Database, catalog: Catalog, settings: Settings) -> None:
        self._database = database
        self._catalog = catalog
        self._terms = Terms(settings.booking_notice, settings.proposal_expiry, settings.answer_within)
        self._swept_at: datetime | None = None

    def run_once(self) -> int:
        """Do all that is due, each thing in a transaction of its own; return how many were done."""
        return work_off(self._database, Consumer.ENGAGE, self._handle) + self._expire() + self._sweep()

    def _handle(self, connection: Connection, event: Event) -> None:
        now = clock.now()
        assert event.need_id is not None, "events of needs name their need"
        if event.type is EventType.NEED_OPENED:
            responses.respond(connection, event.need_id, catalog=self._catalog, terms=self._terms, now=now)
        elif event.type is EventType.NEED_ESCALATED:
            before = Severity(event.old) if event.old else None
            responses.escalate(
                connection, event.need_id, before=before, catalog=self._catalog, terms=self._terms, now=now
            )
        elif event.type in {EventType.NEED_RESOLVED, EventType.NEED_WITHDRAWN}:
            withdrawn = event.type is EventType.NEED_WITHDRAWN
            responses.stop(connection, event.need_id, withdrawn=withdrawn, now=now)

    def _expire(self) -> int:
        done = 0
        while True:
            with self._database.transaction() as connection:
                if not proposals.expire_one(connection, actor="service", now=clock.now()):
                    return done
            done += 1

    def _sweep(self) -> int:
        now = clock.now()
        if self._swept_at is not None and timedelta() <= now - self._swept_at < SWEEP:
            return 0
        self._swept_at = now
        with self._database.transaction() as connection:
            low = store.low_stocks(connection)
        done = 0
        for need_id in low:
            try:
                with self._database.transaction() as connection:
                    done += responses.reorder(connection, need_id, catalog=self._catalog, now=now)
            except Exception:  # a runner: one need that cannot be looked at must not stop the others
                _log.exception("a low stock could not be looked at", action="stock.failed", need_id=need_id)
        return done
