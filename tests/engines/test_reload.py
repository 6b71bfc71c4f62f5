from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from iot_service.engines.reload import reload_broker
from iot_service.errors import RetryError


def test_the_process_of_a_pid_file_is_told_to_read_its_files(tmp_path: Path) -> None:
    program = "import signal\nprint(1, flush=True)\nprint(signal.sigwait([signal.SIGHUP]), flush=True)"
    blocked = f"import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])\n{program}"
    with subprocess.Popen([sys.executable, "-c", blocked], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (tmp_path / "pid").write_text(f"{process.pid}\n")
        reload_broker(f"pidfile:{tmp_path}/pid")
        assert str(signal.SIGHUP.value) in process.stdout.readline()


def test_a_broker_that_does_not_run_needs_no_reload(tmp_path: Path) -> None:
    reload_broker(f"pidfile:{tmp_path}/nothing")
    with subprocess.Popen(["true"]) as process:
        gone = process.pid
    (tmp_path / "pid").write_text(str(gone))
    reload_broker(f"pidfile:{tmp_path}/pid")
    reload_broker(None)
    assert list(tmp_path.iterdir()) == [tmp_path / "pid"]


def test_a_command_is_run_without_a_shell(tmp_path: Path) -> None:
    reload_broker(f"touch '{tmp_path}/a b' {tmp_path}/;ls")
    assert sorted(file.name for file in tmp_path.iterdir()) == [";ls", "a b"]


@pytest.mark.parametrize(
    "how", ["false", "/no/such/program", "sh -c 'echo down >&2; exit 3'", "'", "pidfile:/proc/version"]
)
def test_a_reload_that_fails_is_to_be_tried_again(how: str) -> None:
    with pytest.raises(RetryError, match="IOT_BROKER_RELOAD"):
        reload_broker(how)
