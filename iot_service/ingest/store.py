"""One batch becomes rows, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import psycopg
from psycopg.sql import SQL

from iot_service.db import Connection, DatabaseUnavailableError, load_queries
from iot_service.db.events import record
from iot_service.ingest.batches import (
    Batch,
    JsonValue,
    Key,
    ReadingValue,
    StatusChange,
    json_conflict,
    reading_conflict,
)
from iot_service.ingest.binary_copy import pack_readings, pack_touched
from iot_service.ingest.letters import DeadLetter, DeadLetters
from iot_service.ingest.micros import from_micros, to_micros
from iot_service.ingest.reasons import Fault
from iot_service.ingest.registry import Registered
from iot_service.ingest.source import Message
from iot_service.ingest.topics import TopicKind, client_id, device_topic
from iot_service.model.event import Event, EventType

_QUERIES = load_queries("iot_service.ingest")
_DATA_ERRORS = {"22", "23", "54"}  # SQLSTATE classes: bad data, a broken constraint, a limit of the database


def is_about_data(error: Exception) -> bool:
    """Return whether ``error`` comes from what was to be stored, so that the rest can be stored without it.

    Everything else that the database raises (it is away, full, not migrated, read-only) will pass or be put right, and
    the batch with it. What is not of the database at all is a mistake of ours that some message brought to light.
    """
    if isinstance(error, psycopg.Error):
        return isinstance(error, psycopg.DataError) or (error.sqlstate or "")[:2] in _DATA_ERRORS
    return not isinstance(error, DatabaseUnavailableError | OSError | MemoryError)


def find_devices(connection: Connection, ids: list[str]) -> dict[str, Registered]:
    """Return the devices that are registered by one of ``ids``; of two, the one whose id it is, not the alias."""
    rows = _QUERIES["find_devices"].all(connection, ids=ids)
    return {
        row["address"]: Registered(row["id"], row["product"], row["customer_id"], row["disabled"], row["location"])
        for row in rows
    }


def store_batch(connection: Connection, batch: Batch, *, now: datetime) -> None:
    """Store everything of ``batch``; what is stored already stays as it is, and what contradicts it is a dead letter.

    Adds conflicts with stored rows to the batch's dead letters. Raises psycopg.Error; see :func:`is_about_data`.
    """
    letters = batch.letters
    if batch.readings:
        _store_readings(connection, batch.readings, letters)
    if batch.attributes:
        _store_json(connection, batch.attributes, letters, insert="insert_attributes", conflicts="attribute_conflicts")
    if batch.events:
        _store_json(connection, batch.events, letters, insert="insert_events", conflicts="event_conflicts")
    for status in batch.statuses:
        _store_status(connection, status)
    if len(letters):
        _store_letters(connection, letters)
    if batch.touched:
        _copy(connection, "copy_touched", pack_touched(batch.touched))
    for slot, caught_up in batch.caught_up.items():
        _QUERIES["vouch"].run(connection, client_id=client_id(slot), caught_up_at=from_micros(caught_up), now=now)
    if batch.touched or batch.caught_up:
        _QUERIES["wake"].run(connection)


def _store_readings(connection: Connection, readings: Mapping[Key, ReadingValue], letters: DeadLetters) -> None:
    rows = pack_readings(readings)
    try:
        with connection.transaction():
            _copy(connection, "copy_readings", rows)
    except psycopg.errors.UniqueViolation:
        _QUERIES["make_staging"].run(connection)
        _copy(connection, "copy_staging", rows)
        _QUERIES["insert_staged"].run(connection)
        times = [ts for _, _, ts in readings]
        bounds = {"oldest": from_micros(min(times)), "newest": from_micros(max(times))}
        for row in _QUERIES["staged_conflicts"].all(connection, **bounds):
            fault = reading_conflict(row["metric"], to_micros(row["ts"]), kept=row["kept"], refused=row["value"])
            _add_conflict(letters, row["device_id"], row["received_at"], fault, TopicKind.TELEMETRY)


def _copy(connection: Connection, query: str, rows: bytes) -> None:
    with connection.cursor() as cursor, cursor.copy(SQL(_QUERIES[query].text)) as copy:
        copy.write(rows)


def _store_json(
    connection: Connection, rows: Mapping[Key, JsonValue], letters: DeadLetters, *, insert: str, conflicts: str
) -> None:
    columns = {
        "devices": [device_id for device_id, _, _ in rows],
        "names": [name for _, name, _ in rows],
        "times": [from_micros(ts) for _, _, ts in rows],
        "values": [row.value for row in rows.values()],
        "received": [from_micros(row.received) for row in rows.values()],
    }
    if _QUERIES[insert].run(connection, **columns) == len(rows):
        return
    kind = TopicKind.EVENT if insert == "insert_events" else TopicKind.TELEMETRY
    for row in _QUERIES[conflicts].all(connection, **columns):
        fault = json_conflict(
            row["name"],
            to_micros(row["ts"]),
            kept=row["kept"],
            refused=row["refused"],
            is_event=kind is TopicKind.EVENT,
        )
        _add_conflict(letters, row["device_id"], row["received_at"], fault, kind)


def _add_conflict(letters: DeadLetters, device_id: str, received_at: datetime, fault: Fault, kind: TopicKind) -> None:
    message = Message(device_topic(device_id, kind), b"", to_micros(received_at))
    letters.add(message, fault, device_id=device_id, registered=True)


def _store_status(connection: Connection, status: StatusChange) -> None:
    at = from_micros(status.received)
    changed = _QUERIES["change_connection"].first(connection, device_id=status.device_id, online=status.online, at=at)
    if changed is None or not changed["is_new"]:
        return
    words = ("offline", "online")
    event = Event(
        type=EventType.DEVICE_ONLINE if status.online else EventType.DEVICE_OFFLINE,
        at=at,
        subject_id=status.device_id,
        device_id=status.device_id,
        customer_id=status.customer_id,
        new=words[status.online],
        reason=f"the device's status says {words[status.online]}",
    )
    record(connection, event)


def _store_letters(connection: Connection, letters: DeadLetters) -> None:
    buckets = list(letters.buckets())
    asked = _QUERIES["letters_kept"].all(
        connection,
        devices=[bucket.device_id for bucket, _, _ in buckets],
        reasons=[bucket.reason.value for bucket, _, _ in buckets],
        hours=[from_micros(bucket.hour) for bucket, _, _ in buckets],
    )
    kept_before = {(row["device_id"], row["reason"], to_micros(row["hour"])): row["kept"] for row in asked}
    rows, counts = [], []
    for bucket, kept, total in buckets:
        room = max(0, bucket.limit - kept_before.get((bucket.device_id, bucket.reason.value, bucket.hour), 0))
        rows += [_letter_row(letter) for letter in kept[:room]]
        stored = min(room, len(kept))
        hour = from_micros(bucket.hour)
        key = {"device_id": bucket.device_id, "reason": bucket.reason.value, "hour": hour}
        counts.append({**key, "kept": stored, "dropped": total - stored})
    if rows:
        _QUERIES["insert_letter"].many(connection, rows)
    _QUERIES["count_letters"].many(connection, counts)


def _letter_row(letter: DeadLetter) -> dict[str, object]:
    return {
        "received_at": from_micros(letter.received),
        "topic": letter.topic,
        "device_id": letter.device_id,
        "payload": letter.payload,
        "reason": letter.reason.value,
        "detail": letter.detail,
    }


class Slot(NamedTuple):
    """A session at the broker: who holds it until when (UTC), and up to when all that came for it is stored.

    One that was released has no holder.
    """

    client_id: str
    caught_up_at: datetime
    holder: str | None
    leased_until: datetime | None


def slots(connection: Connection) -> list[Slot]:
    """Return all slots, by client id."""
    return [Slot(**row) for row in _QUERIES["slots"].all(connection)]


def lease_slot(
    connection: Connection,
    client: str,
    *,
    holder: str,
    dead: Sequence[str],
    until: datetime,
    now: datetime,
    ordered: bool = False,
) -> datetime | None:
    """Hold the slot ``until`` then, if nobody else does (``dead`` are holders that are known to be gone).

    A new one is ``ordered`` if it is for topics that no other slot shares.

    Returns up to when all that came for it is stored, None when it is somebody else's.
    """
    row = _QUERIES["lease_slot"].first(
        connection, client_id=client, holder=holder, dead=list(dead), until=until, now=now, ordered=ordered
    )
    return row["caught_up_at"] if row is not None else None


def release_slot(connection: Connection, client: str, *, holder: str, now: datetime) -> None:
    """Hold the slot no longer."""
    _QUERIES["release_slot"].run(connection, client_id=client, holder=holder, now=now)


def remove_slot(connection: Connection, client: str, *, holder: str) -> None:
    """Remove a slot that ``holder`` has emptied."""
    _QUERIES["remove_slot"].run(connection, client_id=client, holder=holder)
