"""The wheel carries everything: installed elsewhere, it runs the whole demo, as root and as an ordinary user."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from iot_service.engines.postgres import EmbeddedPostgres

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's contents, built from a copy of what is checked in or new."""
    source = tmp_path_factory.mktemp("source")
    for name in ("iot_service", "simulators"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    wheels = tmp_path_factory.mktemp("wheels")
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", wheels, source], check=True)
    [wheel] = wheels.glob("*.whl")
    target = tmp_path_factory.mktemp("installed")
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", target, wheel], check=True)
    return target


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that an ordinary user can reach."""
    base = Path(os.environ.get("TMPDIR", "/tmp")) / f"iot-wheel-{os.getpid()}-{time.monotonic_ns()}"
    base.mkdir()
    base.chmod(0o777)
    yield base
    shutil.rmtree(base, ignore_errors=True)


def environment(installed: Path, folder: Path) -> dict[str, str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("IOT_")}
    libraries = sysconfig.get_paths()["purelib"]
    return {**variables, "PYTHONPATH": f"{installed}:{libraries}", "HOME": str(folder), "TMPDIR": str(folder)}


def processes_with(text: str) -> list[str]:
    """Command lines of running processes that name ``text``."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line:
            found.append(line)
    return found


def count(url: str, statement: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return int(row[0])


def counted_again(data: Path) -> dict[str, Any]:
    """The summary of a demo, counted from the tables it left in ``data``."""
    with EmbeddedPostgres(data / "postgres") as postgres:
        url = postgres.url
        needs = {
            kind: count(url, f"SELECT count(*) FROM need WHERE kind = '{kind}'")
            for kind in ("service", "fault", "refill")
        }
        letters = count(
            url, "SELECT (SELECT count(*) FROM dead_letter) + coalesce(sum(dropped), 0) FROM dead_letter_count"
        )
        return {
            "readings": count(url, "SELECT count(*) FROM reading"),
            "dead_letters": letters,
            "needs": needs,
            "appointments": count(url, "SELECT count(*) FROM appointment"),
            "jobs": count(url, "SELECT count(*) FROM job"),
            "orders": count(url, "SELECT count(*) FROM supply_order"),
            "deliveries": {
                state: count(url, f"SELECT count(*) FROM delivery WHERE state = '{state}'")
                for state in ("sent", "failed")
            },
        }


def test_the_demo_runs_from_the_wheel_and_its_summary_is_what_the_tables_say(installed: Path, folder: Path) -> None:
    data = folder / "data"
    done = subprocess.run(
        [sys.executable, "-m", "iot_service", "demo", "--for", "60", "--json", "--port", "0", "--data", data],
        cwd=folder, env=environment(installed, folder), capture_output=True, text=True, check=False, timeout=150,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said.pop("url").startswith("http://127.0.0.1:")
    assert 0 < said.pop("seconds_to_first_need") < 15
    assert said["deliveries"].pop("failed") == 0
    again = counted_again(data)
    assert again["deliveries"].pop("failed") == 0
    assert said == again
    flat = [*said["needs"].values(), said["deliveries"]["sent"], *(v for v in said.values() if isinstance(v, int))]
    assert all(number > 0 for number in flat), said
    assert processes_with(str(folder)) == []


def reachable_python(user: str) -> str:
    """A Python of this version that ``user`` may run (a virtual environment below /root is out of reach)."""
    account = pwd.getpwnam(user)
    version = f"python3.{sys.version_info.minor}"
    for candidate in (sys.executable, shutil.which(version, path="/usr/bin:/usr/local/bin") or "/usr/bin/python3"):
        try:
            subprocess.run(
                [candidate, "-c", ""], user=account.pw_uid, group=account.pw_gid, extra_groups=[], check=True, cwd="/"
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return candidate
    pytest.fail(f"no {version} that {user} can run")


@dataclass(frozen=True)
class Ordinary:
    """How to run the installed program as somebody without rights: as ourselves, or as nobody if we are root."""

    python: str
    program: Path
    identity: dict[str, Any]


@pytest.fixture
def ordinary(installed: Path, folder: Path) -> Ordinary:
    """An ordinary user with the program, and whatever it needs, within reach."""
    if os.geteuid() != 0:
        return Ordinary(sys.executable, installed, {})
    account = pwd.getpwnam("nobody")
    program = folder / "program"
    shutil.copytree(installed, program)
    for path in (program, *program.rglob("*")):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
    return Ordinary(
        reachable_python("nobody"),
        program,
        {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []},
    )


def test_ctrl_c_ends_the_demo_of_an_ordinary_user_and_leaves_nothing_behind(ordinary: Ordinary, folder: Path) -> None:
    demo = subprocess.Popen(
        [ordinary.python, "-m", "iot_service", "demo", "--port", "0"],
        cwd=folder, env=environment(ordinary.program, folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, **ordinary.identity,
    )  # fmt: skip
    assert demo.stdout is not None
    lines = []
    try:
        for line in demo.stdout:
            lines.append(line)
            if "detected" in line:
                break
    finally:
        demo.send_signal(signal.SIGINT)
        output = demo.communicate(timeout=60)[0]
    assert demo.returncode == 0, "".join(lines) + output
    assert any("detected" in line for line in lines), "".join(lines)
    assert processes_with(str(folder)) == []
    left = [path for path in folder.iterdir() if path.name.startswith("iot-service-demo")]
    assert left == []


def test_what_an_ordinary_users_service_had_started_ends_when_it_is_killed(ordinary: Ordinary, folder: Path) -> None:
    service = subprocess.Popen(
        [ordinary.python, "-m", "iot_service", "serve", "--port", "0"],
        cwd=folder, env={**environment(ordinary.program, folder), "IOT_DATA_DIR": str(folder / "data")},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **ordinary.identity,
    )  # fmt: skip
    assert service.stdout is not None
    try:
        assert any("runs:" in line for line in service.stdout), "it ended before it ran"
        assert len(processes_with(str(folder))) > 1, "its engines"
    finally:
        service.kill()
        service.wait()
    service.stdout.read()  # ends when the last process that could write to it has ended
    service.stdout.close()
    deadline = time.monotonic() + 20
    while (left := processes_with(str(folder))) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []
