"""What devices report, as the rules take it in: readings (numbers), attributes (text and lists), device events."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class SampleKind(StrEnum):
    """What a sample is."""

    READING = "reading"
    ATTRIBUTE = "attribute"
    EVENT = "event"


class Sample(NamedTuple):
    """One input of the rule engine: a reading, an attribute or a device event of one device.

    Samples are folded in order of (``ts``, ``received_at``); those that share both came in one message and are judged
    together. An event's value is its data as JSON text.
    """

    kind: SampleKind
    name: str
    ts: datetime
    received_at: datetime
    value: float | str | tuple[str, ...]
