"""A real Mosquitto with the configuration that we ship."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from iot_service.engines.broker import find_mosquitto
from iot_service.engines.child import PLAIN_ENVIRONMENT, Child
from iot_service.engines.ports import LOOPBACK, answers, free_port
from iot_service.engines.users import engine_user, make_folder
from iot_service.errors import StopError
from tests.servers.keeper import keeper_of
from tests.servers.server import version_of

_DEPLOY = Path(__file__).parents[2] / "deploy"


class MosquittoServer:
    """Mosquitto with ``deploy/mosquitto.conf``, but for ports and folders.

    Without ``passwords`` anybody may connect and do everything; with it (user name to password) the shipped access
    list holds. The port stays the same over :meth:`kill` and :meth:`restart`, and so do the saved sessions. ``extra``
    are lines for the end of its configuration.
    """

    name = "Mosquitto"

    def __init__(self, passwords: dict[str, str] | None = None, *, extra: str = "") -> None:
        self.port = 0
        self.beside: dict[str, Path] = {}
        """Files to put into its folder at the start, by name: certificates that ``extra`` speaks of."""
        self._extra = extra
        self._passwords = passwords
        self._home: Path | None = None
        self._child: Child | None = None
        self._keeper: Child | None = None

    @property
    def url(self) -> str:
        """``mqtt://127.0.0.1:PORT`` once started."""
        return f"mqtt://{LOOPBACK}:{self.port}"

    @property
    def folder(self) -> Path:
        """Where its configuration, password file (``passwords``) and access list are, once started."""
        assert self._home is not None
        return self._home / "broker"

    @property
    def pid(self) -> int:
        """Its process id; 0 before the first start."""
        return self._child.pid if self._child else 0

    @property
    def running(self) -> bool:
        """Whether it runs at this moment."""
        return self._child is not None and self._child.running

    def available(self) -> str | None:
        """Return None if this machine can run it, else the reason why not."""
        return None if find_mosquitto() else "the program mosquitto is not installed"

    def start(self) -> None:
        """Start it without any sessions; raises StopError if it does not come up."""
        self.stop()
        self._home = Path(tempfile.mkdtemp(prefix="iot-mosquitto-"))
        self._home.chmod(0o711)
        self._keeper = keeper_of(self._home)
        self.port = free_port()
        self.restart()

    def restart(self) -> None:
        """Start it (again), on the same port and with the sessions it had saved; what still runs is stopped first."""
        program = find_mosquitto()
        if program is None or self._home is None:
            raise StopError(self.available() or "restart() comes after start()")
        if self._child is not None:
            self._child.stop()
        user = engine_user("mosquitto")
        folder = self._home / "broker"
        make_folder(folder, user)
        self._configure(folder)
        self.name = f"Mosquitto {version_of(program, '-h')}"
        child = Child(
            [program, "-c", "mosquitto.conf"],
            folder=folder,
            log=self._home / "mosquitto.log",
            user=user,
            env=PLAIN_ENVIRONMENT,
        )
        child.start()
        if not child.wait_until(lambda: answers(self.port), timeout=15):
            words = child.last_words()
            child.stop()
            raise StopError(f"Mosquitto did not start. It said:\n{words}")
        self._child = child

    def save(self) -> None:
        """Let it write its sessions now, instead of within the next 10 seconds; returns before they are written."""
        if self._child is not None:
            self._child.send(signal.SIGUSR1)

    def kill(self) -> None:
        """Kill it as a power cut would. What it had not saved is lost; see :meth:`save`."""
        if self._child is not None:
            self._child.send(signal.SIGKILL)
            self._child.stop()

    def halt(self) -> None:
        """Stop it in good order, keeping its sessions for :meth:`restart`."""
        if self._child is not None:
            self._child.stop()

    def stop(self) -> None:
        """End it and remove what it left. May be called again."""
        if self._child is not None:
            self._child.stop()
            self._child = None
        if self._keeper is not None:
            self._keeper.send(signal.SIGKILL)  # removes the folder
            self._keeper.stop()
            self._keeper, self._home = None, None

    def settings(self) -> dict[str, str]:
        """Return the settings that make the service use it."""
        return {"IOT_MQTT_URL": self.url}

    def _configure(self, folder: Path) -> None:
        """Write the shipped configuration into ``folder``, with what differs here put in its place."""
        replaced = {"listener": f"{self.port} {LOOPBACK}", "persistence_location": "./"}
        if self._passwords is None:
            replaced |= {"allow_anonymous": "true", "password_file": "", "acl_file": ""}
        else:
            replaced |= {"password_file": "./passwords", "acl_file": "./mosquitto.acl"}
            shutil.copy(_DEPLOY / "mosquitto.acl", folder)
            self._write_passwords(folder / "passwords")
        for name, file in self.beside.items():
            shutil.copy(file, folder / name)
        lines = []
        for line in (_DEPLOY / "mosquitto.conf").read_text().splitlines():
            key, _, value = line.partition(" ")
            value = replaced.get(key, value)
            if value and not line.startswith("#"):
                lines.append(f"{key} {value}")
        (folder / "mosquitto.conf").write_text("\n".join([*lines, self._extra]) + "\n")
        about = folder.stat()
        for file in folder.iterdir():
            os.chown(file, about.st_uid, about.st_gid)

    def _write_passwords(self, file: Path) -> None:
        file.touch()
        for name, password in (self._passwords or {}).items():
            command = ["mosquitto_passwd", "-b", str(file), name, password]
            subprocess.run(command, check=True, capture_output=True)
