"""The embedded database: PostgreSQL from a wheel, run as our child."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import structlog

from iot_service.engines.binaries import MAJOR, postgres_programs
from iot_service.engines.child import PLAIN_ENVIRONMENT, Child
from iot_service.engines.folder_lock import lock_folder
from iot_service.engines.ports import LOOPBACK, free_port, is_free
from iot_service.engines.users import User, engine_user, make_folder
from iot_service.errors import StopError

_START_TIMEOUT = 60.0  # seconds; recovery after a kill may take some
_TRIES = 3  # somebody may take the port we found free

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "cluster_name": "iot-service",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "max_connections": "200",
    "max_wal_size": "512MB",
    "wal_level": "minimal",  # nobody replicates it, and COPY into new tables is cheaper
    "max_wal_senders": "0",
    "jit": "off",  # our queries are short
    "max_parallel_workers_per_gather": "0",  # a laptop has other work to do
    "dynamic_shared_memory_type": "mmap",  # /dev/shm is tiny in containers, and a kill would leave files there
    "log_checkpoints": "off",
    "random_page_cost": "1.1",
}
_THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """A PostgreSQL 18 of our own in ``folder``, reachable on loopback by a password that only its owner can read.

    ``port`` 0 takes a free one. ``durable=False`` trades safety against power loss for speed (tests, demo).
    ``remove=True`` deletes the folder after the end, however this process ends. A predecessor on the same folder that
    is still shutting down is waited for, ``patience`` seconds. It runs as this user, as root as ``postgres`` or
    ``nobody``. Usable as a context manager.
    """

    def __init__(
        self, folder: Path, *, port: int = 0, durable: bool = True, remove: bool = False, patience: float = 10.0
    ) -> None:
        self.folder, self.port = folder.absolute(), port
        self._patience = patience
        self._wanted_port, self._durable, self._remove = port, durable, remove
        self._data = self.folder / "data"
        self._child: Child | None = None
        self.url = ""
        """Address with user and password, once started: ``postgresql://iot:…@127.0.0.1:PORT/iot``."""

    def start(self) -> str:
        """Start the server, creating its data the first time, and return its address.

        Raises StopError when the port or the folder is taken, or the server does not come up, with its last words.
        """
        if self._wanted_port and not is_free(self._wanted_port):
            raise StopError(f"port {self._wanted_port} on {LOOPBACK} is taken: name another one for the database")
        lock = self._locked_folder()
        try:
            user = engine_user("postgres", owner_of=self._data)
            programs = postgres_programs(user)
            password = self._initialised(programs, user, lock)
            (self._data / "postmaster.pid").unlink(missing_ok=True)  # we hold the lock, so nobody lives behind it
            self._run(programs, user, lock)
        finally:
            os.close(lock)
        self.url = f"postgresql://iot:{password}@{LOOPBACK}:{self.port}/iot"
        return self.url

    def stop(self) -> None:
        """Shut the server down (its sessions are ended) and wait for it. May be called again."""
        if self._child is not None:
            self._child.stop()
            self._child = None
            self.url = ""

    @property
    def running(self) -> bool:
        """Whether the server still runs."""
        return self._child is not None and self._child.running

    @property
    def pid(self) -> int:
        """Process id of the server, 0 when it was not started."""
        return self._child.pid if self._child else 0

    def __enter__(self) -> EmbeddedPostgres:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _locked_folder(self) -> int:
        try:
            make_folder(self.folder, None)
            return lock_folder(self.folder, patience=self._patience)
        except OSError as error:
            raise StopError(f"cannot use the data folder {self.folder}: {error.strerror} ({error.filename})") from error

    def _initialised(self, programs: Path, user: User | None, lock: int) -> str:
        """Make the data folder if there is none yet; return the password."""
        secret = self.folder / "password"
        version = self._data / "PG_VERSION"
        if not self._data.exists():
            password = secrets.token_urlsafe(24)
            self._initialise(programs, user, password, lock)
            secret.unlink(missing_ok=True)
            secret.touch(0o600)
            secret.write_text(password)
            (self.folder / "data.new").rename(self._data)  # last, so that a data folder is always a whole one
        try:
            found, password = version.read_text().strip(), secret.read_text().strip()
        except (FileNotFoundError, PermissionError) as error:
            raise StopError(f"cannot read {error.filename}: {error.strerror}. Was it made by another user?") from error
        if found != str(MAJOR):
            raise StopError(
                f"{self._data} was made by PostgreSQL {found}, this is {MAJOR}: dump it there, load it here"
            )
        return password

    def _initialise(self, programs: Path, user: User | None, password: str, lock: int) -> None:
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        make_folder(fresh, user)
        with tempfile.TemporaryFile() as handed:  # has no name that others could open
            handed.write(password.encode())
            handed.flush()
            if user is not None:
                os.fchown(handed.fileno(), user.uid, user.gid)
            command = [programs / "initdb", "-D", _data_argument(fresh, user), "-U", "iot", "--auth=scram-sha-256"]
            command += [f"--pwfile=/dev/fd/{handed.fileno()}", "--encoding=UTF8", "--no-instructions"]
            command += ["--locale-provider=builtin", "--locale=C.UTF-8", "--set=dynamic_shared_memory_type=mmap"]
            command += [] if self._durable else ["--no-sync"]
            _run_once([str(part) for part in command], fresh, user, keep=(handed.fileno(), lock))
        command = [programs / "postgres", "--single", "-D", _data_argument(fresh, user), "postgres"]
        _run_once([str(part) for part in command], fresh, user, text="CREATE DATABASE iot\n", keep=(lock,))

    def _run(self, programs: Path, user: User | None, lock: int) -> None:
        settings = _SETTINGS if self._durable else _SETTINGS | _THROW_AWAY
        for _ in range(_TRIES):
            self.port = self._wanted_port or free_port()
            child = Child(
                [str(programs / "postgres"), "-D", _data_argument(self._data, user), f"--port={self.port}"]
                + [f"--{name}={value}" for name, value in settings.items()],
                folder=self._data,
                log=self.folder / "postgres.log",
                signals=("INT", "QUIT"),  # fast, then immediate; only then SIGKILL, which its children would survive
                user=user,
                env=PLAIN_ENVIRONMENT,
                keep=(lock,),
                remove=self.folder if self._remove else None,
            )
            child.start()
            if child.wait_until(self._ready, timeout=_START_TIMEOUT):
                self._child = child
                structlog.get_logger().info(
                    "The embedded database runs.", action="engine.started", engine="postgres", port=self.port
                )
                return
            words = child.last_words()
            child.stop()
            if self._wanted_port or "Address already in use" not in words:
                break
        raise StopError(f"the embedded database in {self.folder} did not start. It said:\n{words}")

    def _ready(self) -> bool:
        """Whether the server wrote into its pid file that it takes connections."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"


def _data_argument(data: Path, user: User | None) -> str:
    """Return how the server shall name its data folder, which is also its working folder.

    An unprivileged user started by root may be unable to walk to it by its path (below /root), yet he stands in it.
    """
    return str(data) if user is None else "/proc/self/cwd"


def _run_once(
    command: Sequence[str], folder: Path, user: User | None, *, text: str = "", keep: Sequence[int] = ()
) -> None:
    done = subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=PLAIN_ENVIRONMENT,
        pass_fds=tuple(keep),
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
    )
    if done.returncode != 0:
        raise StopError(f"{Path(command[0]).name} failed:\n{done.stdout[-500:]}{done.stderr[-1500:]}")
