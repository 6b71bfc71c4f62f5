"""The retention runner: removes what is older than its product model keeps it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from iot_service import clock, logs
from iot_service.db import Connection, Database
from iot_service.history import store
from iot_service.history.chunks import fit_chunks
from iot_service.history.retention import KeptSince, keep_of, kept_since
from iot_service.history.spans import DAY, HOUR
from iot_service.history.store import QUERIES
from iot_service.products.catalog import Catalog

_BATCH = 10_000  # readings in one transaction
_DEVICES = 100  # whose rollups one transaction looks at
_log = logs.get(__name__)


class RetentionRunner:
    """Once a day and product: first what is kept moves on, then what lies before it is removed in small steps.

    Whole chunks are dropped where the server has them, once no product keeps them any more. Crashed in the middle, the
    next day does the rest.
    """

    def __init__(
        self, database: Database, catalog: Catalog, *, default: timedelta, readings_per_day: int | None = None
    ) -> None:
        """Take how long readings are kept where a product model does not say; the last is for the size of chunks."""
        self._database = database
        self._keeps = {name: keep_of(product, default) for name, product in catalog.products.items()}
        self._readings_per_day = readings_per_day
        self._steps: Iterator[int] = iter(())

    def run_once(self) -> int:
        """Take one step, of one transaction; return 1 while there is more to do, else 0."""
        if next(self._steps, None) is not None:
            return 1
        moved = self._move_on(clock.now())
        if not moved:
            return 0
        self._steps = self._sweep(moved)
        return 1

    def _move_on(self, now: datetime) -> dict[str, KeptSince]:
        """Write down since when each product is kept; return those for which that moved."""
        with self._database.transaction() as connection:
            progress = store.hold(connection)
            if progress is None or progress.received_until is None:
                return {}
            bounds = [kept_since(name, keep, now) for name, keep in sorted(self._keeps.items())]
            newest = max((bound.readings for bound in bounds), default=None)
            if newest is None:
                return {}
            if progress.received_until < now - clock.during(HOUR) - DAY or store.is_due(connection, before=newest):
                _log.warning("rollups are behind, so nothing is removed yet", action="retention.waits")
                return {}
            return {bound.product: bound for bound in bounds if store.move_kept_since(connection, bound)}

    def _sweep(self, moved: Mapping[str, KeptSince]) -> Iterator[int]:
        with self._database.transaction() as connection:
            oldest = store.oldest_kept(connection, products=sorted(self._keeps))
            chunks = store.drop_chunks(connection, before=oldest)
            has_chunks = store.has_chunks(connection)
            fit_chunks(connection, self._readings_per_day)
        if chunks:
            _log.info("chunks of readings were dropped", action="retention.chunks", chunks=chunks, before=f"{oldest}")
        yield chunks
        for name, bound in moved.items():
            removed = 0
            whole = has_chunks and bound.readings <= oldest
            for count in self._sweep_product(bound, readings=not whole):
                removed += count
                yield count
            if removed:
                said = {"product": name, "rows": removed, "before": f"{bound.readings}"}
                _log.info("retention removed what is old", action="retention.product", **said)

    def _sweep_product(self, bound: KeptSince, *, readings: bool) -> Iterator[int]:
        after = ""
        while True:
            with self._database.transaction() as connection:
                devices = store.devices_of(connection, bound.product, after=after, limit=_DEVICES)
            if not devices:
                return
            after = devices[-1]
            if readings:
                for device in devices:
                    yield from self._remove_readings(device, bound.readings)
            with self._database.transaction() as connection:
                removed = sum(_remove_rollups(connection, device, bound) for device in devices)
            yield removed

    def _remove_readings(self, device: str, before: datetime) -> Iterator[int]:
        with self._database.transaction() as connection:
            metrics = [row["metric"] for row in QUERIES["metrics_of_readings"].all(connection, device_id=device)]
        for metric in metrics:
            removed = _BATCH
            while removed:
                with self._database.transaction() as connection:
                    removed = QUERIES["remove_readings"].run(
                        connection, device_id=device, metric=metric, before=before, limit=_BATCH
                    )
                if removed:
                    yield removed


def _remove_rollups(connection: Connection, device: str, bound: KeptSince) -> int:
    metrics = [row["metric"] for row in QUERIES["metrics_of"].all(connection, device_id=device)]
    removed = 0
    for query, before in (
        ("remove_minutes", bound.minutes),
        ("remove_hours", bound.hours),
        ("remove_days", bound.days),
    ):
        if before is not None and metrics:
            removed += QUERIES[query].run(connection, device_id=device, metrics=metrics, before=before)
    return removed
