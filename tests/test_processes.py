"""A tree of processes: who dies is started again, who asks not to be isn't, and all end together."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from iot_service.processes import EXIT_STOP, Child, ProcessTree


def environment(tmp_path: Path) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("IOT_")}
    return {**plain, "IOT_DATA_DIR": str(tmp_path), "IOT_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}


def test_a_process_that_needs_a_person_is_not_started_again(tmp_path: Path) -> None:
    wrong = {**environment(tmp_path), "IOT_LOG_LEVEL": "LOUD"}
    tree = ProcessTree([Child("worker", ["worker"], wrong, tmp_path / "log")])
    tree.start()
    assert tree.watch(threading.Event()) == EXIT_STOP
    tree.stop()
    assert "IOT_LOG_LEVEL=LOUD" in (tmp_path / "log").read_text()


def test_a_process_that_dies_is_started_again_and_ends_with_the_tree(tmp_path: Path) -> None:
    tree = ProcessTree([Child("worker", ["worker"], environment(tmp_path), tmp_path / "log")])
    tree.start()
    stop = threading.Event()
    watching = threading.Thread(target=tree.watch, args=(stop,))
    watching.start()
    first = tree.children[0].process
    assert first is not None
    first.kill()
    deadline = time.monotonic() + 20
    while (second := tree.children[0].process) is first and time.monotonic() < deadline:
        time.sleep(0.05)
    assert second is not None
    assert second.pid != first.pid
    time.sleep(1.5)
    assert second.poll() is None, (tmp_path / "log").read_text()
    stop.set()
    watching.join()
    tree.stop()
    assert second.poll() is not None
