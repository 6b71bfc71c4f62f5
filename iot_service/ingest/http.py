"""Telemetry by HTTP: one message of a device, read and stored the way all messages are, and answered."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from iot_service.config import Settings
from iot_service.db import Connection
from iot_service.errors import InvalidInputError, NotFoundError
from iot_service.ingest.batches import Context, build_batch
from iot_service.ingest.letters import DeadLetter
from iot_service.ingest.limits import PAYLOAD_BYTES
from iot_service.ingest.micros import to_micros
from iot_service.ingest.source import Message
from iot_service.ingest.store import find_devices, store_batch
from iot_service.ingest.topics import TopicKind, device_topic
from iot_service.products.catalog import Catalog

_GZIP = 31  # zlib's window bits for a gzip header
_ROUND = 65_536


class TooLargeError(InvalidInputError):
    """The payload has more bytes than a message may have."""


class Taken(NamedTuple):
    """What came of one message: how many readings, attributes and events are stored, and what is wrong with the rest.

    ``faults`` are as many as are kept as dead letters of one message, ``reasons`` how many there are of each reason.
    """

    stored: int
    readings: int
    faults: list[DeadLetter]
    reasons: Mapping[str, int]

    @property
    def fault_count(self) -> int:
        """How many faults there are."""
        return sum(self.reasons.values())


class HttpDoor:
    """Takes messages; one for a process, so that each has a time of receipt of its own."""

    def __init__(self, catalog: Catalog, settings: Settings) -> None:
        self._context = Context.of(catalog, settings)
        self._lock = threading.Lock()
        self._last = 0

    def take(self, connection: Connection, device_id: str, kind: TopicKind, payload: bytes, *, now: datetime) -> Taken:
        """Store one message of a device in the caller's transaction, what is wrong with it as dead letters.

        ``payload`` is what the device would publish on its topic of this kind. Raises NotFoundError where there is no
        such device.
        """
        devices = find_devices(connection, [device_id])
        if device_id not in devices:
            raise NotFoundError(f"there is no device {device_id!r}")
        batch = build_batch([Message(device_topic(device_id, kind), payload, self._stamp(now))], devices, self._context)
        rows = len(batch.readings) + len(batch.attributes) + len(batch.events)
        before = len(batch.letters)
        store_batch(connection, batch, now=now)
        conflicts = len(batch.letters) - before
        faults = [letter for _, kept, _ in batch.letters.buckets() for letter in kept]
        return Taken(rows - conflicts, len(batch.readings), faults, batch.letters.by_reason())

    def _stamp(self, now: datetime) -> int:
        with self._lock:
            self._last = max(self._last + 1, to_micros(now))
            return self._last


def bounded(payload: bytes) -> bytes:
    """Return ``payload`` unless it has more bytes than a message may have; raises TooLargeError."""
    if len(payload) > PAYLOAD_BYTES:
        raise TooLargeError(f"the payload has {len(payload)} bytes; at most {PAYLOAD_BYTES}: send several messages")
    return payload


def decompressed(body: bytes) -> bytes:
    """Return what a gzip body holds; never more than a message may have is taken into memory.

    Raises TooLargeError, and InvalidInputError where it is not gzip.
    """
    result = b""
    while body:
        unpacker = zlib.decompressobj(_GZIP)
        try:
            while not unpacker.eof:
                part = unpacker.decompress(body, _ROUND)
                body = unpacker.unconsumed_tail
                if not part and not body and not unpacker.eof:
                    raise InvalidInputError("the body breaks off: send all of it, or without Content-Encoding")
                result += part
                if len(result) > PAYLOAD_BYTES:
                    raise TooLargeError(
                        f"the payload unpacks to more than {PAYLOAD_BYTES} bytes: send several messages"
                    )
        except zlib.error as error:
            raise InvalidInputError(f"the body is not gzip ({error}); send it without Content-Encoding") from None
        body = unpacker.unused_data
    return result
