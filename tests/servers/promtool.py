"""Prometheus' own `promtool`, which plays series through alerting rules and says when they fire."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from iot_service.engines.child import PLAIN_ENVIRONMENT
from iot_service.errors import StopError
from tests.servers.server import version_of

_PLACES = ("promtool", "/usr/local/bin/promtool", "/usr/bin/promtool")
_OLDEST = (2, 42)  # the first that knows keep_firing_for


class Promtool:
    """The program; there is nothing to start but the question whether it is there, and new enough."""

    name = "promtool"

    def __init__(self) -> None:
        self._program = next((found for place in _PLACES if (found := shutil.which(place))), None)

    def available(self) -> str | None:
        """Return None if this machine has it, else the reason why not."""
        if self._program is None:
            return "the program promtool is not installed"
        version = version_of(self._program, "--version")
        numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
        return None if numbers >= _OLDEST else f"promtool {version} is older than {'.'.join(map(str, _OLDEST))}"

    def start(self) -> None:
        """Learn its version."""
        self.name = f"promtool {version_of(str(self._program), '--version')}"

    def stop(self) -> None:
        """Do nothing: it does not go on running."""

    def settings(self) -> dict[str, str]:
        """Return nothing: the service does not use it."""
        return {}

    def test(self, rules: Sequence[Mapping[str, Any]], tests: Sequence[Mapping[str, Any]]) -> str:
        """Play ``tests`` through the alerting ``rules``, one tick a minute; return what was not as expected, or "".

        Both are as in its files ("Unit testing for rules"). Raises StopError where it does not understand them.
        """
        if self._program is None:
            raise StopError("promtool is not installed")
        with tempfile.TemporaryDirectory(prefix="iot-promtool-") as name:
            folder = Path(name)
            (folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "rules", "rules": rules}]}))
            file = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests}
            (folder / "tests.yml").write_text(json.dumps(file))
            done = subprocess.run(
                [self._program, "test", "rules", "tests.yml"],
                cwd=folder,
                env=PLAIN_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        said = done.stdout + done.stderr
        if done.returncode == 0:
            return ""
        if "FAILED" not in said or "parse" in said or "unmarshal" in said:
            raise StopError(f"promtool could not run: {said}")
        return said
