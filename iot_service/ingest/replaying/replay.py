"""One letter is read again: with its topic, its payload and the time it came at, the way all messages go.

A letter whose message could be stored is removed, and an event of the log says so (who, when, which reason it had): a
list of letters is a list of what is wrong, and the payload is in the readings now. What fails again stays in its row,
with the newest reason.
"""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from iot_service.db import Connection
from iot_service.db.events import record
from iot_service.ingest.batches import Batch, Context, addresses, build_batch
from iot_service.ingest.importing import store as importing
from iot_service.ingest.importing.packing import Packer
from iot_service.ingest.importing.records import Chunk, Oddity
from iot_service.ingest.letters import DeadLetter, DeadLetters
from iot_service.ingest.micros import to_micros
from iot_service.ingest.reasons import Reason
from iot_service.ingest.registry import Registered
from iot_service.ingest.replaying import store
from iot_service.ingest.replaying.store import Letter
from iot_service.ingest.source import Message
from iot_service.ingest.store import find_devices, store_batch
from iot_service.ingest.topics import PREFIX, TopicKind, device_topic, parse_topic
from iot_service.model.event import Event, EventType


class Outcome(StrEnum):
    """What came of a replayed letter."""

    STORED = "stored"
    PARTLY = "partly stored"
    FAILED = "failed again"


class Replayed(NamedTuple):
    """The outcome, and what is wrong still: reasons with details."""

    outcome: Outcome
    failures: list[tuple[str, str]]


class _Failures(DeadLetters):
    """Letters that are collected and not stored among the others: they have a row already, whatever the limits."""

    def __len__(self) -> int:
        return 0

    def all(self) -> list[DeadLetter]:
        """Return what was collected."""
        return [letter for _, kept, _ in self.buckets() for letter in kept]


def replay(connection: Connection, letter: Letter, context: Context, *, actor: str, now: datetime) -> Replayed:
    """Read a letter (held by this transaction) again and store what can be stored. ``now`` is UTC.

    Raises psycopg.Error where the database refuses what is to be stored.
    """
    stored, failures = _store(connection, letter, context, now=now)
    if failures:
        store.keep(connection, letter, failures)
    else:
        store.remove(connection, letter)
    outcome = Outcome.STORED if not failures else Outcome.PARTLY if stored else Outcome.FAILED
    if outcome is not Outcome.FAILED:
        _note(connection, letter, outcome, actor=actor, now=now)
    return Replayed(outcome, [(failure.reason.value, failure.detail) for failure in failures])


def _store(connection: Connection, letter: Letter, context: Context, *, now: datetime) -> tuple[int, list[DeadLetter]]:
    """Return how many rows were stored, and what failed."""
    if letter.topic.startswith(f"{importing.HISTORY}/"):
        return _store_history(connection, letter, context, now=now)
    received = to_micros(letter.received_at)
    retained = letter.reason == Reason.RETAINED_WITHOUT_TIME
    message = Message(_topic(letter), letter.payload, received, retained=retained)
    devices = find_devices(connection, sorted(addresses([message], {})))
    batch = build_batch([message], devices, context)
    built = [failure for _, kept, _ in batch.letters.buckets() for failure in kept]
    rows, batch.letters = _rows(batch), (late := _Failures())
    store_batch(connection, batch, now=now)
    failures = built + late.all()
    return rows - len(late.all()), failures


def _rows(batch: Batch) -> int:
    return len(batch.readings) + len(batch.attributes) + len(batch.events) + len(batch.statuses)


def _topic(letter: Letter) -> str:
    """Return the topic to read a letter on.

    A part of a message in another format is kept in the shape of the contract, and so is read as such.
    """
    if letter.device_id is None or parse_topic(letter.topic) is not None:
        return letter.topic
    try:
        document = json.loads(letter.payload)
    except (ValueError, RecursionError):
        return letter.topic
    if isinstance(document, dict) and "values" in document:
        return device_topic(letter.device_id, TopicKind.TELEMETRY)
    if isinstance(document, dict) and "name" in document:
        return device_topic(letter.device_id, TopicKind.EVENT)
    return letter.topic


def _store_history(
    connection: Connection, letter: Letter, context: Context, *, now: datetime
) -> tuple[int, list[DeadLetter]]:
    """Store a letter of an import that rules shall pass over, as such."""

    def find(ids: list[str]) -> dict[str, Registered]:
        return find_devices(connection, ids)

    topic = parse_topic(PREFIX + letter.topic.removeprefix(importing.HISTORY))
    received = to_micros(letter.received_at)
    packer = Packer(find, context, received=received, historic=True, name=str(letter.id))
    try:
        document = json.loads(letter.payload)
    except (ValueError, RecursionError):
        document = None
    if topic is None or document is None:
        failure = DeadLetter(
            received, letter.topic, letter.device_id, letter.payload, Reason(letter.reason), letter.detail
        )
        return 0, [failure]
    oddity = Oddity(topic.device_id, document)
    parcel = packer.pack(Chunk((), [oddity], (), texts=False, position=0))
    built = [failure for _, kept, _ in parcel.batch.letters.buckets() for failure in kept]
    late = _Failures()
    importing.store_contents(connection, parcel, late, received=received, judge=False, now=now)
    rows = parcel.readings + len(parcel.batch.attributes)
    return rows - len(late.all()), built + late.all()


def _note(connection: Connection, letter: Letter, outcome: Outcome, *, actor: str, now: datetime) -> None:
    device = find_devices(connection, [letter.device_id]).get(letter.device_id) if letter.device_id else None
    record(
        connection,
        Event(
            EventType.DEAD_LETTER_REPLAYED,
            now,
            str(letter.id),
            f"a message that was kept for '{letter.reason}' was read again: {outcome}",
            device_id=letter.device_id if device else None,
            customer_id=device.customer_id if device else None,
            old=letter.reason,
            new=outcome.value,
            actor=actor,
            data={"received_at": letter.received_at.isoformat()},
        ),
    )
