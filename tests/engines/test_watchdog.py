"""The watchdog ends its engine with its parent, whatever way the parent goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from iot_service.engines.child import Child
from iot_service.errors import StopError

_PARENT = """
import sys, time
from pathlib import Path
from iot_service.engines.child import Child
folder = Path(sys.argv[1])
child = Child(["sleep", "60"], folder=folder, log=folder / "log", remove=folder / "scratch")
child.start()
print(child.pid, flush=True)
time.sleep(60)
"""


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _eventually(fact: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not fact():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _child(folder: Path, *command: str, **options: object) -> Child:
    return Child(command, folder=folder, log=folder / "log", **options)  # type: ignore[arg-type]  # a shorthand


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_an_engine_and_its_scratch_folder_go_with_their_parent(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "scratch" / "deep").mkdir(parents=True)
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with parent:
        assert parent.stdout is not None
        engine = int(parent.stdout.readline())
        assert _alive(engine)
        parent.send_signal(number)
        parent.wait()
        assert _eventually(lambda: not _alive(engine))
        assert _eventually(lambda: not (tmp_path / "scratch").exists())


def test_stop_asks_first_and_kills_after_the_grace(tmp_path: Path) -> None:
    child = _child(tmp_path, "sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done", grace=0.3)
    child.start()
    assert child.wait_until(lambda: "deaf" in child.written(), timeout=5)
    assert child.stop() == 128 + signal.SIGKILL
    assert not _alive(child.pid)


def test_an_engine_that_dies_by_itself_is_seen_with_its_code_and_last_words(tmp_path: Path) -> None:
    child = _child(tmp_path, "sh", "-c", "echo no disk left >&2; exit 7")
    child.start()
    assert not child.wait_until(lambda: False, timeout=5)
    assert child.last_words() == "no disk left"
    assert child.stop() == 7


def test_the_watchdog_itself_does_not_mind_an_interrupt_or_termination(tmp_path: Path) -> None:
    child = _child(tmp_path, "sleep", "60")
    child.start()
    assert child._watchdog is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        child._watchdog.send_signal(number)
    time.sleep(0.1)
    assert child.running
    child.stop()


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StopError, match=r"cannot start no-such-engine: .*No such file"):
        _child(tmp_path, "no-such-engine").start()


def test_a_forked_process_does_not_hold_the_engine_alive(tmp_path: Path) -> None:
    child = _child(tmp_path, "sleep", "60")
    child.start()
    fork = os.fork()
    if fork == 0:
        time.sleep(20)
        os._exit(0)
    try:
        assert child.stop() == 128 + signal.SIGTERM
    finally:
        os.kill(fork, signal.SIGKILL)
        os.waitpid(fork, 0)
