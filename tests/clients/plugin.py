"""The pytest plugin that brings client libraries: ``client_python("thingsboard")`` is a Python that has one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.environment import ClientError, make_client_python


@pytest.fixture(scope="session")
def client_python(pytestconfig: pytest.Config) -> Callable[[str], Path]:
    """Give the Python of the environment with a name (see tests/clients), made on demand.

    Where it cannot be made, the test is skipped, but fails when ``CI`` is set.
    """

    def say(text: str) -> None:
        capture = pytestconfig.pluginmanager.getplugin("capturemanager")
        reporter = pytestconfig.pluginmanager.getplugin("terminalreporter")
        assert capture is not None
        with capture.global_and_fixture_disabled():
            if reporter is None:  # one of several processes: what it writes to standard error is shown
                print(f"[clients] {text}", file=sys.stderr, flush=True)
                return
            reporter.ensure_newline()
            reporter.write_line(f"[clients] {text}")

    def python(name: str) -> Path:
        try:
            return make_client_python(name, say)
        except ClientError as error:
            if os.environ.get("CI"):
                pytest.fail(str(error), pytrace=False)
            pytest.skip(str(error))

    return python
