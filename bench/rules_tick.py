"""One tick of the rule runner over a large fleet: some devices are due, and all of them are judged and committed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import orjson
import psycopg

from bench.rules_telemetry import samples_of
from iot_service import clock
from iot_service.db import Database
from iot_service.model.device import ServiceState
from iot_service.model.reading import Sample, SampleKind
from iot_service.products.catalog import load_catalog
from iot_service.rules.compiled import compile_catalog
from iot_service.rules.fold import DeviceFold
from iot_service.rules.runner import RuleRunner
from iot_service.rules.state import DeviceState, to_json
from iot_service.rules.windows import Window, Windows
from simulators.freezer import FreezerPlan, freezer

START = datetime(2026, 11, 2, tzinfo=UTC)
_HEARD = timedelta(hours=2)  # for which each freezer was heard, until START
_SILENT = timedelta(minutes=15)
_GRACE = timedelta(seconds=1)


def load(url: str, devices: int, due: int) -> None:
    """Load freezers that have been judged up to now; so many of them fell silent 15 minutes ago, which nobody noticed.

    Those that are due have stored readings of the last two hours, one a minute; the others need none.
    """
    heard = list(_heard())
    state, shipped = _state(heard)
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO customer (id, name, locale, time_zone, created_at) VALUES ('bench', 'Bench', 'en', 'UTC', %s)",
            [START],
        )
        connection.execute(
            "INSERT INTO device (id, product, customer_id, name, service_state, created_at)"
            " SELECT 'bench-' || number, 'freezer', 'bench', 'bench-' || number, 'in_service', %s"
            " FROM generate_series(1, %s) AS number",
            [START, devices],
        )
        connection.execute(
            "INSERT INTO rule_state (device_id, evaluated_until, evaluated_received, newest_ts, newest_received, state,"
            " wake_at) SELECT 'bench-' || number, %(at)s, %(at)s, %(at)s, %(at)s, %(state)s,"
            " CASE WHEN number <= %(due)s THEN %(due_at)s ELSE %(due_at)s + make_interval(secs => number) END"
            " FROM generate_series(1, %(devices)s) AS number",
            {
                "at": heard[-1].ts,
                "state": state,
                "due": due,
                "due_at": heard[-1].ts + _SILENT + _GRACE,
                "devices": devices,
            },
        )
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY reading (device_id, metric, ts, value, received_at, ts_assumed) FROM STDIN") as copy,
        ):
            for number in range(1, due + 1):
                for sample in heard:
                    if sample.name in shipped:
                        copy.write_row((f"bench-{number}", sample.name, sample.ts, sample.value, sample.ts, False))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _heard() -> Iterator[Sample]:
    messages = freezer("bench", START - _HEARD, FreezerPlan(daily_use=True))
    return (
        s for message in takewhile(lambda message: message.ts < START, messages) for s in samples_of("freezer", message)
    )


def _state(heard: Sequence[Sample]) -> tuple[str, Sequence[str]]:
    product = compile_catalog(load_catalog())["freezer"]
    windows = Windows(Window(key) for key in product.windows)
    fold = DeviceFold(product, DeviceState(ServiceState.IN_SERVICE), windows, product.model.parameters)
    fold.advance([s for s in heard if s.kind is not SampleKind.READING or s.name in product.watched])
    fold.state.watched = product.watched
    return orjson.dumps(to_json(fold.state)).decode(), product.watched


@dataclass(frozen=True, slots=True)
class Tick:
    """What one tick took, in seconds of life and of this process's CPU, and the needs that it opened."""

    seconds: float
    cpu_seconds: float
    opened: int


def measure(url: str, devices: int, due: int) -> Tick:
    """Let a runner that has never seen the devices judge all that are due, and return what that took."""
    load(url, devices, due)
    clock.freeze(START + _SILENT + timedelta(seconds=10))
    with Database(url) as database:
        runner = RuleRunner(database, load_catalog())
        began, cpu_began = time.perf_counter(), time.process_time()
        judged = 0
        while done := runner.run_once():
            judged += done
        took, cpu_took = time.perf_counter() - began, time.process_time() - cpu_began
        with database.transaction() as connection:
            row = connection.execute("SELECT count(*) AS count FROM need").fetchone()
    if judged != due or row is None:
        raise SystemExit(f"{judged} devices were judged instead of {due}")
    return Tick(took, cpu_took, row["count"])
