"""The script that runs Mosquitto where nobody may send it a signal: it looks for new files by itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from iot_service.engines.broker import find_mosquitto
from iot_service.engines.mosquitto_files import ACCESS_LIST, PASSWORDS, access_list, password_line, put_file
from iot_service.engines.passwords import hash_secret
from iot_service.engines.ports import free_port
from iot_service.engines.topic_rights import DEVICE_RIGHTS
from tests.registry.client import comes_in, device

SCRIPT = Path(__file__).parents[2] / "deploy" / "run-mosquitto.sh"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the broker's user can read, too."""
    made = Path(tempfile.mkdtemp(prefix="iot-files-"))
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


def put_users(folder: Path, **users: str) -> None:
    lines = [password_line(name, hash_secret(secret)) for name, secret in users.items()]
    for name, parts in ((ACCESS_LIST, [access_list({}, (), DEVICE_RIGHTS)]), (PASSWORDS, lines)):
        put_file(folder / name, parts)
        (folder / name).chmod(0o644)


def test_it_waits_for_the_files_and_has_new_ones_read(folder: Path) -> None:
    port = free_port()
    (folder / "mosquitto.conf").write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous false\n"
        f"password_file {folder}/passwords\nacl_file {folder}/mosquitto.acl\n"
    )
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:{Path(str(find_mosquitto())).parent}"}
    command = ["sh", str(SCRIPT), str(folder / "mosquitto.conf"), str(folder)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as script:
        time.sleep(0.5)
        put_users(folder, one="1")
        deadline = time.monotonic() + 10
        while True:
            try:
                assert comes_in(port, "one", "1")
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        with device(port, "one", "1") as connected:
            put_users(folder, two="2")
            assert comes_in(port, "two", "2")
            assert connected.gone.wait(5)
        script.terminate()
        assert script.wait(5) == 0
