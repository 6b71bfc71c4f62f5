"""The pytest plugin that brings the real servers as fixtures, and says at the end which ones were used.

Each is started when a test first asks for it, once a run, but a broker once a file; where several processes share the
run (``-n``), each process has its own. Where one cannot be started, the tests that want it are skipped, but fail when
``CI`` is set.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from iot_service.engines.postgres import EmbeddedPostgres
from iot_service.errors import StopError
from tests.servers.kannel import KannelServer
from tests.servers.memory import memory_folder
from tests.servers.mosquitto import MosquittoServer
from tests.servers.promtool import Promtool
from tests.servers.server import Server
from tests.servers.smtp import SmtpServer
from tests.servers.timescale import TimescaleServer

_Any = TypeVar("_Any", bound=Server)
_USED = pytest.StashKey[list[str]]()
_SENT = "real servers"


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the list for the summary."""
    config.stash[_USED] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where this process is one of several, send the list to the one that writes the summary."""
    sent = getattr(session.config, "workeroutput", None)
    if sent is not None:
        sent[_SENT] = session.config.stash[_USED]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take in the list of another process; one that crashed has sent none."""
    for line in getattr(node, "workeroutput", {}).get(_SENT, []):
        _note(node.config, line)


def _note(config: pytest.Config, line: str) -> None:
    if line not in config.stash[_USED]:
        config.stash[_USED].append(line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which real servers were used, and which could not be started and why."""
    if config.stash[_USED]:
        terminalreporter.section("real servers")
        for line in config.stash[_USED]:
            terminalreporter.line(line)


def _started(server: Server) -> str | None:
    """Start ``server``; return None, or why it could not be started."""
    try:
        if reason := server.available():
            return reason
        server.start()
    except StopError as error:
        return str(error)
    return None


@contextmanager
def running(config: pytest.Config, server: _Any) -> Iterator[_Any]:
    reason = _started(server)
    if reason:
        _note(config, f"NOT used: {server.name}: {reason}")
        if os.environ.get("CI"):
            pytest.fail(f"{server.name} could not be started: {reason}", pytrace=False)
        pytest.skip(f"{server.name} could not be started: {reason}")
    _note(config, f"used: {server.name}")
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def timescale_server(pytestconfig: pytest.Config) -> Iterator[TimescaleServer]:
    """A TimescaleDB with an empty database ``iot`` (``url``), without the extension created yet."""
    with running(pytestconfig, TimescaleServer(in_memory=True)) as server:
        yield server


@pytest.fixture(scope="module")
def mosquitto_server(pytestconfig: pytest.Config) -> Iterator[MosquittoServer]:
    """A Mosquitto with the shipped configuration, for anybody (``url``). Who kills it restarts it.

    Each file of tests gets a fresh one, since it remembers: retained messages and sessions of others would depend on
    who came before.
    """
    with running(pytestconfig, MosquittoServer()) as server:
        yield server


@pytest.fixture(scope="session")
def kannel_server(pytestconfig: pytest.Config) -> Iterator[KannelServer]:
    """A Kannel with its fake SMSC (``url``, ``username``, ``password``; ``messages()`` and ``wait_for()``)."""
    with running(pytestconfig, KannelServer()) as server:
        yield server


@pytest.fixture(scope="session")
def promtool(pytestconfig: pytest.Config) -> Iterator[Promtool]:
    """The program that plays series through Prometheus' alerting rules (``test()``)."""
    with running(pytestconfig, Promtool()) as program:
        yield program


@pytest.fixture(scope="session")
def smtp_server(pytestconfig: pytest.Config) -> Iterator[SmtpServer]:
    """An SMTP server (``url``; ``messages`` and ``wait_for()``)."""
    with running(pytestconfig, SmtpServer()) as server:
        yield server


@pytest.fixture(scope="session")
def embedded_postgres(pytestconfig: pytest.Config) -> Iterator[EmbeddedPostgres]:
    """The embedded PostgreSQL with an empty database ``iot`` (``url``); its absence is never a reason to skip."""
    folder = Path(tempfile.mkdtemp(prefix="iot-postgres-", dir=memory_folder()))
    with EmbeddedPostgres(folder, durable=False, remove=True) as server:
        _note(pytestconfig, "used: PostgreSQL 18 (embedded)")
        yield server
