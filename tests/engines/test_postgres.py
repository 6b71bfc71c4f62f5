"""The embedded PostgreSQL: its own user, its own password, one at a time, and gone with its parent."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import structlog

import iot_service
from iot_service.engines.binaries import postgres_programs
from iot_service.engines.postgres import EmbeddedPostgres
from iot_service.engines.users import engine_user
from iot_service.errors import StopError

_PARENT = """
import sys, time
from pathlib import Path
from iot_service.engines.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), remove=sys.argv[2] == "remove")
print("started", server.start(), server.pid, flush=True)
time.sleep(60)
"""


def _started_and_killed(folder: Path, what: str) -> int:
    """Let another process start a server, ask it something, kill that process, and return the server's process id."""
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(folder), what], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        try:
            while not (line := parent.stdout.readline()).startswith("started"):
                assert line, "it ended before the server had started"
            _, url, pid = line.split()
            assert _ask(url, "SELECT 1") == 1
        finally:
            parent.kill()
    return int(pid)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder below one that only its owner can enter, as root's home is."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    yield closed / "postgres"
    shutil.rmtree(closed, ignore_errors=True)


def _ask(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]


def _gone(pid: int) -> bool:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.02)
    return False


def test_it_is_postgresql_18_in_utc_and_keeps_its_data_over_a_restart(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    with server:
        assert str(_ask(server.url, "SHOW server_version")).startswith("18.")
        assert _ask(server.url, "SHOW timezone") == "UTC"
        assert _ask(server.url, "SHOW fsync") == "on"
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with server:
        assert _ask(server.url, "SELECT answer FROM kept") == 42
    assert not server.running


def test_throw_away_servers_do_not_wait_for_the_disk(embedded_postgres: EmbeddedPostgres) -> None:
    assert _ask(embedded_postgres.url, "SHOW fsync") == "off"


def test_nobody_gets_in_without_the_password_and_only_its_owner_can_read_it(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as server:
        assert (folder / "password").stat().st_mode & 0o077 == 0
        assert folder.stat().st_mode & 0o077 == 0
        for password in ("", "password=guess"):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(f"host=127.0.0.1 port={server.port} user=iot dbname=iot {password}", connect_timeout=5)


def test_as_root_it_runs_as_somebody_without_rights(embedded_postgres: EmbeddedPostgres) -> None:
    owner = Path(f"/proc/{embedded_postgres.pid}").stat().st_uid
    assert owner != 0
    if os.geteuid() != 0:
        assert owner == os.geteuid()


@pytest.mark.parametrize("what", ["keep", "remove"])
def test_a_killed_parent_leaves_no_server_behind(folder: Path, what: str) -> None:
    assert _gone(_started_and_killed(folder, what))
    deadline = time.monotonic() + 5
    while what == "remove" and folder.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert folder.exists() == (what == "keep")


def test_a_successor_waits_for_a_predecessor_that_is_still_shutting_down(folder: Path) -> None:
    _started_and_killed(folder, "keep")
    with EmbeddedPostgres(folder) as server:  # at once: the old one has not even noticed
        assert _ask(server.url, "SELECT 1") == 1


def test_after_a_crash_of_the_server_itself_its_stale_pid_file_does_not_matter(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    server.start()
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    pid_file = folder / "data" / "postmaster.pid"
    assert pid_file.exists()
    pid_file.write_text(pid_file.read_text().replace(pid_file.read_text().split()[0], str(os.getpid()), 1))
    with server:
        assert _ask(server.url, "SELECT answer FROM kept") == 42


def test_a_folder_in_use_is_refused_naming_the_process(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False), pytest.raises(StopError, match=f"that process {os.getpid()} started"):
        EmbeddedPostgres(folder, patience=0.2).start()


def test_a_taken_port_is_named(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(StopError, match=f"port {port} on 127.0.0.1 is taken"):
            EmbeddedPostgres(folder, port=port).start()


def test_data_of_another_version_is_refused(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "PG_VERSION").write_text("16\n")
    (folder / "password").write_text("x")
    with pytest.raises(StopError, match="was made by PostgreSQL 16, this is 18"):
        EmbeddedPostgres(folder).start()


def test_a_server_that_does_not_come_up_says_why(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False):
        pass
    (folder / "data" / "global" / "pg_control").unlink()
    with pytest.raises(StopError, match=r"(?s)did not start. It said:.*pg_control"):
        EmbeddedPostgres(folder).start()


def test_programs_that_the_databases_user_cannot_reach_are_copied_for_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = postgres_programs(None).parents[1]
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    shutil.copytree(origin / "pginstall18", hidden / origin.name / "pginstall18")
    shutil.copytree(origin.with_name(f"{origin.name}.libs"), hidden / f"{origin.name}.libs")
    (hidden / origin.name / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(hidden))
    with tempfile.TemporaryDirectory(prefix="iot-cache-") as name:
        cache = Path(name)
        cache.chmod(0o755)
        user = engine_user()
        programs = postgres_programs(user, cache=cache)
        assert programs.is_relative_to(cache if user else hidden)
        assert postgres_programs(user, cache=cache) == programs
        said = subprocess.run(
            [programs / "initdb", "--version"],
            capture_output=True,
            text=True,
            check=True,
            user=user.uid if user else None,
            group=user.gid if user else None,
        )
        assert "18." in said.stdout


_ORDINARY = """
import os, sys
from pathlib import Path
from iot_service.engines.postgres import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1]) / "postgres", durable=False, remove=True) as server:
    print(os.getuid(), os.stat(f"/proc/{server.pid}").st_uid)
"""


def _installed_for_everybody(folder: Path) -> None:
    """Copy what the engine needs where any user can read it: ours may lie below root's home."""
    service, wheel = Path(iot_service.__file__).parent, postgres_programs(None).parents[1]
    shutil.copytree(service / "engines", folder / "iot_service" / "engines")
    for name in ("__init__.py", "errors.py"):
        shutil.copy(service / name, folder / "iot_service")
    shutil.copytree(Path(structlog.__file__).parent, folder / "structlog")
    shutil.copytree(wheel / "pginstall18", folder / wheel.name / "pginstall18")
    shutil.copytree(wheel.with_name(f"{wheel.name}.libs"), folder / f"{wheel.name}.libs")
    (folder / wheel.name / "__init__.py").touch()


def test_it_runs_for_an_ordinary_user_and_leaves_nothing() -> None:
    root = os.geteuid() == 0
    number = pwd.getpwnam("nobody").pw_uid if root else os.geteuid()
    with tempfile.TemporaryDirectory(prefix="iot-ordinary-") as name:
        everybody, home = Path(name) / "packages", Path(name) / "home"
        Path(name).chmod(0o755)
        _installed_for_everybody(everybody)
        home.mkdir()
        os.chown(home, number, -1)
        done = subprocess.run(
            ["/usr/bin/python3" if root else sys.executable, "-c", _ORDINARY, str(home)],
            capture_output=True,
            text=True,
            check=False,
            cwd=home,
            env={"PYTHONPATH": str(everybody), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
            user=number if root else None,
            extra_groups=[] if root else None,
        )
        assert done.stdout.splitlines()[-1:] == [f"{number} {number}"], done.stderr
        assert list(home.iterdir()) == []
