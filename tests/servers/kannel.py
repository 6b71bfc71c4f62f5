"""A real SMS gateway: Kannel, with its fake SMSC as the mobile network."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from iot_service.engines.child import PLAIN_ENVIRONMENT, Child
from iot_service.engines.ports import LOOPBACK, answers, free_port
from iot_service.engines.users import engine_user, make_folder
from iot_service.errors import StopError
from tests.servers.server import version_of
from tests.servers.sms import Sms, parse_fakesmsc

_SYSTEM_PROGRAMS = "/usr/sbin:/usr/local/sbin"
_FAKESMSC = "/usr/lib/kannel/test"

_CONFIGURATION = """\
group = core
admin-port = {admin}
admin-interface = "{host}"
admin-password = "{password}"
smsbox-port = {smsbox}
smsbox-interface = "{host}"
box-allow-ip = "{host}"
log-level = 1

group = smsc
smsc = fake
smsc-id = far-end
port = {far_end}
connect-allow-ip = "{host}"

group = smsbox
bearerbox-host = {host}
bearerbox-port = {smsbox}
sendsms-port = {sendsms}
sendsms-interface = "{host}"
log-level = 1

group = sendsms-user
username = {username}
password = "{password}"
concatenation = true
max-messages = 10
default-sender = "IOT"
"""


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=_SYSTEM_PROGRAMS) or shutil.which(name, path=_FAKESMSC)


class KannelServer:
    """Kannel's ``sendsms`` interface at :attr:`url`, for :attr:`username` and :attr:`password`."""

    name = "Kannel"

    def __init__(self) -> None:
        self.username, self.password = "iot", secrets.token_hex(8)
        self.port = 0
        self._home: Path | None = None
        self._children: list[Child] = []
        self._seen = 0

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT/cgi-bin/sendsms`` once started."""
        return f"http://{LOOPBACK}:{self.port}/cgi-bin/sendsms"

    def available(self) -> str | None:
        """Return None if this machine can run it, else the reason why not."""
        missing = [name for name in ("bearerbox", "smsbox", "fakesmsc") if _program(name) is None]
        return f"not installed: {', '.join(missing)} (packages kannel, kannel-extras)" if missing else None

    def start(self) -> None:
        """Start gateway, SMS box and far end, and wait until they are connected; raises StopError if they do not."""
        reason = self.available()
        if reason:
            raise StopError(reason)
        self.stop()
        self._home = Path(tempfile.mkdtemp(prefix="iot-kannel-"))
        self._home.chmod(0o711)
        folder = self._home / "run"
        make_folder(folder, engine_user("kannel"))
        ports = {name: free_port() for name in ("admin", "smsbox", "far_end", "sendsms")}
        self.port = ports["sendsms"]
        configuration = folder / "kannel.conf"
        configuration.write_text(
            _CONFIGURATION.format(host=LOOPBACK, username=self.username, password=self.password, **ports)
        )
        try:
            bearerbox = self._child("bearerbox", "kannel.conf")
            self._expect(bearerbox, lambda: "smsc_fake: start called" in bearerbox.written())
            smsbox = self._child("smsbox", "kannel.conf")
            far_end = self._child("fakesmsc", "-H", LOOPBACK, "-r", str(ports["far_end"]), "-m", "0", "0 0 text unused")
            self._expect(smsbox, lambda: answers(self.port))
            self._expect(far_end, lambda: "Fakesmsc client connected" in bearerbox.written())
        except StopError:
            self.stop()
            raise
        self._seen = 0
        self.name = f"Kannel {version_of(str(_program('bearerbox')), '--version')} with its fakesmsc"

    def stop(self) -> None:
        """End it and remove what it left. May be called again."""
        for child in reversed(self._children):
            child.stop()
        self._children = []
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None

    def settings(self) -> dict[str, str]:
        """Return the settings that make the service use it."""
        return {"IOT_SMS_URL": self.url, "IOT_SMS_USERNAME": self.username, "IOT_SMS_PASSWORD": self.password}

    def messages(self, number: str | None = None) -> list[Sms]:
        """Return what arrived at the far end since the start or the last :meth:`clear`, for ``number`` if given."""
        return [sms for sms in self._arrived()[self._seen :] if number in (None, sms.number)]

    def clear(self) -> None:
        """Forget what has arrived up to now."""
        self._seen = len(self._arrived())

    def wait_for(self, number: str | None = None, *, count: int = 1, timeout: float = 15.0) -> list[Sms]:
        """Return the messages (for ``number``, if given) once there are ``count``.

        Raises TimeoutError, naming what there is, when they do not come within ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        while len(found := self.messages(number)) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{count} SMS wanted for {number or 'anybody'}, there are: {self.messages()}")
            time.sleep(0.05)
        return found

    def _arrived(self) -> list[Sms]:
        return parse_fakesmsc(self._children[2].written()) if len(self._children) == 3 else []

    def _expect(self, child: Child, ready: Callable[[], bool]) -> None:
        if not child.wait_until(ready, timeout=20):
            raise StopError(f"{child.command[0]} did not come up. It said:\n{child.last_words()}")

    def _child(self, name: str, *arguments: str) -> Child:
        assert self._home is not None
        child = Child(
            [str(_program(name)), *arguments],
            folder=self._home / "run",
            log=self._home / f"{name}.log",
            user=engine_user("kannel"),
            env=PLAIN_ENVIRONMENT,
            remove=self._home if name == "bearerbox" else None,  # it goes last
        )
        child.start()
        self._children.append(child)
        return child
