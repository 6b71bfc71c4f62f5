"""One batch becomes rows, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

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
from iot_service.ingest.topics import TopicKind, device_topic
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
    """Return those of ``ids`` that are registered."""
    rows = _QUERIES["find_devices"].all(connection, ids=ids)
    return {row["id"]: Registered(row["product"], row["customer_id"]) for row in rows}


def store_batch(connection: Connection, batch: Batch, *, client_id: str, now: datetime) -> None:
    """Store everything of ``batch``; what is stored already stays as it is, and what contradicts it is a dead letter.

    ``client_id`` names the ingest process that the batch's marker vouches for. Adds conflicts with stored rows to the
    batch's dead letters. Raises psycopg.Error; see :func:`is_about_data`.
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
    if batch.caught_up is not None:
        caught_up_at = from_micros(batch.caught_up)
        _QUERIES["vouch"].run(connection, client_id=client_id, caught_up_at=caught_up_at, now=now)
    if batch.touched or batch.caught_up is not None:
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
    changed = _QUERIES["change_connection"].first(
        connection, device_id=status.device_id, online=status.online, since=at
    )
    if changed is None:
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
