"""What devices report: readings (numbers), attributes (text and lists) and device events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Reading:
    """One measured value.

    ``ts`` is the instant of measurement (UTC), ``value`` is in the metric's unit. ``received_at`` is when its message
    reached us (UTC): readings of one message share it. ``ts_assumed`` says that the device named no time, so the time
    of receipt stands in.
    """

    device_id: str
    metric: str
    ts: datetime
    value: float
    received_at: datetime
    ts_assumed: bool = False


@dataclass(frozen=True, slots=True)
class Attribute:
    """One reported text or list of texts (firmware version, trouble codes), with the instant it was reported (UTC)."""

    device_id: str
    name: str
    ts: datetime
    value: str | tuple[str, ...]
    received_at: datetime


@dataclass(frozen=True, slots=True)
class DeviceEvent:
    """One thing that happened at a device, by its own word (``BeanContainerEmpty``); ``data`` is JSON text."""

    device_id: str
    name: str
    ts: datetime
    data: str
    received_at: datetime


class SampleKind(StrEnum):
    """Which of the three a sample is."""

    READING = "reading"
    ATTRIBUTE = "attribute"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Sample:
    """One input of the rule engine: a reading, an attribute or a device event of one device.

    Samples are folded in order of (``ts``, ``received_at``); those that share both came in one message and are judged
    together. An event's value is its data as JSON text.
    """

    kind: SampleKind
    name: str
    ts: datetime
    received_at: datetime
    value: float | str | tuple[str, ...]
