"""Settings come from the environment; a wrong one stops the start and says what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from iot_service.config import Settings, environment, load_settings
from iot_service.errors import StopError


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_wrong_value_names_the_variable_the_value_and_what_would_be_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOT_PORT", "eighty")
    with pytest.raises(StopError, match=r"IOT_PORT=eighty: .*integer.*Port of the API"):
        load_settings()


def test_all_wrong_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOT_PORT", "99999")
    monkeypatch.setenv("IOT_MQTT_URL", "localhost")
    with pytest.raises(StopError, match=r"(?s)IOT_MQTT_URL=localhost.*IOT_PORT=99999"):
        load_settings()


def test_a_wrong_secret_is_named_but_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOT_SECRET_KEY", "too-short-to-keep")
    with pytest.raises(StopError, match=r"IOT_SECRET_KEY=\(secret\): .*32 characters") as caught:
        load_settings()
    assert "too-short-to-keep" not in str(caught.value)


def test_a_secret_can_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k" * 40 + "\n")
    monkeypatch.setenv("IOT_SECRET_KEY_FILE", str(tmp_path / "key"))
    key = load_settings().secret_key
    assert key is not None
    assert key.get_secret_value() == "k" * 40


def test_a_secret_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOT_SMTP_URL_FILE", "/nowhere/at/all")
    with pytest.raises(StopError, match="IOT_SMTP_URL_FILE=/nowhere/at/all"):
        load_settings()


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    settings = load_settings(database_url="postgresql://iot:hunter2@db/iot", sms_password="hunter2")
    assert "hunter2" not in repr(settings)


def test_a_child_process_reads_back_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(
        database_url="postgresql://iot:secret@db/iot", port=8123, lateness="2s", clock_anchor="2026-11-21T12:00:00Z"
    )
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    assert load_settings() == settings


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_a_list_is_written_with_commas_and_handed_on_to_child_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOT_FORMATS", "thingsboard, shelly")
    settings = load_settings()
    assert settings.formats == ("thingsboard", "shelly")
    assert environment(settings)["IOT_FORMATS"] == "thingsboard,shelly"
    assert load_settings(formats="").formats == ()
