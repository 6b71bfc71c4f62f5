"""What an import writes: readings at the database's speed, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.sql import SQL

from iot_service.db import Connection, load_queries
from iot_service.ingest.batches import Batch, JsonValue, Key, json_conflict, reading_conflict
from iot_service.ingest.importing.packing import Parcel
from iot_service.ingest.letters import DeadLetters
from iot_service.ingest.micros import from_micros, to_micros
from iot_service.ingest.reasons import Fault
from iot_service.ingest.source import Message
from iot_service.ingest.store import store_batch
from iot_service.ingest.topics import PREFIX, TopicKind, device_topic

HISTORY = "import/v1"
"""What the topic of a dead letter begins with, instead of ``iot/v1``, when replaying it brings in history."""
_MOST_CONFLICTS = 10_000  # of one transaction that are looked at one by one
_QUERIES = load_queries("iot_service.ingest.importing")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import has come; ``finished_at`` is None while it has not reached the end (UTC)."""

    position: int
    readings: int
    faults: int
    finished_at: datetime | None


def begin(connection: Connection, import_id: str, *, name: str, judge: bool, restart: bool, now: datetime) -> Progress:
    """Take an import up where it stands, or at the beginning where it is new or shall ``restart``."""
    row = _QUERIES["begin_import"].one(connection, id=import_id, name=name, judge=judge, restart=restart, now=now)
    return Progress(**row)


def store_parcel(
    connection: Connection, parcel: Parcel, *, import_id: str, received: int, judge: bool, now: datetime
) -> dict[str, int]:
    """Store a parcel, and that the import has come so far; return its faults, counted by reason. Changes no parcel.

    ``received`` is the time of receipt in microseconds since 1970 UTC.
    """
    letters = deepcopy(parcel.batch.letters)
    store_contents(connection, parcel, letters, received=received, judge=judge, now=now)
    faults = letters.by_reason()
    if judge:
        _note_spans(connection, import_id, parcel.spans)
    _QUERIES["save_position"].run(
        connection, id=import_id, position=parcel.position, readings=parcel.readings, faults=len(letters), now=now
    )
    return faults


def store_contents(
    connection: Connection, parcel: Parcel, letters: DeadLetters, *, received: int, judge: bool, now: datetime
) -> None:
    """Store readings and attributes of a parcel, and ``letters``, without a word to the rule runner.

    What contradicts stored values is added to ``letters``; those of the parcel itself are not looked at.
    """
    rest = Batch()
    rest.letters = letters
    if parcel.readings:
        _store_readings(connection, parcel, letters, received=received, judge=judge)
    if parcel.batch.attributes and judge:
        rest.attributes = parcel.batch.attributes
        columns = _columns(rest.attributes)
        _QUERIES["judge_attributes"].run(
            connection, devices=columns["devices"], names=columns["names"], times=columns["times"]
        )
    elif parcel.batch.attributes:
        _store_historic(connection, parcel.batch.attributes, letters, received=received)
    store_batch(connection, rest, now=now)
    if len(letters) and not judge:
        _name_historic(connection, letters, received=received)


def _store_readings(
    connection: Connection, parcel: Parcel, letters: DeadLetters, *, received: int, judge: bool
) -> None:
    """Store readings, and that rollups have to be computed again; conflicts with stored ones become letters."""
    try:
        with connection.transaction():
            _copy(connection, "copy_readings", parcel)
    except psycopg.errors.UniqueViolation:
        _store_staged(connection, parcel, letters, received=received, judge=judge)
    due = [(device_id, metric, hour) for (device_id, hour), names in parcel.hours.items() for metric in names]
    _QUERIES["insert_due"].run(
        connection,
        devices=[device_id for device_id, _, _ in due],
        metrics=[metric for _, metric, _ in due],
        hours=[from_micros(hour) for _, _, hour in due],
    )


def _store_staged(connection: Connection, parcel: Parcel, letters: DeadLetters, *, received: int, judge: bool) -> None:
    _QUERIES["make_staging"].run(connection)
    _copy(connection, "copy_staging", parcel)
    bounds = {
        "oldest": from_micros(min(oldest for oldest, _ in parcel.spans.values())),
        "newest": from_micros(max(newest for _, newest in parcel.spans.values())),
    }
    _QUERIES["insert_staged"].run(connection)
    if judge:
        _QUERIES["judge_staged"].run(connection, **bounds)
    for row in _QUERIES["staged_conflicts"].all(connection, **bounds, limit=_MOST_CONFLICTS):
        fault = reading_conflict(row["metric"], to_micros(row["ts"]), kept=row["kept"], refused=row["value"])
        _add_conflict(letters, row["device_id"], fault, received=received)


def _add_conflict(letters: DeadLetters, device_id: str, fault: Fault, *, received: int) -> None:
    message = Message(device_topic(device_id, TopicKind.TELEMETRY), b"", received)
    letters.add(message, fault, device_id=device_id, registered=True)


def _copy(connection: Connection, query: str, parcel: Parcel) -> None:
    with connection.cursor() as cursor, cursor.copy(SQL(_QUERIES[query].text)) as copy:
        copy.write(parcel.copy())


def _store_historic(
    connection: Connection, rows: Mapping[Key, JsonValue], letters: DeadLetters, *, received: int
) -> None:
    columns = _columns(rows)
    if _QUERIES["insert_historic_attributes"].run(connection, **columns) == len(rows):
        return
    del columns["received"]
    for row in _QUERIES["attribute_conflicts"].all(connection, **columns):
        fault = json_conflict(
            row["name"], to_micros(row["ts"]), kept=row["kept"], refused=row["refused"], is_event=False
        )
        _add_conflict(letters, row["device_id"], fault, received=received)


def _name_historic(connection: Connection, letters: DeadLetters, *, received: int) -> None:
    """Let the letters that were just stored say that they are of history."""
    devices = {letter.device_id for _, kept, _ in letters.buckets() for letter in kept if letter.device_id}
    _QUERIES["name_historic_letters"].run(
        connection, devices=sorted(devices), received_at=from_micros(received), topic=HISTORY, instead_of=PREFIX
    )


def _columns(rows: Mapping[Key, JsonValue]) -> dict[str, list[object]]:
    return {
        "devices": [device_id for device_id, _, _ in rows],
        "names": [name for _, name, _ in rows],
        "times": [from_micros(ts) for _, _, ts in rows],
        "values": [row.value for row in rows.values()],
        "received": [from_micros(row.received) for row in rows.values()],
    }


def _note_spans(connection: Connection, import_id: str, spans: Mapping[str, tuple[int, int]]) -> None:
    devices = sorted(spans)
    _QUERIES["note_spans"].run(
        connection,
        id=import_id,
        devices=devices,
        oldest=[from_micros(spans[device_id][0]) for device_id in devices],
        newest=[from_micros(spans[device_id][1]) for device_id in devices],
    )


def finish(connection: Connection, import_id: str, *, received: int, now: datetime, forget: bool) -> None:
    """The end is reached: hand what is to be judged over to the rule runner; ``forget`` the import, or keep its row."""
    if _QUERIES["hand_over"].run(connection, id=import_id, received_at=from_micros(received)):
        _QUERIES["wake"].run(connection)
    _QUERIES["forget_import" if forget else "finish_import"].run(
        connection, id=import_id, **({} if forget else {"now": now})
    )
