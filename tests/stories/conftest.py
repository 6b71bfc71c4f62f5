"""The service on each pair of engines: PostgreSQL and a broker as they come along, and TimescaleDB with Mosquitto."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from iot_service.config import Settings, load_settings
from iot_service.db.migrate import migrate
from iot_service.engines.broker import EmbeddedBroker
from iot_service.engines.ports import free_port
from tests.conftest import at_database
from tests.servers.kannel import KannelServer
from tests.servers.mosquitto import MosquittoServer
from tests.servers.plugin import running
from tests.servers.smtp import SmtpServer
from tests.stories.running import RunningService, running_service


@pytest.fixture(scope="session")
def mqtt_url(engine: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker: the embedded one beside the embedded database, a Mosquitto of its own beside TimescaleDB.

    Its own, because devices leave retained messages behind, which tests of the broker itself would meet.
    """
    with ExitStack() as stack:
        if engine == "timescale":
            yield stack.enter_context(running(request.config, MosquittoServer())).url
        else:
            folder = tmp_path_factory.mktemp("broker")
            yield stack.enter_context(EmbeddedBroker(folder)).url


@pytest.fixture(scope="session")
def fault_broker(pytestconfig: pytest.Config) -> Iterator[MosquittoServer]:
    """A Mosquitto for the fault tests, on either engine: only it keeps what a killed service has not acknowledged."""
    with running(pytestconfig, MosquittoServer()) as server:
        yield server


@pytest.fixture(scope="session")
def story_settings(
    engine: str,
    server_url: str,
    mqtt_url: str,
    kannel_server: KannelServer,
    smtp_server: SmtpServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Settings:
    """Settings of a service on the real servers of this engine, with a database of its own."""
    name = f"stories_{engine}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    migrate(at_database(server_url, name))
    return load_settings(
        database_url=at_database(server_url, name),
        mqtt_url=mqtt_url,
        sms_url=kannel_server.url,
        sms_username=kannel_server.username,
        sms_password=kannel_server.password,
        smtp_url=smtp_server.url,
        port=free_port(),
        data_dir=tmp_path_factory.mktemp("data"),
        answer_within="4s",
        lateness="2s",
        backlog_quiet="5s",
    )


@pytest.fixture(scope="package")
def service(
    story_settings: Settings,
    kannel_server: KannelServer,
    smtp_server: SmtpServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningService]:
    """The running service that the stories of one engine share; each story has customers and devices of its own.

    It ends with the last of them: even a service that has nothing to do would take time from other tests.
    """
    log: Path = tmp_path_factory.mktemp("log") / "service.log"
    with running_service(story_settings, kannel_server, smtp_server, log) as service:
        yield service
