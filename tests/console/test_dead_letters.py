from __future__ import annotations

import pytest

from iot_service.console.dead_letters import readable


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b'{"a": 1}', '{"a": 1}'),
        ("blåbær\n".encode(), "blåbær\n"),
        (b"\xff\x00\x1b[2J", "\\xff\\u0000\\u001b[2J"),
        ("\u202egnp".encode(), "\\u202egnp"),
    ],
)
def test_a_payload_is_readable_whatever_its_bytes(payload: bytes, expected: str) -> None:
    assert readable(payload, len(payload)) == expected


def test_what_is_cut_off_is_told() -> None:
    assert readable(b"abc", 1003) == "abc… (1000 bytes more)"
