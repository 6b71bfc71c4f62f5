"""The comparison runner: how each device did compared with its peers becomes facts that rules can name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from iot_service import clock, logs
from iot_service.db import Connection, Database
from iot_service.history.peers import Cell, Compared, compare
from iot_service.history.spans import HOUR, floor
from iot_service.history.store import QUERIES
from iot_service.products.catalog import Catalog
from iot_service.products.comparison import Comparison, compared_fact, count_fact, usual_fact

SOURCE = "comparison"
"""Who says these facts."""
_STEP = 0.05
"""What changed by less is not worth telling: rules need no more, and the past of every device is kept."""
_KEPT = timedelta(days=400)
_AT_ONCE = 500  # devices in one transaction
_log = logs.get(__name__)

Told = tuple[str, str, float | None]
"""Device, fact and its new value (None: unknown)."""


class ComparisonRunner:
    """Compares every product that says how, once for each hour. Several may run: they write the same."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._comparisons = [
            (product, name, comparison)
            for product, model in catalog.products.items()
            for name, comparison in model.comparisons.items()
        ]
        self._done: datetime | None = None

    def run_once(self) -> int:
        """Compare what the last complete hours say, unless that was done; return of how many devices it was new."""
        now = clock.now()
        hour = floor(now, HOUR)
        if self._done == hour:
            return 0
        changed = sum(self._compare(*each, hour=hour, now=now) for each in self._comparisons)
        self._done = hour
        return changed

    def _compare(self, product: str, name: str, comparison: Comparison, *, hour: datetime, now: datetime) -> int:
        with self._database.transaction() as connection:
            cells = _cells(connection, product, comparison, since=hour - comparison.over, until=hour)
            told = _told(connection, product, name)
        news = _news(name, compare(cells, peers=comparison.peers, hours=comparison.hours), told)
        devices = sorted(news)
        for first in range(0, len(devices), _AT_ONCE):
            some = devices[first : first + _AT_ONCE]
            with self._database.transaction() as connection:
                _tell(connection, [each for device in some for each in news[device]], some, at=hour, now=now)
        with self._database.transaction() as connection:
            QUERIES["forget_compared"].run(connection, source=SOURCE, product=product, before=hour - _KEPT)
        if devices:
            _log.info(
                "devices were compared with their peers", action="fleet.compared", product=product, comparison=name,
                devices=len(devices),
            )  # fmt: skip
        return len(devices)


def _cells(
    connection: Connection, product: str, comparison: Comparison, *, since: datetime, until: datetime
) -> list[Cell]:
    rows = QUERIES["compared_cells"].tuples(
        connection,
        product=product, metric=comparison.metric, since=since, until=until,
        alike=list(comparison.alike), widths=list(comparison.alike.values()),
    )  # fmt: skip
    return [Cell(device_id, tuple(condition), mean, hours) for device_id, condition, mean, hours in rows]


def _told(connection: Connection, product: str, name: str) -> dict[str, float]:
    """Return what was told of each device before, where that was something."""
    rows = QUERIES["compared_before"].all(connection, product=product, name=compared_fact(name))
    return {row["device_id"]: row["value"] for row in rows if row["value"] is not None}


def _news(name: str, compared: Mapping[str, Compared], told: Mapping[str, float]) -> dict[str, list[Told]]:
    """Return the new facts of each device whose comparison changed, or can no longer be made."""
    news: dict[str, list[Told]] = {}
    for device, each in compared.items():
        if device not in told or abs(each.ratio - told[device]) >= _STEP:
            news[device] = [
                (device, usual_fact(name), round(each.usual, 4)),
                (device, count_fact(name), float(each.peers)),
                (device, compared_fact(name), round(each.ratio, 2)),
            ]
    for device in told.keys() - compared.keys():
        news[device] = [(device, fact(name), None) for fact in (usual_fact, count_fact, compared_fact)]
    return news


def _tell(
    connection: Connection, facts: Sequence[Told], devices: Sequence[str], *, at: datetime, now: datetime
) -> None:
    QUERIES["wake_compared"].run(connection, devices=list(devices), now=now)
    names = [name for _, name, _ in facts]
    values = [value for _, _, value in facts]
    QUERIES["put_compared"].run(
        connection, devices=[device for device, _, _ in facts], names=names, values=values, at=at, source=SOURCE
    )
