"""The embedded MQTT broker: Mosquitto with our configuration, or amqtt where there is none."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal

import structlog

from iot_service.engines.child import PLAIN_ENVIRONMENT, Child
from iot_service.engines.folder_lock import lock_folder
from iot_service.engines.mosquitto_files import ACCESS_LIST, PASSWORDS, put_file
from iot_service.engines.ports import LOOPBACK, answers, free_port, is_free
from iot_service.engines.users import User, engine_user, make_folder
from iot_service.errors import StopError

_START_TIMEOUT = 15.0  # seconds
_SYSTEM_PROGRAMS = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"  # where it is, yet not on every user's path

# deploy/mosquitto.conf gives the reasons; this one is for a single machine, so it trusts the loopback interface.
_CONFIGURATION = """\
listener {port} {host}
{access}
pid_file {pid_file}
persistence true
persistence_location ./
autosave_interval 10
max_inflight_messages 5000
max_queued_messages 10000000
max_queued_bytes 1073741824
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages false
"""

_EVERYBODY = "allow_anonymous true"
_THOSE_IN_FILES = f"allow_anonymous false\npassword_file {PASSWORDS}\nacl_file {ACCESS_LIST}"
PID_FILE = "mosquitto.pid"


def find_mosquitto() -> str | None:
    """Return the path of the Mosquitto broker, looked for on the path and where Debian hides it, or None."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=_SYSTEM_PROGRAMS)


class EmbeddedBroker:
    """An MQTT broker on loopback, keeping its sessions in ``folder``.

    Anybody may do everything there, unless ``files`` (texts by name: password file and access list) say who may do
    what; those missing are put into :attr:`files_folder` at the start, and new ones can take their place there.
    ``port`` 0 takes a free one. ``mosquitto`` is the program to run: found by itself if not given, and None means to
    do without. ``remove=True`` deletes the folder after the end, however this process ends. It is a context manager.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        mosquitto: str | Literal["find"] | None = "find",
        remove: bool = False,
        files: Mapping[str, str] | None = None,
    ) -> None:
        self.folder, self.port = folder.absolute(), port
        self._wanted_port, self._remove, self._files = port, remove, files
        self._mosquitto = find_mosquitto() if mosquitto == "find" else mosquitto
        self._child: Child | None = None
        self.kind: Literal["mosquitto", "amqtt"] = "mosquitto" if self._mosquitto else "amqtt"
        """Which broker it is: known before the start, but a Mosquitto that fails to start makes it ``amqtt``."""
        self.url = ""
        """Address, once started: ``mqtt://127.0.0.1:PORT``."""

    def start(self) -> str:
        """Start the broker and return its address.

        Raises StopError when the port or the folder is taken, or neither broker comes up, with the last words of it.
        """
        if self._wanted_port and not is_free(self._wanted_port):
            raise StopError(f"port {self._wanted_port} on {LOOPBACK} is taken: name another one for the broker")
        try:
            make_folder(self.folder, None)
            lock = lock_folder(self.folder)
        except OSError as error:
            raise self._unusable(error) from error
        try:
            self._child = self._start_either(lock)
        except OSError as error:  # the disk is full, or something else stands where a folder should
            raise self._unusable(error) from error
        finally:
            os.close(lock)
        self.url = f"mqtt://{LOOPBACK}:{self.port}"
        structlog.get_logger().info(
            "The embedded broker runs.", action="engine.started", engine=self.kind, port=self.port
        )
        return self.url

    def stop(self) -> None:
        """End the broker (Mosquitto saves its sessions) and wait for it. May be called again."""
        if self._child is not None:
            self._child.stop()
            self._child = None
            self.url = ""

    @property
    def files_folder(self) -> Path:
        """Where its password file, access list and (Mosquitto's) ``mosquitto.pid`` are."""
        return self.folder / "sessions"

    @property
    def running(self) -> bool:
        """Whether the broker still runs."""
        return self._child is not None and self._child.running

    @property
    def pid(self) -> int:
        """Process id of the broker, 0 when it was not started."""
        return self._child.pid if self._child else 0

    def __enter__(self) -> EmbeddedBroker:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _unusable(self, error: OSError) -> StopError:
        return StopError(f"cannot use the data folder {self.folder}: {error.strerror} ({error.filename})")

    def _start_either(self, lock: int) -> Child:
        log = structlog.get_logger()
        if self._mosquitto:
            try:
                return self._started(self._mosquitto_child(self._mosquitto, lock))
            except StopError as error:
                log.warning("Mosquitto did not start.", action="engine.failed", engine="mosquitto", reason=str(error))
        self.kind = "amqtt"
        log.warning(
            "No Mosquitto here: amqtt serves as the broker. It is for a first look only, since it forgets "
            "unacknowledged messages. Install the package mosquitto, or set IOT_MQTT_URL.",
            action="engine.fallback",
            engine="amqtt",
        )
        return self._started(self._amqtt_child(lock))

    def _started(self, child: Child) -> Child:
        child.start()
        if child.wait_until(lambda: answers(self.port), timeout=_START_TIMEOUT):
            return child
        child.stop()
        raise StopError(f"the broker {child.command[0]} did not start. It said:\n{child.last_words()}")

    def _mosquitto_child(self, program: str, lock: int) -> Child:
        sessions = self.files_folder
        user = engine_user("mosquitto", owner_of=sessions)
        make_folder(sessions, user)
        self._put_files()
        self.port = self._wanted_port or free_port()
        configuration = sessions / "mosquitto.conf"
        access = _EVERYBODY if self._files is None else _THOSE_IN_FILES
        configuration.write_text(_CONFIGURATION.format(port=self.port, host=LOOPBACK, access=access, pid_file=PID_FILE))
        _hand_over(configuration, user)
        return Child(
            [program, "-c", configuration.name],  # relative: its user may not be able to walk to the folder
            folder=sessions,
            log=self.folder / "broker.log",
            user=user,
            env=PLAIN_ENVIRONMENT,
            keep=(lock,),
            remove=self.folder if self._remove else None,
        )

    def _put_files(self) -> None:
        for name, text in (self._files or {}).items():
            if not (self.files_folder / name).exists():  # else it is newer than what we were given
                put_file(self.files_folder / name, [text])

    def _amqtt_child(self, lock: int) -> Child:
        self.port = self._wanted_port or free_port()
        make_folder(self.files_folder, None)
        self._put_files()
        asks = [str(self.files_folder)] if self._files is not None else []
        return Child(
            [sys.executable, "-m", "iot_service.engines.amqtt_broker", str(self.port), *asks],
            folder=Path(__file__).parents[2],  # from here the package is found even where it is not installed
            log=self.folder / "broker.log",
            keep=(lock,),
            remove=self.folder if self._remove else None,
        )


def _hand_over(file: Path, user: User | None) -> None:
    file.chmod(0o600)
    if user is not None:
        os.chown(file, user.uid, user.gid)
