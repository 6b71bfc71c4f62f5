"""A database server and a broker that only the fault tests use, because they are killed and stopped."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest

from bench.ingest import register
from iot_service.db.migrate import migrate
from tests.conftest import at_database
from tests.faults.world import LONG, SHORT, Scale, World, fresh_database
from tests.servers.mosquitto import MosquittoServer
from tests.servers.plugin import running
from tests.servers.timescale import TimescaleServer

_numbers = itertools.count(1)
OpenWorld = Callable[..., AbstractContextManager[World]]


@pytest.fixture(params=[SHORT, pytest.param(LONG, marks=pytest.mark.soak)], ids=lambda scale: scale.name)
def scale(request: pytest.FixtureRequest) -> Scale:
    """Short in `make test`, long in `make soak`."""
    assert isinstance(request.param, Scale)
    return request.param


@pytest.fixture(scope="session")
def fault_server(pytestconfig: pytest.Config) -> Iterator[TimescaleServer]:
    """A TimescaleDB that keeps what it has committed, as one in production does."""
    with running(pytestconfig, TimescaleServer(durable=True)) as server:
        yield server


@pytest.fixture(scope="session")
def fault_template(fault_server: TimescaleServer) -> str:
    """The name of a migrated database with 1,000 freezers, to be cloned."""
    name = "fault_template"
    with psycopg.connect(fault_server.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE fault_template")
    url = at_database(fault_server.url, name)
    migrate(url)
    register(url, 1000)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT _timescaledb_functions.stop_background_workers()")
    with psycopg.connect(fault_server.url, autocommit=True) as connection:
        connection.execute("ALTER DATABASE fault_template ALLOW_CONNECTIONS false")
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'fault_template'")
    return name


@pytest.fixture
def open_world(
    scale: Scale, fault_server: TimescaleServer, fault_template: str, pytestconfig: pytest.Config, tmp_path: Path
) -> OpenWorld:
    """Makes a world with a broker and a database of its own."""

    @contextmanager
    def make(*, seed: int = 1, extra: str = "") -> Iterator[World]:
        url = fresh_database(fault_server, fault_template, f"faults_{next(_numbers)}")
        with (
            running(pytestconfig, MosquittoServer(extra=extra)) as broker,
            World(scale, fault_server, broker, url, tmp_path, seed) as world,
        ):
            yield world

    return make


@pytest.fixture
def world(open_world: OpenWorld) -> Iterator[World]:
    """A world, with nothing started yet."""
    with open_world() as world:
        yield world
