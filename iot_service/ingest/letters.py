"""Dead letters of one batch, bounded: whatever a device sends, it cannot fill the database with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from iot_service.ingest.limits import LETTERS_AN_HOUR, STRANGERS_LETTERS_AN_HOUR
from iot_service.ingest.micros import HOUR
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.source import Message

_KEPT_OF_TOO_LARGE = 4_000  # bytes: enough to see what it is
_DETAIL_LENGTH = 500
STRANGERS = ""
"""Stands for all unknown devices together where letters are counted."""


class Bucket(NamedTuple):
    """What is counted together: a device (or :data:`STRANGERS`), a reason, and the hour's start in microseconds."""

    device_id: str
    reason: Reason
    hour: int

    @property
    def limit(self) -> int:
        """How many letters of this bucket are kept in full."""
        return STRANGERS_LETTERS_AN_HOUR if self.device_id == STRANGERS else LETTERS_AN_HOUR


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One thing that could not be stored. ``received`` is in microseconds since 1970 UTC."""

    received: int
    topic: str
    device_id: str | None
    payload: bytes
    reason: Reason
    detail: str


class DeadLetters:
    """The letters of one batch by bucket; beyond what a bucket may keep in an hour they are only counted."""

    def __init__(self) -> None:
        self._kept: dict[Bucket, list[DeadLetter]] = {}
        self._counts: dict[Bucket, int] = {}

    def __len__(self) -> int:
        return sum(self._counts.values())

    def add(self, message: Message, fault: Fault, *, device_id: str | None, registered: bool) -> None:
        """Add what is wrong with ``message``; ``registered`` says that ``device_id`` is a device we know."""
        hour = message.received - message.received % HOUR
        device_id = _storable(device_id) if device_id is not None else None
        bucket = Bucket(device_id if registered and device_id else STRANGERS, fault.reason, hour)
        count = self._counts[bucket] = self._counts.get(bucket, 0) + 1
        if count <= bucket.limit:
            self._kept.setdefault(bucket, []).append(_letter(message, fault, device_id))

    def by_reason(self) -> dict[str, int]:
        """Return how many letters there are of each reason, also those that are only counted."""
        found: dict[str, int] = {}
        for bucket, count in self._counts.items():
            found[bucket.reason.value] = found.get(bucket.reason.value, 0) + count
        return found

    def buckets(self) -> Iterator[tuple[Bucket, list[DeadLetter], int]]:
        """Yield each bucket with its kept letters, oldest first, and how many it had in all; in a fixed order."""
        for bucket in sorted(self._counts):
            yield bucket, self._kept[bucket], self._counts[bucket]


def _letter(message: Message, fault: Fault, device_id: str | None) -> DeadLetter:
    payload = message.payload if fault.part is None else json.dumps(fault.part).encode()
    if fault.reason is Reason.TOO_LARGE:
        payload = payload[:_KEPT_OF_TOO_LARGE]
    return DeadLetter(
        received=message.received,
        topic=_storable(message.topic),
        device_id=device_id,
        payload=payload,
        reason=fault.reason,
        detail=_storable(fault.detail)[:_DETAIL_LENGTH],
    )


def _storable(text: str) -> str:
    """Return ``text`` without what the database cannot hold."""
    return text.replace("\x00", "\\0").encode(errors="backslashreplace").decode()
