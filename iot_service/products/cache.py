"""What was worked out from files, kept in a file, to be used again where nothing has changed.

Nothing is taken from it that does not belong to the very bytes in hand: entries stand under a digest of what they were
made from, and the file as a whole under one of the code that wrote it and of its content. What is damaged, or was
written by other code, is as good as nothing, and is written anew.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from functools import cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import orjson

from iot_service import logs

_LIBRARIES = ("common-expression-language", "PyYAML", "pydantic", "orjson")
_PACKAGES = ("iot_service.products", "iot_service.rules")
_log = logs.get(__name__)


class CacheFile:
    """Entries by key, read from a file at the start and written to it by :meth:`save`.

    Several processes may use one file: each replaces it as a whole. ``version`` gives the name of the code that the
    entries are of; where they are ``least`` bytes or fewer, they are not worth a file, and none is written.
    """

    def __init__(self, path: Path, *, version: Callable[[], str] | None = None, least: int = 100_000) -> None:
        """Read the file at ``path``; one that is not there, damaged or of another version has no entries."""
        self.path = path
        self._version, self._least = version or code_version, least
        self._used: dict[str, bytes | None] = {}
        self._new = False
        self._found: dict[str, Any] = self._read()

    def get(self, key: str) -> Any:
        """Return the entry under ``key``, None where there is none. It stays in the file."""
        found = self._found.get(key)
        if found is not None:
            self._used.setdefault(key, None)
        return found

    def put(self, key: str, value: Any) -> None:
        """Keep ``value`` under ``key`` as it is now, unless JSON cannot give it back as it is."""
        try:
            text = orjson.dumps(value)
        except TypeError:
            return
        if orjson.loads(text) == value:
            self._used[key] = text
            self._new = True

    def save(self) -> None:
        """Write the file, where anything is new; what nobody asked for or put since the start is left out.

        A folder that cannot be written to costs nothing but the time that the cache would have saved: it is logged.
        """
        if not self._new:
            return
        self._new = False
        entries = {key: self._found[key] if text is None else orjson.Fragment(text) for key, text in self._used.items()}
        payload = orjson.dumps(entries)
        if len(payload) <= self._least:
            return
        fresh = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(_head(self._version(), payload) + payload)
            fresh.replace(self.path)
        except OSError as error:
            _log.warning(
                "a cache could not be written", action="cache.unwritten", file=str(self.path), error=str(error)
            )

    def _read(self) -> dict[str, Any]:
        try:
            head, _, payload = self.path.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return {}
        except OSError as error:
            _log.warning("a cache could not be read", action="cache.unread", file=str(self.path), error=str(error))
            return {}
        version = self._version()
        if not head.startswith(version.encode() + b" "):
            _log.info("a cache of another version is left aside", action="cache.outdated", file=str(self.path))
            return {}
        if head + b"\n" != _head(version, payload):
            _log.warning("a damaged cache is left aside", action="cache.damaged", file=str(self.path))
            return {}
        entries = orjson.loads(payload)
        return entries if isinstance(entries, dict) else {}


def digest(text: str | bytes) -> str:
    """Return what stands for ``text`` alone, as 64 hexadecimal digits."""
    data = text.encode() if isinstance(text, str) else text
    return hashlib.blake2b(data, digest_size=32).hexdigest()


@cache
def code_version() -> str:
    """Return what stands for the code that reads and compiles rules, and for the libraries that it does so with."""
    found = hashlib.blake2b(sys.version.encode(), digest_size=16)
    for library in _LIBRARIES:
        found.update(f"{library} {metadata.version(library)}\n".encode())
    for package in _PACKAGES:
        _add_sources(resources.files(package), found.update)
    return found.hexdigest()


def _add_sources(folder: Traversable, add: Callable[[bytes], None]) -> None:
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.is_dir():
            _add_sources(file, add)
        elif file.name.endswith(".py"):
            add(file.name.encode() + b"\n" + file.read_bytes())


def _head(version: str, payload: bytes) -> bytes:
    return f"{version} {digest(payload)}\n".encode()
