"""The topics of the contract: ``iot/v1/{device}/…``, and the marker that ingest sends to itself."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

PREFIX = "iot/v1"
MARKERS = "$ingest"
"""Stands where a device id stands; no device can be called so, because ids hold letters, digits, ``_`` and ``-``."""


class TopicKind(StrEnum):
    """What a message on a topic is about."""

    TELEMETRY = "telemetry"
    EVENT = "event"
    STATUS = "status"
    COMMAND = "command"
    COMMAND_ACK = "command/ack"
    MARKER = "marker"


class Topic(NamedTuple):
    """A topic that we understand: its kind, and the device's id (for a marker the ingest slot)."""

    kind: TopicKind
    device_id: str


_KINDS = {
    ("telemetry",): TopicKind.TELEMETRY,
    ("event",): TopicKind.EVENT,
    ("status",): TopicKind.STATUS,
    ("command",): TopicKind.COMMAND,
    ("command", "ack"): TopicKind.COMMAND_ACK,
}
SUBSCRIPTION = f"{PREFIX}/+/#"
"""The topic filter that catches everything devices say, also where nobody agreed on a topic: that is a dead letter.

It catches our own markers and commands as well.
"""


@lru_cache(maxsize=50_000)
def parse_topic(topic: str) -> Topic | None:
    """Return what ``topic`` is about, or None when it is not one of the contract."""
    levels = topic.split("/")
    if len(levels) < 4 or levels[0] != "iot" or levels[1] != "v1" or not levels[2]:
        return None
    if levels[2] == MARKERS:
        # Before the kinds: a slot may be called "status".
        return Topic(TopicKind.MARKER, levels[3]) if len(levels) == 4 and levels[3] else None
    kind = _KINDS.get(tuple(levels[3:]))
    return Topic(kind, levels[2]) if kind else None


def device_topic(device_id: str, kind: TopicKind) -> str:
    """Return the topic that a device publishes things of this kind to (any but a marker)."""
    return f"{PREFIX}/{device_id}/{kind}"


def marker_topic(slot: str) -> str:
    """Return the topic of the markers of one ingest process."""
    return f"{PREFIX}/{MARKERS}/{slot}"


def client_id(slot: str) -> str:
    """Return the client id that the broker knows the session of an ingest slot by."""
    return f"iot-service-ingest-{slot}"
