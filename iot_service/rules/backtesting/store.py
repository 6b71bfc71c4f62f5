"""What a backtest reads from the database: the past of one device, in pieces, so that memory does not grow with it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from iot_service.db import Connection, Database
from iot_service.errors import NotFoundError
from iot_service.model.device import ServiceState
from iot_service.model.event import EventType
from iot_service.model.reading import Sample, SampleKind
from iot_service.rules.backtesting.run import Subject
from iot_service.rules.compiled import CompiledProduct
from iot_service.rules.memory import Memory
from iot_service.rules.overrides.effective import give_overrides
from iot_service.rules.state import DeviceState
from iot_service.rules.store import QUERIES, claimed_device, device_facts, read_facts

_SERVICE_EVENTS = (EventType.DEVICE_IN_SERVICE, EventType.DEVICE_COMMISSIONING, EventType.DEVICE_OUT_OF_SERVICE)
_JUDGED = frozenset({ServiceState.COMMISSIONING, ServiceState.IN_SERVICE})
_AT_ONCE = 5_000  # messages in memory
_FIRST_SPAN = timedelta(hours=1)
_INSTANT = timedelta(microseconds=1)
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)
_READING = SampleKind.READING.value


@dataclass(frozen=True, slots=True)
class DevicePlace:
    """The product model of a device, and the time zone that people see its times in."""

    product: str
    zone: ZoneInfo


def find_device(connection: Connection, device_id: str) -> DevicePlace:
    """Return what a device is and where; raises NotFoundError where there is no such device."""
    row = QUERIES["device_place"].first(connection, device_id=device_id)
    if row is None:
        raise NotFoundError(f"there is no device '{device_id}'; `iot-service device list` shows those there are")
    return DevicePlace(row["product"], ZoneInfo(row["time_zone"]))


def read_subject(connection: Connection, device_id: str, product: CompiledProduct, *, start: datetime) -> Subject:
    """Return the device as it was at ``start`` (UTC): its last values before, its service state and facts.

    Parameters, overrides, subscription, place and consent are those of today, since no others are known. A device that
    was out of service counts as in service. Raises NotFoundError where there is none.
    """
    shown_in = find_device(connection, device_id).zone
    row = QUERIES["devices"].one(connection, ids=[device_id])
    device = claimed_device(row, Memory(0))
    device.state = DeviceState(_service_state(connection, row, start), until=start - _INSTANT)
    give_overrides(connection, [device])
    read_facts(connection, [device])
    facts = device_facts(device, product.model.parameters)
    for found in QUERIES["values_before"].all(
        connection, device_id=device_id, watched=list(product.watched), before=start
    ):
        if found["kind"] == _READING:
            device.state.readings[found["name"]] = (found["ts"], found["value"])
        else:
            data = found["data"]
            device.state.attributes[found["name"]] = (found["ts"], tuple(data) if isinstance(data, list) else data)
    if not device.state.readings and not device.state.attributes:
        device.state.until = None  # its time begins with its first sample
    context = device.whereabouts.context(product.model)
    return Subject(device_id, facts, device.changes, device.state, context, shown_in)


def _service_state(connection: Connection, device: Mapping[str, Any], start: datetime) -> ServiceState:
    types = [kind.value for kind in _SERVICE_EVENTS]
    found = QUERIES["service_state_changes"].all(connection, device_id=device["id"], types=types)
    state = ServiceState(found[0]["old"] if found and found[0]["old"] else device["service_state"])
    for row in found:
        if row["at"] <= start:
            state = ServiceState(row["new"])
    return state if state in _JUDGED else ServiceState.IN_SERVICE


def read_samples(
    database: Database,
    device_id: str,
    watched: Collection[str],
    *,
    start: datetime,
    until: datetime,
    at_once: int = _AT_ONCE,
) -> Iterator[list[Sample]]:
    """Yield what a device sent from ``start`` to ``until`` (UTC, both inclusive), in order, in batches.

    Each batch ends with a complete instant, has up to ``at_once`` messages (more only where one instant has), and is
    read in a transaction of its own. Readings are those of ``watched`` metrics. The spans that are asked for adapt to
    how often the device reports.
    """
    after, received, span = start, _LONG_AGO, _FIRST_SPAN
    limit = at_once
    while after <= until:
        end = after + span if span < until - after else until
        with database.transaction() as connection:
            rows = QUERIES["messages_between"].tuples(
                connection,
                device_id=device_id, watched=list(watched), after=after, received=received, until=end, limit=limit,
            )  # fmt: skip
        if len(rows) < limit:
            after, received = end, _NEVER
            span = span * 2 if len(rows) < at_once / 3 and span < until - start else span
        else:
            last = _place(rows[-1])
            while rows and _place(rows[-1]) == last:
                rows.pop()
            if not rows:  # all of it is one instant
                limit *= 2
                continue
            after, received = _place(rows[-1])
            span = max(span / 2, _INSTANT)
        limit = at_once
        if rows:
            yield list(_samples(rows))
        if after >= until and received == _NEVER:
            return


def _place(row: tuple[Any, ...]) -> tuple[datetime, datetime]:
    return row[1], row[2]


def _samples(rows: Iterable[tuple[Any, ...]]) -> Iterator[Sample]:
    for kind, ts, received_at, names, values, data in rows:
        if kind == _READING:
            for name, value in zip(names, values, strict=True):
                yield Sample(SampleKind.READING, name, ts, received_at, value)
        elif kind == SampleKind.EVENT.value:
            yield Sample(SampleKind.EVENT, names[0], ts, received_at, json.dumps(data))
        else:
            value = tuple(data) if isinstance(data, list) else data
            yield Sample(SampleKind.ATTRIBUTE, names[0], ts, received_at, value)
