from __future__ import annotations

from pathlib import Path

from iot_service.engines.mosquitto_files import PASSWORDS
from iot_service.wiring.broker_files import files_state, first_files


def test_the_doctor_is_told_what_is_amiss_with_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    assert files_state(folder) == (
        False,
        f"{folder} cannot be written: make it, or name another by IOT_BROKER_FILES_DIR",
    )
    folder.mkdir()
    assert not files_state(folder)[0]
    (folder / PASSWORDS).write_text(first_files("a password")[PASSWORDS])
    assert files_state(folder) == (True, f"{folder} lets 1 users in")
