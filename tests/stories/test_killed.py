"""SIGKILL in the middle of the work: nothing is lost, nothing is done twice, nothing is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from iot_service.config import Settings, environment, load_settings
from iot_service.db import Database
from iot_service.db.migrate import migrate
from iot_service.engines.ports import free_port
from iot_service.wiring.installation import database_url
from simulators.mapping import load_mapping
from simulators.replay import replay
from tests.conftest import at_database
from tests.factories import make_customer, make_device, make_site
from tests.servers.mosquitto import MosquittoServer
from tests.stories.running import wait_for
from tests.test_wheel import processes_with


@contextmanager
def serving(settings: Settings, log: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """`iot-service serve` as a process of its own; SIGKILLed at the end of the block."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "iot_service", "serve"],
            env={**environment(settings), **variables}, cwd=log.parent, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def alive(marker: str) -> list[str]:
    """Processes with ``marker`` in their environment: everything that one service has started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if marker.encode() in entry.read_bytes():
                found.append((entry.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def prepared(server_url: str, name: str) -> str:
    """A new database with one car, and its address."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = at_database(server_url, name)
    migrate(url)
    with Database(url) as database, database.transaction() as connection:
        make_customer(connection)
        make_site(connection)
        make_device(connection, id="car-1", product="car", parameters={})
    return url


def outcome(settings: Settings) -> tuple[int, list[tuple[str, float]]]:
    """How many readings are stored, and which needs opened how many seconds before the recording's end."""
    with psycopg.connect(database_url(settings)) as connection:
        row = connection.execute("SELECT count(*), max(ts) FROM reading").fetchone()
        assert row is not None
        needs = connection.execute("SELECT rule, opened_at FROM need ORDER BY opened_at, rule").fetchall()
    return int(row[0]), [(rule, (row[1] - opened).total_seconds()) for rule, opened in needs]


def judged(settings: Settings) -> bool:
    with psycopg.connect(database_url(settings)) as connection:
        row = connection.execute(
            "SELECT NOT EXISTS (SELECT 1 FROM touched) AND evaluated_until >= (SELECT max(ts) FROM reading)"
            " FROM rule_state"
        ).fetchone()
    return bool(row and row[0])


READINGS = 4 * 1810


def recording(folder: Path) -> Path:
    """Half an hour of driving after a weak start, once a second."""
    lines = ["ENGINE_RPM (),CONTROL_MODULE_VOLTAGE (),VEHICLE_SPEED (),COOLANT_TEMPERATURE ()"]
    lines += ["0,12.2,0,20"] * 3 + ["0,8.1,0,20"] * 4 + ["1600,13.9,0,20"] * 3
    lines += [f"2000,14.1,{50 + i % 30},{min(90, 20 + i // 10)}" for i in range(1800)]
    file = folder / "drive.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def replayed(settings: Settings, folder: Path, *, disturbed: bool) -> tuple[int, list[tuple[str, float]]]:
    """Replay the drive into a service, which is killed in the middle and started again if ``disturbed``."""
    log = folder / f"service-{disturbed}.log"
    sender = threading.Thread(
        target=replay,
        args=(recording(folder), "car-1", load_mapping("car_obd")),
        kwargs={"url": settings.mqtt_url, "speed": 300.0},
    )
    with serving(settings, log) as service:
        wait_for(lambda: listening(settings), seconds=60, what="ingest to listen")
        sender.start()
        if disturbed:
            wait_for(lambda: outcome(settings)[0] > 1000, seconds=60, what="the first readings")
            service.kill()
        else:
            wait_for(lambda: judged(settings) and outcome(settings)[0] == READINGS, seconds=60, what="the end")
    if disturbed:
        with serving(settings, log):
            wait_for(lambda: judged(settings) and outcome(settings)[0] == READINGS, seconds=60, what="the end")
    sender.join()
    return outcome(settings)


@pytest.mark.soak_on_timescale
def test_a_killed_service_that_is_started_again_finds_what_an_undisturbed_one_finds(
    server_url: str, fault_broker: MosquittoServer, tmp_path: Path, engine: str
) -> None:
    outcomes = []
    for disturbed in (False, True):
        name = f"killed_{engine}_{disturbed}".lower()
        settings = load_settings(
            database_url=prepared(server_url, name),
            mqtt_url=fault_broker.url,
            port=free_port(),
            data_dir=tmp_path / name,
            secret_key="k" * 40,
            mqtt_slot=name,
        )
        outcomes.append(replayed(settings, tmp_path, disturbed=disturbed))
    assert outcomes[0] == outcomes[1]
    assert [rule for rule, _ in outcomes[0][1]] == ["battery_weak"]


def listening(settings: Settings) -> bool:
    """Whether ingest has come up and vouched for something."""
    with psycopg.connect(database_url(settings)) as connection:
        return connection.execute("SELECT 1 FROM ingest_slot").fetchone() is not None


def test_what_a_killed_service_had_started_ends_with_it(tmp_path: Path) -> None:
    marker = f"IOT_TEST_MARKER={tmp_path}"
    home = Path("/tmp") / f"iot-killed-{os.getpid()}"
    home.mkdir()
    settings = load_settings(port=free_port(), data_dir=home)
    log = tmp_path / "service.log"
    with serving(settings, log, IOT_TEST_MARKER=str(tmp_path)) as process:
        wait_for(lambda: "runs:" in log.read_text(), seconds=60, what="serve to run")
        wait_for(lambda: len(alive(marker)) >= 4, what="its processes")
        process.send_signal(signal.SIGKILL)
        process.wait()
        deadline = time.monotonic() + 20
        while (left := alive(marker) + processes_with(str(home))) and time.monotonic() < deadline:
            time.sleep(0.1)
    assert left == []
    subprocess.run(["rm", "-rf", home], check=True)


def test_serve_names_a_taken_port_and_the_option_that_changes_it(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "iot_service", "serve", "--port", str(port)],
            env={**os.environ, "IOT_DATA_DIR": str(tmp_path)}, cwd=tmp_path, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert f"port {port} on 127.0.0.1 is taken" in done.stderr
    assert "--port" in done.stderr


def test_a_wrong_setting_stops_the_start_with_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "iot_service", "serve"],
        env={**os.environ, "IOT_MQTT_URL": "localhost"}, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "IOT_MQTT_URL=localhost" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("part", ["worker", "ingest", "api"])
def test_a_part_alone_needs_to_be_told_its_database(part: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("IOT_")}
    done = subprocess.run(
        [sys.executable, "-m", "iot_service", part],
        env={**environment, "IOT_DATA_DIR": str(tmp_path)}, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "is not set" in done.stderr
