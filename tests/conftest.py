"""Fixtures that every test may use: a migrated database of its own on each engine, and a clock that is put back."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from iot_service import clock
from iot_service.db import Database
from iot_service.db.migrate import migrate

pytest_plugins = ["tests.servers.plugin"]

ENGINES = {"embedded": ["embedded"], "timescale": ["timescale"], "both": ["embedded", "timescale"]}
FACES = ("api", "pages", "console")
"""What only calls the stages: the stages' own stores and the stories are tested on both engines, these on one."""
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
        if len(engines) > 1 and any(f"tests.{face}." in metafunc.module.__name__ for face in FACES):
            engines = engines[:1]
        metafunc.parametrize("engine", engines, scope="session")


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


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """The address of a fresh, migrated database."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(
            # Copying the files takes a fifth of what writing them to the log does, where nothing waits for a disk.
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        yield at_database(server_url, name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh, migrated database with an open pool."""
    with Database(database_url) as database:
        yield database


@pytest.fixture(autouse=True)
def _clock_is_put_back() -> Iterator[None]:
    yield
    clock.thaw()
