"""How long it takes to find a day, a month and a year of one device among 50 million readings; see docs/history.md.

``python -m bench.queries`` loads a year of 100 devices that measure once a minute, in order of time across devices,
into a TimescaleDB (that of ``IOT_DATABASE_URL``, or of ``make servers``), has rollups built by the service's own code,
and asks for random devices and times through the function behind ``GET /v1/devices/{id}/readings``. What was loaded is
kept for the next time; ``--drop`` removes it. ``--json`` ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import uvicorn
from psycopg.sql import SQL, Identifier
from rich.console import Console
from rich.table import Table

from bench.servers import servers
from iot_service import clock, logs
from iot_service.api import tokens
from iot_service.api.app import create_app
from iot_service.api.principal import Role
from iot_service.config import load_settings
from iot_service.db import Database
from iot_service.db.migrate import migrate
from iot_service.history.chunks import fit_chunks
from iot_service.history.rollups import rebuild
from iot_service.history.series import Asked, find_series
from iot_service.links import Links
from iot_service.model.device import Device, ServiceState
from iot_service.products.catalog import Catalog, load_catalog
from iot_service.products.model import Retention

DEVICES = 100
METRIC = "temperature"
END = datetime(2026, 1, 1, tzinfo=UTC)
SPANS = {"day": timedelta(days=1), "month": timedelta(days=30), "year": timedelta(days=365)}
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_PART = 7 * 1440  # minutes in one transaction
_console = Console(stderr=True, highlight=False)


def names() -> list[str]:
    """Return the ids of the devices."""
    return [f"bench-{number:03}" for number in range(DEVICES)]


def catalog_without_minutes() -> Catalog:
    """Return the shipped catalog, but for freezers' minutes: at one reading a minute they would only repeat it."""
    catalog = load_catalog()
    freezer = catalog.products["freezer"].model_copy(update={"retention": Retention(minutes=timedelta(0))})
    return catalog.model_copy(update={"products": {**catalog.products, "freezer": freezer}})


def rows(first: int, last: int) -> Iterator[bytes]:
    """Yield the readings of minutes ``first`` to before ``last`` of the year for a binary COPY, a minute at a time."""
    chance = random.Random(1)
    values = [-70 + chance.gauss(0, 1) + (40 if chance.random() < 0.0005 else 0) for _ in range(10_007)]
    heads = []
    for name in names():
        texts = [text.encode() for text in (name, METRIC)]
        heads.append(struct.pack(">h", 6) + b"".join(struct.pack(">i", len(text)) + text for text in texts))
    pack = struct.Struct(">iqidiqi?").pack
    begin = (END - SPANS["year"] - _EPOCH) // timedelta(microseconds=1)
    for minute in range(first, last):
        at = begin + minute * 60_000_000
        parts: list[bytes] = []
        for device, head in enumerate(heads):
            value = values[(minute * 31 + device * 977) % len(values)]
            parts += (head, pack(8, at + device * 1000, 8, value, 8, at + device * 1000 + 50_000, 1, False))
        yield b"".join(parts)


def load(url: str, count: int) -> None:
    """Load ``count`` readings, the last of them at the end of the year, and have rollups built."""
    minutes = count // DEVICES
    first = 365 * 1440 - minutes
    begin = END - minutes * _MINUTE
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO customer VALUES ('bench', 'Bench', NULL, NULL, 'en', 'UTC', %s)", [begin])
        connection.execute(
            "INSERT INTO device (id, product, customer_id, name, service_state, created_at)"
            " SELECT id, 'freezer', 'bench', id, 'in_service', %s FROM unnest(%s::text[]) AS id",
            [begin, names()],
        )
        began = time.monotonic()
        for start in range(first, 365 * 1440, _PART):
            stop = min(start + _PART, 365 * 1440)
            with (
                connection.cursor() as cursor,
                cursor.copy(
                    "COPY reading (device_id, metric, ts, value, received_at, ts_assumed) FROM STDIN (FORMAT binary)"
                ) as copy,
            ):
                copy.write(b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0))
                for part in rows(start, stop):
                    copy.write(part)
                copy.write(struct.pack(">h", -1))
            done, spent = (stop - first) * DEVICES, time.monotonic() - began
            _console.print(f"loaded {done:,} of {minutes * DEVICES:,} readings, {done / spent:,.0f} a second")
        connection.execute("ANALYZE reading")
    with Database(url) as database:
        began = time.monotonic()
        for done_until in rebuild(database, begin, END, no_minutes=["freezer"]):
            spent = time.monotonic() - began
            share = (done_until - begin) / (END - begin)
            _console.print(f"rollups up to {done_until:%Y-%m-%d} ({share:.0%}), {share * count / spent:,.0f} a second")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE rollup_progress SET received_until = %s", [END])
        connection.execute("ANALYZE")
        connection.execute("CREATE TABLE bench_is_loaded ()")


def prepare(server_url: str, count: int) -> str:
    """Return the address of a database that holds ``count`` readings, loading it where there is none."""
    name = f"bench_queries_{count}"
    url = urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    with psycopg.connect(server_url, autocommit=True) as connection:
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is not None:
            with psycopg.connect(url) as found:
                row = found.execute("SELECT to_regclass('bench_is_loaded') IS NOT NULL").fetchone()
            if row is not None and row[0]:
                migrate(url)
                return url
            drop(server_url, count)
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    migrate(url)
    with Database(url) as database, database.transaction() as transaction:
        fit_chunks(transaction, DEVICES * 1440)
    load(url, count)
    return url


def drop(server_url: str, count: int) -> None:
    """Remove what was loaded."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        name = Identifier(f"bench_queries_{count}")
        connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


Question = tuple[str, datetime, datetime]
"""A device, from when, to when."""


def questions(span: timedelta, count: int, begin: datetime) -> list[Question]:
    """Return random questions for ``span`` within what is loaded."""
    chance = random.Random(7)
    room = max(END - begin - span, timedelta(0))
    ends = [END - room * chance.random() for _ in range(count)]
    return [(chance.choice(names()), end - span, end) for end in ends]


def p95(asked: list[Question], ask: Callable[[Question], None]) -> tuple[float, float]:
    """Return the median and the 95th percentile of the milliseconds that ``ask`` takes."""
    took = []
    for question in asked:
        began = time.perf_counter()
        ask(question)
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return took[len(took) // 2], took[int(len(took) * 0.95)]


@contextmanager
def serving(url: str, database: Database, catalog: Catalog) -> Iterator[httpx.Client]:
    """Serve the API from a thread of this process; yields a client with an operator's token."""
    links = Links("a secret key of thirty-two letters", "http://localhost")
    app = create_app(database, catalog, links, load_settings(database_url=url))
    with database.transaction() as connection:
        token, _ = tokens.create(connection, name="bench", role=Role.OPERATOR, now=END)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
        yield client
    server.should_exit = True
    thread.join()


def measure(url: str, count: int, asked: int) -> dict[str, float]:
    """Ask for each span and print a table; return the p95 of each in milliseconds."""
    catalog = catalog_without_minutes()
    clock.freeze(END)
    table = Table("span", "resolution", "points", "p50 ms", "p95 ms", "HTTP p50 ms", "HTTP p95 ms")
    result: dict[str, float] = {}
    with Database(url) as database, serving(url, database, catalog) as client:
        for name, span in SPANS.items():
            seen: dict[str, int] = {}

            def find(question: Question, seen: dict[str, int] = seen) -> None:
                device_id, since, until = question
                device = Device(device_id, "freezer", "bench", None, device_id, ServiceState.IN_SERVICE)
                product = catalog.products["freezer"]
                with database.transaction() as connection:
                    found = find_series(connection, device, product, Asked(METRIC, since, until), now=END)
                seen[found.resolution] = len(found.bins)

            def get(question: Question) -> None:
                device_id, since, until = question
                span = {"metric": METRIC, "from": since.isoformat(), "to": until.isoformat()}
                client.get(f"/v1/devices/{device_id}/readings", params=span).raise_for_status()

            all_asked = questions(span, asked, END - count // DEVICES * _MINUTE)
            own, http = p95(all_asked, find), p95(all_asked[: asked // 4], get)
            shown = [f"{value:.1f}" for value in (*own, *http)]
            table.add_row(name, "/".join(seen), str(max(seen.values())), *shown)
            result[f"{name}_p95_ms"] = round(own[1], 1)
    _console.print(table)
    return result


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000_000, help="how many readings (default: %(default)s)")
    parser.add_argument("--asked", type=int, default=200, help="questions of each span (default: %(default)s)")
    parser.add_argument("--drop", action="store_true", help="remove what was loaded, and end")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    arguments = parser.parse_args()
    logs.configure(level="WARNING", json=False)
    server_url = os.environ.get("IOT_DATABASE_URL") or servers()["IOT_DATABASE_URL"]
    count = min(arguments.rows, DEVICES * 365 * 1440) // DEVICES * DEVICES
    if arguments.drop:
        drop(server_url, count)
        return
    result = {"rows": count, **measure(prepare(server_url, count), count, arguments.asked)}
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
