"""Ingest and worker as processes of their own, that can be killed and started again; their memory is watched."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.usage import resident_mb
from iot_service.processes import Child

_EVERY = 0.1  # seconds between two looks at the memory


class Processes:
    """Some processes of the service, by name; the word before a hyphen is the command. A context manager.

    Each ends with this one. ``peak_mb`` is the most resident memory that any process of a command ever had.
    """

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        self.peak_mb: dict[str, float] = {}
        self.kills = 0
        self._environment = environment
        self._children: dict[str, Child] = {}
        self._stop = threading.Event()
        self._watch = threading.Thread(target=self._look, name="memory")

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._stop.set()
        self._watch.join()

    def start(self, name: str, **variables: str) -> None:
        """Start one, with other settings than the rest of them where given."""
        command = name.partition("-")[0]
        child = Child(name, [command], {**self._environment, **variables}, self.log)
        child.start()
        self._children = {**self._children, name: child}

    def kill(self, name: str) -> None:
        """SIGKILL."""
        process = self._children[name].process
        assert process is not None
        assert process.poll() is None, f"{name} had ended by itself; see {self.log}"
        process.kill()
        process.wait()
        self._children[name].ask_to_stop()
        self.kills += 1

    def restart(self, name: str) -> None:
        """Start a killed one again, with the settings that it had."""
        self._children[name].start()

    def stop(self) -> None:
        """End all in good order."""
        for child in self._children.values():
            child.ask_to_stop()
        for child in self._children.values():
            child.wait(15.0)

    def pid(self, name: str) -> int:
        """The number of a process."""
        process = self._children[name].process
        assert process is not None
        return process.pid

    def resident_mb(self, name: str) -> float:
        """How much memory one has now; 0 for one that is gone."""
        process = self._children[name].process
        return resident_mb([process.pid]) if process is not None and process.poll() is None else 0.0

    def said(self, words: str) -> int:
        """How often ``words`` stand in what they logged."""
        return self.log.read_text(errors="replace").count(words) if self.log.exists() else 0

    def _look(self) -> None:
        while not self._stop.wait(_EVERY):
            for name in list(self._children):
                command = name.partition("-")[0]
                with contextlib.suppress(ProcessLookupError):
                    self.peak_mb[command] = max(self.peak_mb.get(command, 0.0), self.resident_mb(name))
