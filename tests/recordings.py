"""Where the recordings of real devices are, which are not part of the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).parents[2] / "shared" / "data"


def recording(name: str) -> Path:
    """The recording called ``name``, in the folder that IOT_TEST_RECORDINGS names or in ``shared/data`` beside ours.

    The one skip that a run may have: without the recordings a test says so, and is counted as skipped.
    """
    path = Path(os.environ.get("IOT_TEST_RECORDINGS") or _BESIDE) / name
    if not path.exists():
        pytest.skip(f"the recording {name} is not here: let IOT_TEST_RECORDINGS name the folder with the recordings")
    return path
