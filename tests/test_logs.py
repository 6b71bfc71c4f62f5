"""Secrets and personal data never reach the logs."""

from __future__ import annotations

from iot_service.logs import redact


def test_sensitive_keys_are_redacted_at_any_depth() -> None:
    line = redact(None, "info", {"action": "x", "token": "t", "facts": {"phone": "+47", "device_id": "d"}})
    assert line == {"action": "x", "token": "[redacted]", "facts": {"phone": "[redacted]", "device_id": "d"}}
