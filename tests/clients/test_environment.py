"""Environments with client libraries."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.environment import ClientError, client_names, make_client_python

IMPORTS = {"thingsboard": "import tb_gateway_mqtt", "sparkplug": "import pysparkplug"}


def test_each_client_library_can_be_imported_where_it_is_installed(client_python: Callable[[str], Path]) -> None:
    assert client_names() == sorted(IMPORTS)
    for name, line in IMPORTS.items():
        done = subprocess.run(
            [str(client_python(name)), "-c", line], capture_output=True, text=True, check=False, timeout=30
        )
        assert done.returncode == 0, done.stderr


def test_a_name_without_a_lock_file_is_an_error_that_names_those_that_have_one() -> None:
    with pytest.raises(ClientError, match=r"no modem\.lock in tests/clients; there are: sparkplug, thingsboard"):
        make_client_python("modem", print)


def test_lock_files_name_files_by_their_hashes_and_no_host() -> None:
    for file in Path(__file__).parent.glob("*.lock"):
        text = file.read_text(encoding="utf-8")
        assert "http" not in text
        assert text.count("--hash=") >= text.count("==")
