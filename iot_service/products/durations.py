"""Durations in product and rule files, and as people read them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field

from iot_service.durations import parse_duration


def _duration(text: object) -> timedelta:
    return text if isinstance(text, timedelta) else parse_duration(str(text))


def show_duration(span: timedelta) -> str:
    """Return ``span`` for people, with its two largest units: ``10 min``, ``1 h 30 min``, ``2 d``, ``0.5 s``."""
    seconds = span.total_seconds()
    if seconds < 1:
        return f"{seconds:g} s"
    parts: list[str] = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count:g} {unit}")
    return " ".join(parts[:2])


_Written = Annotated[str, Field(pattern=r"^\s*([0-9]+(\.[0-9]+)?(ms|[smhdwy]))+\s*$", examples=["90s", "10m", "1h30m"])]

Duration = Annotated[timedelta, BeforeValidator(_duration, json_schema_input_type=_Written)]
"""A field that takes a duration as people write it, such as 10m or 1h30m."""
