"""Where the recordings of real devices are, which are not part of the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def recording(name: str) -> Path:
    """The recording called ``name`` in the folder that IOT_TEST_RECORDINGS names; skips where there is none."""
    folder = os.environ.get("IOT_TEST_RECORDINGS")
    if not folder:
        pytest.skip("IOT_TEST_RECORDINGS does not name the folder with the recordings of real devices")
    return Path(folder) / name
