"""One letter is read again: with its topic, its payload and the time it came at, the way all messages go.

A letter whose message could be stored is removed, and an event of the log says so (who, when, which reason it had): a
list of letters is a list of what is wrong, and the payload is in the readings now. What fails again stays in its row,
with the newest reason.

A letter that nobody can read now (Sparkplug's order is gone, or its format is switched off) stays as it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from iot_service.db import Connection
from iot_service.db.events import record
from iot_service.ingest.batches import Batch, Context, addresses, build_batch
from iot_service.ingest.formats.router import Router
from iot_service.ingest.importing import store as importing
from iot_service.ingest.importing.packing import Packer
from iot_service.ingest.importing.records import Chunk, Oddity
from iot_service.ingest.letters import DeadLetter, DeadLetters
from iot_service.ingest.micros import to_micros
from iot_service.ingest.reasons import Reason
from iot_service.ingest.registry import Registered
from iot_service.ingest.replaying import store
from iot_service.ingest.replaying.store import Letter
from iot_service.ingest.sent import Sent
from iot_service.ingest.source import Message
from iot_service.ingest.sparkplug.topics import is_sparkplug
from iot_service.ingest.store import find_devices, store_batch
from iot_service.ingest.topics import PREFIX, TopicKind, device_topic, parse_topic
from iot_service.model.event import Event, EventType

_OUT_OF_ORDER = (
    "a message of Sparkplug cannot be read alone, since its names and data types stand in the births before it: "
    "ask the edge node for its births (Node Control/Rebirth, or restart it), and it sends its values anew"
)


class Outcome(StrEnum):
    """What came of a replayed letter."""

    STORED = "stored"
    PARTLY = "partly stored"
    FAILED = "failed again"
    UNREADABLE = "left as it was"


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


class Reader(NamedTuple):
    """What is needed to read letters: what products know, and what reads formats other than the contract's."""

    context: Context
    router: Router


class UnreadableLetterError(Exception):
    """A letter cannot be read now; the message says what to do instead."""


def replay(connection: Connection, letter: Letter, reader: Reader, *, actor: str, now: datetime) -> Replayed:
    """Read a letter (held by this transaction) again and store what can be stored. ``now`` is UTC.

    Raises psycopg.Error where the database refuses what is to be stored.
    """
    try:
        stored, failures = _store(connection, letter, reader, now=now)
    except UnreadableLetterError as error:
        return Replayed(Outcome.UNREADABLE, [(letter.reason, str(error))])
    if failures:
        store.keep(connection, letter, failures)
    else:
        store.remove(connection, letter)
    outcome = Outcome.STORED if not failures else Outcome.PARTLY if stored else Outcome.FAILED
    if outcome is not Outcome.FAILED:
        _note(connection, letter, outcome, actor=actor, now=now)
    return Replayed(outcome, [(failure.reason.value, failure.detail) for failure in failures])


def _store(connection: Connection, letter: Letter, reader: Reader, *, now: datetime) -> tuple[int, list[DeadLetter]]:
    """Return how many rows were stored, and what failed; raises UnreadableLetterError."""
    if letter.topic.startswith(f"{importing.HISTORY}/"):
        return _store_history(connection, letter, reader.context, now=now)
    received = to_micros(letter.received_at)
    retained = letter.reason == Reason.RETAINED_WITHOUT_TIME
    message = Message(_topic(letter), letter.payload, received, retained=retained)
    said = _said(message, reader.router)
    devices = find_devices(connection, sorted(addresses([message], said)))
    said = {place: _of_letter(letter, sents, devices) for place, sents in said.items()}
    batch = build_batch([message], devices, reader.context, said)
    built = [failure for _, kept, _ in batch.letters.buckets() for failure in kept]
    rows, batch.letters = _rows(batch), (late := _Failures())
    store_batch(connection, batch, now=now)
    failures = built + late.all()
    return rows - len(late.all()), failures


def _said(message: Message, router: Router) -> dict[int, Sequence[Sent]]:
    """Return what a message of another format than the contract's says, as build_batch takes it."""
    if message.topic.startswith(f"{PREFIX}/"):
        return {}
    if is_sparkplug(message.topic):
        raise UnreadableLetterError(_OUT_OF_ORDER)
    said = router.read(message)
    if said is None:
        raise UnreadableLetterError(
            f"no format that is on speaks on {message.topic[:80]}: name the one that does in IOT_FORMATS"
        )
    return {0: said}


def _of_letter(letter: Letter, said: Sequence[Sent], devices: Mapping[str, Registered]) -> Sequence[Sent]:
    """Return what a letter is about, of a message that was kept once for each device that something is wrong with."""
    ids = {address: device.device_id for address, device in devices.items()}
    found = [
        sent
        for sent in said
        if sent.device_id is not None and letter.device_id in {sent.device_id[:64], ids.get(sent.device_id)}
    ]
    return found or said


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
    names = document.keys() if isinstance(document, dict) else set()
    if "values" in names and names <= {"ts", "values", "units"}:
        return device_topic(letter.device_id, TopicKind.TELEMETRY)
    if "name" in names and names <= {"ts", "name", "data"}:
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
