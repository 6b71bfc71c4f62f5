"""Run one engine, and end it when whoever started it is gone.

A stand-alone program of the standard library only (``python -m iot_service.engines.watchdog --help``), so that it
starts in a moment. Its standard input is a pipe held open by the process that wants the engine. Only its end ends the
engine, be it closed or its holder killed in any way. A parent-death signal would not do: the kernel clears it when a
child drops from root to another user, which is just what a database must do.

The first line on standard output is the engine's process id, or ``error`` and the reason it could not be started.
The engine writes where the watchdog's standard error goes.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Take a signal and do nothing (a handler, not SIG_IGN, because the engine would inherit the latter)."""


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="watchdog", description="Run an engine until standard input ends.")
    parser.add_argument("--signals", default="TERM", help="signals to ask the engine with, in turn: INT,QUIT")
    parser.add_argument("--grace", type=float, default=10.0, help="seconds to wait after each of them, then SIGKILL")
    parser.add_argument("--user", help="UID:GID to run the engine as (needs root)")
    parser.add_argument("--folder", help="working folder of the engine")
    parser.add_argument("--keep", type=int, action="append", default=[], help="file descriptor the engine inherits")
    parser.add_argument("--remove", help="folder to remove after the engine has ended")
    parser.add_argument("command", nargs="+", help="-- and the engine's command line")
    return parser.parse_args(arguments)


def _start(options: argparse.Namespace) -> subprocess.Popen[bytes]:
    uid, gid = (int(part) for part in options.user.split(":")) if options.user else (None, None)
    return subprocess.Popen(
        options.command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        stderr=sys.stderr.fileno(),
        cwd=options.folder,
        pass_fds=tuple(options.keep),
        start_new_session=True,  # Ctrl-C in the terminal must not reach it
        user=uid,
        group=gid,
        extra_groups=None if uid is None else [],
    )


def _end(engine: subprocess.Popen[bytes], signals: Sequence[str], grace: float) -> None:
    """Ask with each signal in turn, wait ``grace`` seconds after each, then kill the engine's whole session."""
    for name in signals:
        engine.send_signal(signal.Signals[f"SIG{name}"])
        with contextlib.suppress(subprocess.TimeoutExpired):
            engine.wait(grace)
            return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(engine.pid, signal.SIGKILL)
    engine.wait()


def _watch(engine: subprocess.Popen[bytes], wake: int, options: argparse.Namespace) -> int:
    """Wait for the end of the engine or of standard input; return the engine's exit code."""
    while engine.poll() is None:
        ready, _, _ = select.select([0, wake], [], [])
        if wake in ready:
            os.read(wake, 512)
        if 0 in ready and os.read(0, 512) == b"":
            _end(engine, options.signals.split(","), options.grace)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(engine.pid, signal.SIGKILL)  # what the engine may have left of its own children
    return engine.returncode if engine.returncode >= 0 else 128 - engine.returncode


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the watchdog with ``arguments`` (the command line's by default); return the engine's exit code.

    127 means that the engine could not be started at all.
    """
    options = _options(sys.argv[1:] if arguments is None else arguments)
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, _ignore)
    try:
        engine = _start(options)
    except OSError as error:
        print("error", error, flush=True)
        return 127
    print(engine.pid, flush=True)
    for descriptor in options.keep:  # from here on the engine alone holds them
        os.close(descriptor)
    code = _watch(engine, wake, options)
    if options.remove:
        import shutil  # noqa: PLC0415  (only here, so that the start stays fast)

        shutil.rmtree(options.remove, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
