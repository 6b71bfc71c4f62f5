"""Environments with client libraries, made when a test first asks for them and kept in ``.venv-clients/``."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

_LOCKS = Path(__file__).parent
_ENVIRONMENTS = Path(__file__).parents[2] / ".venv-clients"
_TIMEOUT = 300.0  # seconds that the installation of a few small packages may take


class ClientError(Exception):
    """An environment could not be made; the message says what went wrong and what to do."""


def client_names() -> list[str]:
    """The names that there are lock files for."""
    return sorted(file.stem for file in _LOCKS.glob("*.lock"))


def make_client_python(name: str, say: Callable[[str], None]) -> Path:
    """The Python that has the packages of ``NAME.lock``; ``say`` is told when it must be made, which takes seconds.

    Several processes may ask at the same time: one makes it, the others wait. Raises ClientError.
    """
    lock = _LOCKS / f"{name}.lock"
    if not lock.exists():
        raise ClientError(f"there is no {lock.name} in tests/clients; there are: {', '.join(client_names())}")
    # The version of Python is in the name, because the packages are installed for one.
    key = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = _ENVIRONMENTS / f"{name}-{key}"
    python, done = folder / "bin" / "python", folder / ".done"
    if done.exists():
        return python
    _ENVIRONMENTS.mkdir(exist_ok=True)
    with (_ENVIRONMENTS / f"{name}.making").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not done.exists():
            for old in _ENVIRONMENTS.glob(f"{name}-*"):
                shutil.rmtree(old)
            say(f"making {folder.relative_to(_ENVIRONMENTS.parent)} from tests/clients/{lock.name}")
            _run([sys.executable, "-m", "venv", str(folder)])
            install = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
            _run([*install, "--require-hashes", "--no-deps", "-r", str(lock)])
            done.touch()
            say(f"made {folder.name}")
    return python


def _run(command: list[str]) -> None:
    # Neither this project's environment nor its settings are to be seen from there.
    environment = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=_TIMEOUT,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ClientError(f"{' '.join(command)} took more than {_TIMEOUT:g} s") from None
    if done.returncode != 0:
        raise ClientError(f"{' '.join(command)} failed; is there a package index? It said:\n{done.stderr[-2000:]}")
