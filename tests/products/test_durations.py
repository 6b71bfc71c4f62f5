"""Durations for people."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import TypeAdapter

from iot_service.products.durations import Duration, show_duration


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.5, "0.5 s"), (90, "1 min 30 s"), (600, "10 min"), (5400, "1 h 30 min"), (172_800, "2 d"), (0, "0 s")],
)
def test_a_duration_is_shown_with_its_two_largest_units(seconds: float, shown: str) -> None:
    assert show_duration(timedelta(seconds=seconds)) == shown


def test_a_field_takes_a_duration_as_people_write_it() -> None:
    assert TypeAdapter(Duration).validate_python("1h30m") == timedelta(minutes=90)
    with pytest.raises(ValueError, match="not a duration"):
        TypeAdapter(Duration).validate_python(10)
