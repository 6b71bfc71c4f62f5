"""The real servers for work by hand: ``python -m tests.servers start``, ``stop``, or ``run`` in the foreground.

``start`` prints the settings that make the service use them, and leaves them in ``.servers.env``. SMS and e-mails that
arrive are shown in ``.servers.log``.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Event

from iot_service.errors import StopError
from tests.servers.kannel import KannelServer
from tests.servers.mosquitto import MosquittoServer
from tests.servers.server import Server
from tests.servers.smtp import SmtpServer
from tests.servers.timescale import TimescaleServer

_ROOT = Path(__file__).parents[2]
_SETTINGS, _LOG, _PROCESS = _ROOT / ".servers.env", _ROOT / ".servers.log", _ROOT / ".servers.pid"
_START_TIMEOUT = 300.0  # seconds; the first time a Debian tree is made


def _holder() -> int | None:
    """Return the id of the process that runs the servers, or None if there is none."""
    if not _PROCESS.exists():
        return None
    with _PROCESS.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(file.read())
    return None


def start() -> int:
    """Start the servers in the background and print their settings; return an exit code."""
    if _holder() is None:
        _SETTINGS.unlink(missing_ok=True)
        with _LOG.open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.servers", "run"],
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_TIMEOUT
        while not _SETTINGS.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                print(f"the servers did not start:\n{_LOG.read_text()[-2000:]}", file=sys.stderr)
                return 1
            time.sleep(0.05)
    print(_SETTINGS.read_text(), end="")
    return 0


def stop() -> int:
    """Stop the servers that ``start`` started; return an exit code."""
    process = _holder()
    if process is None:
        print("no servers are running")
        return 0
    os.kill(process, signal.SIGTERM)
    while _holder() is not None:
        time.sleep(0.05)
    print("stopped")
    return 0


def run() -> int:
    """Run the servers until SIGTERM or SIGINT; return an exit code."""
    with _PROCESS.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("the servers are running already", file=sys.stderr)
            return 1
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        ended = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        sms, mail = KannelServer(), SmtpServer()
        servers: list[Server] = [TimescaleServer(), MosquittoServer(), sms, mail]
        try:
            _SETTINGS.write_text("".join(f"{key}={value}\n" for key, value in _started(servers).items()))
            _show(sms, mail, ended)
        finally:
            for server in reversed(servers):
                server.stop()
            _SETTINGS.unlink(missing_ok=True)
            _PROCESS.unlink(missing_ok=True)
    return 0


def _started(servers: list[Server]) -> dict[str, str]:
    """Start what this machine allows, say so in the log, and return the settings of all that run."""
    settings: dict[str, str] = {}
    for server in servers:
        try:
            if reason := server.available():
                raise StopError(reason)
            server.start()
        except StopError as error:
            print(f"NOT started: {server.name}: {error}", flush=True)
            continue
        print(f"started: {server.name}", flush=True)
        settings |= server.settings()
    return settings


def _show(sms: KannelServer, mail: SmtpServer, ended: Event) -> None:
    """Print what arrives until ``ended``."""
    while not ended.wait(0.5):
        for message in sms.messages():
            print(f"SMS to {message.number} from {message.sender}: {message.text}", flush=True)
        sms.clear()
        for letter in mail.messages:
            print(f"e-mail to {letter['X-RcptTo']}: {letter['Subject']}", flush=True)
        mail.clear()


if __name__ == "__main__":
    commands = {"start": start, "stop": stop, "run": run}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        sys.exit(f"usage: python -m tests.servers {'|'.join(commands)}")
    sys.exit(commands[sys.argv[1]]())
