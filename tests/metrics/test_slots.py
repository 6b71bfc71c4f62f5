"""Names of processes in a tree: held while they live, taken on by the next, and no file left behind for ever."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from iot_service.config import METRICS_FOLDER, PROCESS_NAME
from iot_service.metrics.slots import Slots, forget_the_dead, prepare
from tests.metrics.figures import figure

ROOT = Path(__file__).parent.parent.parent

WORK = """
from iot_service import metrics
metrics.count_delivery("sms", "sent")
metrics.observe_batch(messages=5, readings=0, dead_letters={}, seconds=0.01, received_lag=0.1, measured_lag=None,
                      waiting=7)
print("up", flush=True)
input()
"""
TELL = "from iot_service.metrics.exposition import page; print(page().decode())"


def environment(folder: Path, name: str) -> dict[str, str]:
    return {**os.environ, METRICS_FOLDER: str(folder), PROCESS_NAME: name, "PYTHONPATH": str(ROOT)}


def start(folder: Path, name: str) -> subprocess.Popen[str]:
    """A process of a tree that has counted something."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORK], env=environment(folder, name), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def tell(folder: Path) -> str:
    """The page as the API of the tree gives it."""
    done = subprocess.run(
        [sys.executable, "-c", TELL], env=environment(folder, "api"), capture_output=True, text=True, check=True
    )
    return done.stdout


def test_one_process_tells_of_the_whole_tree(tmp_path: Path) -> None:
    processes = [start(tmp_path, name) for name in ("ingest", "worker")]
    text = tell(tmp_path)
    for process in processes:
        kill(process)
    assert figure("iot_deliveries_total", text, channel="sms", result="sent") == 2
    assert figure("iot_ingest_queue_messages", text) == 14
    assert "pid=" not in text


def test_a_killed_process_leaves_its_counts_but_not_its_present_and_the_next_goes_on(tmp_path: Path) -> None:
    kill(start(tmp_path, "ingest"))
    text = tell(tmp_path)
    assert figure("iot_ingest_messages_total", text) == 5
    assert figure("iot_ingest_queue_messages", text) == 0
    before = sorted(file.name for file in tmp_path.iterdir())
    for _ in range(3):
        kill(start(tmp_path, "ingest"))
    text = tell(tmp_path)
    assert figure("iot_ingest_messages_total", text) == 20
    assert sorted(file.name for file in tmp_path.iterdir()) == before


def test_two_processes_with_one_name_do_not_write_into_one_file(tmp_path: Path) -> None:
    processes = [start(tmp_path, "ingest") for _ in range(2)]
    assert {lock.name for lock in tmp_path.glob("*.lock")} == {"ingest.lock", "ingest.2.lock"}
    assert figure("iot_ingest_messages_total", tell(tmp_path)) == 10
    for process in processes:
        kill(process)


def test_a_tree_begins_with_nothing_of_those_that_are_gone(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "metrics"
    prepare(folder)
    kill(start(folder, "ingest"))
    lives = start(folder, "worker")
    prepare(folder)
    text = tell(folder)
    kill(lives)
    assert figure("iot_ingest_messages_total", text) == 5


def test_a_name_is_held_for_as_long_as_its_process_lives(tmp_path: Path) -> None:
    one, other = Slots(tmp_path, "the_worker"), Slots(tmp_path, "the_worker")
    assert (one.name(), other.name(), one.name()) == ("the-worker", "the-worker.2", "the-worker")
    assert forget_the_dead(tmp_path) == []
    other.release()
    assert forget_the_dead(tmp_path) == ["the-worker.2"]
    one.release()
