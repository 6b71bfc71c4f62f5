"""TimescaleDB on PostgreSQL 17, in a chroot."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from iot_service.engines.child import PLAIN_ENVIRONMENT, Child
from iot_service.engines.ports import LOOPBACK, free_port
from iot_service.engines.users import User
from iot_service.errors import StopError
from tests.servers.keeper import keeper_of
from tests.servers.memory import memory_folder, mounts_are_allowed
from tests.servers.server import version_of
from tests.servers.timescale_tree import timescale_tree, why_no_tree

_PROGRAMS = "/usr/lib/postgresql/17/bin"
_ATTEMPTS = 20
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "dynamic_shared_memory_type": "mmap",
    "shared_buffers": "128MB",
    "max_connections": "200",
    "max_worker_processes": "32",  # each database with hypertables wants some
    "jit": "off",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "track_commit_timestamp": "on",  # benchmarks read from it when each row was committed
}


_DURABLE = {"synchronous_commit": "on"}  # what the system has been given outlives a killed process, synced or not
_MOUNT = 'mount --bind "$0" "$1" && shift && exec "$@"'
_SMALL = {"max_wal_size": "256MB"}


class TimescaleServer:
    """A TimescaleDB with an empty database ``iot`` and a superuser ``iot``; its data is fresh with every start.

    The port stays the same over :meth:`halt`, :meth:`kill` and :meth:`restart`, and so does the data. A ``durable`` one
    keeps what it has committed over :meth:`kill`, as one in production does. With ``in_memory`` its data is in memory
    where the machine allows that, else on disk.
    """

    name = "TimescaleDB"

    def __init__(self, *, durable: bool = False, in_memory: bool = False) -> None:
        self._settings = _SETTINGS | (_DURABLE if durable else {}) | (_SMALL if in_memory else {})
        self._in_memory = in_memory
        self._memory: Path | None = None
        self.url = ""
        """``postgresql://iot:…@127.0.0.1:PORT/iot`` once started."""
        self.port = 0
        self._home: Path | None = None
        self._child: Child | None = None
        self._keeper: Child | None = None

    def available(self) -> str | None:
        """Return None if this machine can run it, else the reason why not."""
        return why_no_tree()

    def start(self) -> None:
        """Start it with fresh data, making the tree first if need be; raises StopError if it does not come up."""
        reason = self.available()
        if reason:
            raise StopError(reason)
        self.stop()
        tree = timescale_tree()
        user = _user_in(tree)
        self._memory = memory_folder() if self._in_memory and mounts_are_allowed() else None
        self._home = home = Path(tempfile.mkdtemp(prefix="iot-", dir=self._memory or tree / "srv"))
        self._keeper = keeper_of(home, grace=6.0)
        os.chown(home, user.uid, user.gid)
        password = secrets.token_urlsafe(16)
        _initialise(self._inside(tree), home, user, password)
        self.port = free_port()
        self.restart()
        postgres = version_of("chroot", str(tree), f"{_PROGRAMS}/postgres", "--version")
        self.name = f"TimescaleDB {_extension_version(tree)} on PostgreSQL {postgres}"
        self.url = f"postgresql://iot:{password}@{LOOPBACK}:{self.port}/iot"

    def restart(self) -> None:
        """Start it (again), on the same port and with the data it had; what still runs is stopped first."""
        if self._home is None:
            raise StopError("restart() comes after start()")
        self.halt()
        tree, home = timescale_tree(), self._home
        command = [f"{_PROGRAMS}/postgres", "-D", f"/srv/{home.name}/data", f"--port={self.port}"]
        command += [f"--{name}={value}" for name, value in self._settings.items()]
        for attempt in range(_ATTEMPTS):
            child = Child(
                [*self._inside(tree), *command],
                folder=tree,
                log=home / "postgres.log",
                signals=("INT", "QUIT"),
                env=PLAIN_ENVIRONMENT,
            )
            child.start()
            if child.wait_until(lambda: _is_ready(home / "data", child.pid), timeout=60):  # noqa: B023  # asked at once
                self._child = child
                return
            words = child.last_words()
            child.stop()
            if attempt + 1 == _ATTEMPTS or "still in use" not in words:  # by children of one that was killed
                raise StopError(f"TimescaleDB did not start. It said:\n{words}")
            time.sleep(0.2)

    def kill(self) -> None:
        """Kill it as a crash would: its postmaster, and with it all its processes."""
        if self._child is not None:
            self._child.send(signal.SIGKILL)
            self._child.stop()

    def halt(self) -> None:
        """Stop it in good order, keeping its data for :meth:`restart`."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def stop(self) -> None:
        """End it and remove its data. May be called again."""
        if self._child is not None:
            self._child.send(signal.SIGQUIT)  # at once, since nobody wants its data
        self.halt()
        if self._home is not None:
            shutil.rmtree(self._home / "data", ignore_errors=True)
        if self._keeper is not None:
            self._keeper.send(signal.SIGKILL)  # removes the folder
            self._keeper.stop()
            self._keeper, self._home = None, None

    def settings(self) -> dict[str, str]:
        """Return the settings that make the service use it."""
        return {"IOT_DATABASE_URL": self.url}

    def _inside(self, tree: Path) -> list[str]:
        """Return the start of a command that runs in the tree, which sees the folder with the data as ``/srv``."""
        user = _user_in(tree)
        change = ["chroot", f"--userspec={user.uid}:{user.gid}", "--groups=", str(tree)]
        if self._memory is None:
            return change
        # The mount is the process's own, and gone when it ends, however it ends.
        return ["unshare", "--mount", "sh", "-c", _MOUNT, str(self._memory), str(tree / "srv"), *change]


def _user_in(tree: Path) -> User:
    """Return the user postgres of the tree, whose numbers may be somebody else's outside."""
    for line in (tree / "etc" / "passwd").read_text().splitlines():
        name, _, uid, gid, *_ = line.split(":")
        if name == "postgres":
            return User(name, int(uid), int(gid))
    raise StopError(f"no user postgres in {tree}: remove the folder, and it is made again")


def _initialise(inside: list[str], home: Path, user: User, password: str) -> None:
    secret = home / "password"
    secret.write_text(password)
    os.chown(secret, user.uid, user.gid)
    secret.chmod(0o600)
    data = f"/srv/{home.name}/data"
    initdb = [f"{_PROGRAMS}/initdb", "-D", data, "-U", "iot", f"--pwfile=/srv/{home.name}/password"]
    initdb += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--no-sync"]
    _run([*inside, *initdb])
    _run([*inside, f"{_PROGRAMS}/postgres", "--single", "-D", data, "postgres"], "CREATE DATABASE iot\n")


def _run(command: list[str], text: str = "") -> None:
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, check=False, env=PLAIN_ENVIRONMENT, cwd="/"
    )
    if done.returncode != 0:
        raise StopError(f"{' '.join(command)} failed:\n{done.stderr[-1500:]}")


def _is_ready(data: Path, pid: int) -> bool:
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"


def _extension_version(tree: Path) -> str:
    control = tree / "usr/share/postgresql/17/extension/timescaledb.control"
    for line in control.read_text().splitlines():
        if line.startswith("default_version"):
            return line.partition("=")[2].strip(" '")
    return ""
