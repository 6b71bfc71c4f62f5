"""Secrets and personal data never reach the logs."""

from __future__ import annotations

import pytest
import structlog

from iot_service.logs import configure, get, redact


def test_sensitive_keys_are_redacted_at_any_depth() -> None:
    line = redact(None, "info", {"action": "x", "token": "t", "facts": {"phone": "+47", "device_id": "d"}})
    assert line == {"action": "x", "token": "[redacted]", "facts": {"phone": "[redacted]", "device_id": "d"}}


def test_sensitive_keys_are_redacted_in_lists_too() -> None:
    line = redact(None, "info", {"people": [{"email": "a@b.no", "id": 1}], "pairs": ({"link": "x"},)})
    assert line == {"people": [{"email": "[redacted]", "id": 1}], "pairs": [{"link": "[redacted]"}]}


def test_a_traceback_in_the_text_log_shows_no_local_variables(capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    try:
        configure(level="INFO")
        try:
            password = "hunter2" + "!"
            raise ValueError(len(password))
        except ValueError:
            get("test").exception("it went wrong", action="test.failed")
    finally:
        structlog.configure(**before)
    said = capsys.readouterr().err
    assert "ValueError: 8" in said
    assert "hunter2!" not in said
