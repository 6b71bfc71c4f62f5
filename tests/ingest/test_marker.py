"""Markers."""

from __future__ import annotations

import pytest

from iot_service.ingest.marker import read_marker, write_marker


def test_a_marker_brings_back_the_time_it_was_sent_at() -> None:
    assert read_marker(write_marker("0af3", 1_790_000_000_000_000), "0af3") == 1_790_000_000_000_000


@pytest.mark.parametrize("payload", [b"", b"0af3", b"0af3 x", b"0af3 -5", b"\xff 1", b"0af3 1 2", b"0af3 " + b"9" * 30])
def test_what_is_no_marker_vouches_for_nothing(payload: bytes) -> None:
    assert read_marker(payload, "0af3") is None


def test_a_marker_of_an_earlier_life_vouches_for_nothing() -> None:
    assert read_marker(write_marker("0af3", 1), "bbbb") is None
    assert read_marker(b" 1", "") is None
