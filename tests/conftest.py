"""Fixtures that every test may use: a migrated database of its own on each engine, and a clock that is put back."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from iot_service import clock
from iot_service.db import Database
from iot_service.db.migrate import migrate

pytest_plugins = ["tests.servers.plugin", "tests.clients.plugin", "tests.spread"]

ENGINES = {"embedded": ["embedded"], "timescale": ["timescale"], "both": ["embedded", "timescale"]}
ON_ONE_ENGINE = (
    *("api", "pages", "console", "test_docs"),  # only call the stages
    *("commands", "commerce", "customers", "dispatch", "engage", "notify", "registry"),
)
"""Packages and modules whose tests run on one engine, because nothing that engines do differently can reach them.

Readings are what differs (a hypertable or a plain table), and what the database itself must refuse, lock or remember:
exclusion constraints, claims, migrations. So db, ingest, rules, history, live, booking, wiring and the stories, which
go through everything, run on both, and so does tests/test_queries.py, which prepares every query. The packages above
have rows in plain tables that each engine keeps in the same way. A new package runs on both until it is named here.
"""
AHEAD = 3  # databases that are ready before a test asks for them
_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        choices=sorted(ENGINES),
        default="embedded",
        help="database engine that tests run on; `make test` runs them on both",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" in metafunc.fixturenames:
        engines = ENGINES[metafunc.config.getoption("--engine")]
        if len(engines) > 1 and metafunc.module.__name__.split(".")[1] in ON_ONE_ENGINE:
            engines = engines[:1]
        soak = [pytest.mark.soak] if metafunc.definition.get_closest_marker("soak_on_timescale") else []
        params = [pytest.param(name, marks=soak if name == "timescale" else []) for name in engines]
        metafunc.parametrize("engine", params, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long fault tests run when they are asked for by `-m soak`, and are not even listed otherwise."""
    if "soak" not in config.getoption("-m"):
        long = [item for item in items if item.get_closest_marker("soak")]
        if long:
            config.hook.pytest_deselected(items=long)
            items[:] = [item for item in items if not item.get_closest_marker("soak")]


def at_database(url: str, name: str) -> str:
    """The address of database ``name`` on the server of ``url``."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def server_url(engine: str, request: pytest.FixtureRequest) -> str:
    """The address of the database server of this engine."""
    server = request.getfixturevalue("embedded_postgres" if engine == "embedded" else "timescale_server")
    return str(server.url)


@pytest.fixture(scope="session")
def template(server_url: str) -> str:
    """The name of a migrated database that tests clone, which takes a tenth of a second."""
    name = f"template_{next(_numbers)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    migrate(at_database(server_url, name))
    with psycopg.connect(at_database(server_url, name), autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
        if found:  # its worker holds the template open
            connection.execute("SELECT _timescaledb_functions.stop_background_workers()")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
    return name


class Clones:
    """Fresh clones of the template, made ahead and dropped behind by threads, so that no test waits for a copy."""

    def __init__(self, server_url: str, template: str) -> None:
        self._server_url, self._template = server_url, template
        self._threads = ThreadPoolExecutor(2)
        self._ready: deque[Future[str]] = deque()
        self._ending: list[Future[None]] = []

    def take(self) -> str:
        """The name of a database that nobody has used."""
        while len(self._ready) <= AHEAD:
            self._ready.append(self._threads.submit(self._make, f"test_{next(_numbers)}"))
        return self._ready.popleft().result()

    def give_back(self, name: str) -> None:
        """Drop a database that was used."""
        self._ending.append(self._threads.submit(self._drop, name))

    def close(self) -> None:
        """Wait until everything is made and dropped; raises what went wrong with it."""
        self._threads.shutdown()
        for made in self._ready:
            made.result()
        for dropped in self._ending:
            dropped.result()

    def _make(self, name: str) -> str:
        # Copying the files takes a fifth of what writing them to the log does, where nothing waits for a disk.
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(self._template)))
        return name

    def _drop(self, name: str) -> None:
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def clones(server_url: str, template: str) -> Iterator[Clones]:
    """Databases for the tests of this engine."""
    some = Clones(server_url, template)
    yield some
    some.close()


@pytest.fixture
def database_url(server_url: str, clones: Clones) -> Iterator[str]:
    """The address of a fresh, migrated database."""
    name = clones.take()
    yield at_database(server_url, name)
    clones.give_back(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh, migrated database with an open pool."""
    with Database(database_url) as database:
        yield database


@pytest.fixture(autouse=True)
def _clock_is_put_back() -> Iterator[None]:
    yield
    clock.thaw()
