"""What the rules read from and write to the database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import nan
from typing import Any

import orjson

from iot_service.db import Connection, load_queries
from iot_service.db.health import caught_up_at
from iot_service.model.device import ServiceState
from iot_service.model.reading import Sample, SampleKind
from iot_service.products.overrides import Override
from iot_service.rules.buckets import Bucket, stored_bucket
from iot_service.rules.compiled import LEAD_DAYS, MAINTENANCE, supplied_fact
from iot_service.rules.instants import FactChange
from iot_service.rules.maintenance_windows import MaintenanceWindow, maintenance_fact
from iot_service.rules.memory import Memory
from iot_service.rules.state import DeviceState, from_json, to_json
from iot_service.rules.whereabouts import Whereabouts
from iot_service.rules.windows import EPOCH, Window, WindowKey, Windows

QUERIES = load_queries("iot_service.rules")
_READING = SampleKind.READING.value
_ROWS_A_DEVICE = 20  # of the to-do list looked through for each place: what others hold is passed over
_MICROSECOND = timedelta(microseconds=1)


@dataclass(slots=True)
class Claimed:
    """One device that this runner holds, with what it needs to judge it.

    ``facts`` hold where folding stopped, ``changes`` come after it. ``oldest`` is the oldest time among what was stored
    since the last run, None if nothing was. ``open_rules`` have an open need, ``shadow_rules`` one that there would be.
    ``maintenance`` are the windows of planned maintenance that are not over where folding stopped.
    ``broken`` says why its kept state cannot be read, None if it can. ``overrides`` are all that concern it; what they
    make of its ``parameters`` is among those.
    """

    device_id: str
    product: str
    customer_id: str
    site_id: str | None
    state: DeviceState
    newest_ts: datetime | None
    newest_received: datetime | None
    late_readings: int
    parameters: Mapping[str, float]
    lead_days: float | None
    facts: dict[str, float]
    changes: list[FactChange]
    open_rules: set[str]
    shadow_rules: set[str]
    oldest: datetime | None = None
    broken: str | None = None
    whereabouts: Whereabouts = field(default_factory=Whereabouts)
    maintenance: list[MaintenanceWindow] = field(default_factory=list)
    overrides: tuple[Override, ...] = ()

    def maintenance_at(self, at: datetime) -> MaintenanceWindow | None:
        """Return the window of maintenance that the device is in at ``at`` (device time, UTC), or None."""
        return next((window for window in self.maintenance if window.starts_at <= at < window.ends_at), None)


def vouched(connection: Connection, *, now: datetime) -> datetime:
    """Return the instant up to which everything is stored: ``now`` where there never was an ingest process (UTC).

    While ingest is down, or has lost its broker, it stands still however long that takes: nothing is taken for silence.
    """
    caught_up = caught_up_at(connection)
    return now if caught_up is None else min(now, caught_up)


def is_spread(connection: Connection) -> bool:
    """Return whether the messages of one device may come through several ingest processes.

    Where they come through one, in their order, all that a device said before its newest stored sample is stored.
    """
    return bool(QUERIES["is_spread"].one(connection)["is_spread"])


def claim(
    connection: Connection, memory: Memory, *, vouched_at: datetime, before: datetime, limit: int
) -> list[Claimed]:
    """Hold up to ``limit`` devices that have something to be judged, and take their to-do rows.

    Those of which nothing came ``before`` then are left for later. States that are in ``memory`` are those very
    objects. Half the places are for devices whose time has come, or a silent one would wait for as long as the others
    talk; and the rest as well, where nobody talks.
    """
    half = (limit + 1) // 2
    due = QUERIES["claim_due"].all(connection, vouched=vouched_at, limit=half, held=[])
    touched = QUERIES["claim_touched"].all(
        connection, before=before, limit=limit - len(due), rows=limit * _ROWS_A_DEVICE
    )
    ids = {row["device_id"] for row in (*due, *touched)}
    if len(due) == half and len(ids) < limit:
        more = QUERIES["claim_due"].all(connection, vouched=vouched_at, limit=limit - len(ids), held=list(ids))
        ids |= {row["device_id"] for row in more}
    if not ids:
        return []
    claimed = {row["id"]: claimed_device(row, memory) for row in QUERIES["devices"].all(connection, ids=list(ids))}
    for row in QUERIES["take_touched"].all(connection, ids=list(ids)):
        device = claimed[row["device_id"]]
        if device.newest_ts is None or row["newest_ts"] > device.newest_ts:
            device.newest_ts, device.newest_received = row["newest_ts"], row["received_at"]
        device.oldest = min(device.oldest or row["oldest_ts"], row["oldest_ts"])
    devices = list(claimed.values())
    read_facts(connection, devices)
    for row in QUERIES["open_rules"].all(connection, ids=list(claimed)):
        device = claimed[row["device_id"]]
        (device.shadow_rules if row["in_shadow"] else device.open_rules).add(row["rule"])
    return devices


def read_facts(connection: Connection, devices: Sequence[Claimed]) -> None:
    """Give each device what is known of it besides its readings: facts where its folding stopped, and changes after."""
    claimed = {device.device_id: device for device in devices}
    untils = [device.state.until for device in devices]
    for row in QUERIES["supplies"].all(connection, ids=list(claimed), untils=untils):
        device = claimed[row["device_id"]]
        name = supplied_fact(row["consumable"])
        if device.state.until is not None and row["at"] <= device.state.until:
            device.facts[name] = row["supplied"]
        else:
            device.changes.append(FactChange(row["at"], name, row["supplied"]))
    for row in QUERIES["device_facts"].all(connection, ids=list(claimed), untils=untils):
        device = claimed[row["device_id"]]
        take_fact(row, device.state.until, device.facts, device.changes)
    for device in devices:
        device.changes.sort(key=lambda change: change.at)
    _note_maintenance(connection, devices)


def _note_maintenance(connection: Connection, devices: Sequence[Claimed]) -> None:
    """Give each device its windows of maintenance, and the fact that comes of them."""
    found: dict[str, list[MaintenanceWindow]] = {device.device_id: [] for device in devices}
    untils = [device.state.until for device in devices]
    for row in QUERIES["maintenance_of_devices"].all(connection, ids=list(found), untils=untils):
        found[row.pop("claimed_id")].append(MaintenanceWindow(**row))
    for device in devices:
        device.maintenance = found[device.device_id]
        if device.maintenance:
            device.facts[MAINTENANCE], changes = maintenance_fact(device.maintenance, device.state.until)
            device.changes = sorted([*device.changes, *changes], key=lambda change: change.at)


def take_fact(
    row: Mapping[str, Any], until: datetime | None, facts: dict[str, float], changes: list[FactChange]
) -> None:
    """Put a row of ``device_facts`` into the ``facts`` that hold at ``until``, or into the ``changes`` after it."""
    name, value = row["name"], row["value"]
    if until is None or row["at"] > until:
        changes.append(FactChange(row["at"], name, nan if value is None else value))
    elif value is None:
        facts.pop(name, None)
    else:
        facts[name] = value


def claimed_device(row: Mapping[str, Any], memory: Memory) -> Claimed:
    """Return the device of a row of ``devices``, without facts yet; its state is the one in ``memory``, if there."""
    place = {"until": row["evaluated_until"], "received": row["evaluated_received"]}
    service_state = ServiceState(row["service_state"])
    broken = None
    remembered = memory.state(row["id"], row["version"])
    try:
        if remembered is not None and remembered.service_state is service_state:
            state = remembered
        else:
            state = from_json(orjson.loads(row["state"]), service_state=service_state, **place)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        state, broken = DeviceState(service_state, **place), f"its kept state cannot be read: {error}"
    return Claimed(
        device_id=row["id"],
        product=row["product"],
        customer_id=row["customer_id"],
        site_id=row["site_id"],
        state=state,
        newest_ts=row["newest_ts"],
        newest_received=row["newest_received"],
        late_readings=row["late_readings"],
        parameters=row["parameters"],
        lead_days=row["lead_days"],
        facts={},
        changes=[],
        open_rules=set(),
        shadow_rules=set(),
        broken=broken,
        whereabouts=Whereabouts(
            row["time_zone"], row["latitude"], row["longitude"], row["location"], row["areas"] or {}
        ),
    )


def device_facts(device: Claimed, defaults: Mapping[str, float]) -> dict[str, float]:
    """Return the facts that hold where folding of ``device`` stopped: ``defaults`` of the product, then its own.

    Raises ValueError or TypeError when a parameter of the device is no number.
    """
    facts = {**defaults, **{name: float(value) for name, value in device.parameters.items()}}
    if device.lead_days is not None:
        facts[LEAD_DAYS] = device.lead_days
    return {**facts, **device.facts}


def samples(
    connection: Connection, devices: Sequence[Claimed], watched: Mapping[str, Sequence[str]], *, limit: int
) -> dict[str, tuple[list[Sample], bool]]:
    """Return what is to be folded for each device, in order, and whether there is more than ``limit`` of a kind.

    ``watched`` are the metrics that matter to the rules of each product; readings of others are passed over.

    Where there is more, what is given ends before an instant that might not be complete.
    """
    names = {product: "{" + ",".join(metrics) + "}" for product, metrics in watched.items()}
    rows = QUERIES["samples"].tuples(
        connection,
        ids=[device.device_id for device in devices],
        untils=[device.state.until for device in devices],
        receiveds=[device.state.received for device in devices],
        watched=[names.get(device.product, "{}") for device in devices],
        limit=limit,
    )
    found: dict[str, tuple[list[Sample], bool]] = {device.device_id: ([], False) for device in devices}
    for device_id, kind, name, ts, received_at, value, data in rows:
        given = found[device_id][0]
        if kind == _READING:  # nearly all of them
            given.append(Sample(SampleKind.READING, name, ts, received_at, value))
        else:
            given.append(_other_sample(SampleKind(kind), name, ts, received_at, data))
    return {device_id: _complete(given, limit) for device_id, (given, _) in found.items()}


def _other_sample(kind: SampleKind, name: str, ts: datetime, received_at: datetime, data: Any) -> Sample:
    if kind is SampleKind.EVENT:
        return Sample(kind, name, ts, received_at, json.dumps(data))
    return Sample(kind, name, ts, received_at, tuple(data) if isinstance(data, list) else data)


def _complete(given: list[Sample], limit: int) -> tuple[list[Sample], bool]:
    if len(given) < limit:
        return given, False
    bounds = []
    for kind in SampleKind:
        of_kind = [sample for sample in given if sample.kind is kind]
        if len(of_kind) >= limit:
            bounds.append((of_kind[-1].ts, of_kind[-1].received_at))
    if not bounds:
        return given, False
    bound = min(bounds)
    return [sample for sample in given if (sample.ts, sample.received_at) < bound], True


def last_readings(
    connection: Connection, device_id: str, metrics: Iterable[str], *, until: datetime
) -> dict[str, tuple[datetime, float]]:
    """Return time and value of the last reading of each of ``metrics`` that there is up to ``until`` (UTC)."""
    rows = QUERIES["last_readings"].all(connection, device_id=device_id, metrics=sorted(metrics), until=until)
    return {row["metric"]: (row["ts"], row["value"]) for row in rows}


def may_be_late(device: Claimed) -> bool:
    """Return whether something was stored since the last run for a time that has been judged."""
    until = device.state.until
    return device.oldest is not None and until is not None and device.oldest <= until


def count_late(connection: Connection, device: Claimed, watched: Sequence[str]) -> int:
    """Return how many readings of ``watched`` metrics came too late since the last run, and remember that."""
    state = device.state
    row = QUERIES["late_readings"].one(
        connection,
        device_id=device.device_id,
        watched=list(watched),
        since=device.oldest,
        until=state.until,
        received=state.received,
        heard=state.heard or EPOCH,
    )
    if row["heard"] is not None:
        state.heard = max(state.heard or row["heard"], row["heard"])
    return int(row["readings"])


def build_windows(
    connection: Connection, asked: Sequence[tuple[str, DeviceState, Sequence[WindowKey]]]
) -> dict[str, Windows]:
    """Return the windows of several devices, as they are where folding stopped, from their stored readings.

    ``asked`` are the devices' ids with their states and the keys of their windows; what is returned is by id.
    """
    places = [(number, key) for number, (_, _, keys) in enumerate(asked) for key in keys]
    buckets: list[list[Bucket]] = [[] for _ in places]
    states = [asked[number][1] for number, _ in places]
    rows = QUERIES["window_buckets"].all(
        connection,
        devices=[asked[number][0] for number, _ in places],
        metrics=[key.metric for _, key in places],
        widths=[key.width // _MICROSECOND for _, key in places],
        sinces=[_first_instant(key, state) for (_, key), state in zip(places, states, strict=True)],
        untils=[state.until for state in states],
        receiveds=[state.received for state in states],
        ranked=[key.ranked for _, key in places],
        timed=[key.timed for _, key in places],
    )
    for row in rows:
        buckets[row.pop("place") - 1].append(stored_bucket(row.pop("bucket"), **row))
    found: list[list[Window]] = [[] for _ in asked]
    for (number, key), each in zip(places, buckets, strict=True):
        found[number].append(Window(key, each))
    return {device_id: Windows(windows) for (device_id, _, _), windows in zip(asked, found, strict=True)}


def _first_instant(key: WindowKey, state: DeviceState) -> datetime:
    """Return when the oldest bucket begins that still is in the window ``key`` where folding stopped (UTC)."""
    until = state.until or EPOCH  # where it has not begun, there is nothing up to "until" either
    return EPOCH + ((until - key.length - EPOCH) // key.width + 1) * key.width


@dataclass(frozen=True, slots=True)
class Judged:
    """One device after its run; ``error`` says which rules cannot be computed, ``opened`` which found a need.

    ``doubts`` are the rules that could be judged no more, each time with the reason. ``kept`` is its state as text.
    """

    device: Claimed
    wake_at: datetime | None
    error: str | None
    opened: tuple[str, ...] = ()
    doubts: tuple[tuple[str, str], ...] = ()
    kept: str | None = None


def state_text(state: DeviceState) -> str:
    """Return ``state`` as it is kept; raises TypeError for what cannot be."""
    return orjson.dumps(to_json(state)).decode()


def save(connection: Connection, judged: Iterable[Judged]) -> str:
    """Keep where each device stands now; return the version of the rows that were written."""
    items = list(judged)
    devices = [item.device for item in items]
    row = QUERIES["save"].first(
        connection,
        ids=[device.device_id for device in devices],
        untils=[device.state.until for device in devices],
        receiveds=[device.state.received for device in devices],
        newest_ts=[device.newest_ts for device in devices],
        newest_received=[device.newest_received for device in devices],
        wakes=[item.wake_at for item in items],
        late=[device.late_readings for device in devices],
        states=[item.kept or state_text(item.device.state) for item in items],
        errors=[item.error for item in items],
    )
    return row["version"] if row is not None else ""


def save_error(connection: Connection, device: Claimed, *, error: str, wake_at: datetime) -> None:
    """Keep why a device could not be judged, and when to try again; its state stays as it was."""
    QUERIES["save_error"].run(
        connection,
        device_id=device.device_id,
        error=error,
        wake_at=wake_at,
        newest_ts=device.newest_ts,
        newest_received=device.newest_received,
    )
