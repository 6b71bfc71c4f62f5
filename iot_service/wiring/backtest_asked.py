"""Whose past is asked for, and from when to when: from the command line to the source of the telemetry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from iot_service import clock
from iot_service.config import Settings
from iot_service.db import Database
from iot_service.errors import InvalidInputError
from iot_service.products.catalog import Catalog
from iot_service.products.documents import suggestion
from iot_service.rules.backtesting.store import find_device
from iot_service.rules.overrides.store import overrides_of_devices
from iot_service.rules.store import vouched
from iot_service.wiring.backtest_recordings import guess_mapping, open_recording
from iot_service.wiring.backtest_sources import Past, RecordedPast, StoredPast, check_overrides
from iot_service.wiring.installation import engines, open_database

_SPAN = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose past it is, and from when to when, as it stands on the command line.

    Without ``recording`` the ``devices`` are those of the database. ``since`` and ``until`` are dates or times, local
    to the device where they have no offset. ``parameters`` are NAME=VALUE, in the place of the device's own.
    """

    devices: Sequence[str] = ()
    recording: Path | None = None
    mapping: str | None = None
    since: str | None = None
    until: str | None = None
    parameters: Sequence[str] = ()
    zone: str | None = None
    commissioning: bool = False


def _product(catalog: Catalog, rules: Sequence[str], mapped: str | None) -> str:
    """Return the product that a recording is of, as its mapping or the rules say."""
    if mapped is not None:
        return mapped
    found: set[str] = set()
    for rule in rules:
        product, slash, _ = rule.partition("/")
        if slash or product in catalog.products:
            found.add(product)
        else:
            found |= {name for name, specs in catalog.rules.items() if rule in specs}
    if len(found) != 1:
        said = f"the rules are of {', '.join(sorted(found))}" if found else "it says of no product what it is"
        raise InvalidInputError(f"{said}: write PRODUCT/RULE, or give a --mapping", field="--recording")
    (product,) = found
    if product not in catalog.products:
        known = list(catalog.products)
        raise InvalidInputError(f"there is no product '{product}'{suggestion(product, known)}", field="RULE")
    return product


@contextmanager
def open_source(settings: Settings, asked: Asked) -> Iterator[Database | None]:
    """Open the database that the past is in; None where it is in a recording. Raises InvalidInputError for neither."""
    if asked.recording is not None:
        yield None
        return
    if not asked.devices:
        raise InvalidInputError("say whose past: --device ID, or --recording FILE", field="--device")
    with (
        engines(settings, broker=False) as complete,
        open_database(complete, max_size=2, application="iot-service rules backtest") as database,
    ):
        yield database


def find_pasts(
    settings: Settings, catalog: Catalog, rules: Sequence[str], asked: Asked, database: Database | None
) -> list[tuple[str, Past]]:
    """Return the pasts that are asked for, each with its product; ``rules`` say of what product a recording is."""
    overrides = dict(map(_parameter, asked.parameters))
    if database is None:
        return [_recorded(settings, catalog, rules, asked, overrides)]
    return [_stored(database, catalog, device, asked, overrides) for device in asked.devices]


def _stored(
    database: Database, catalog: Catalog, device: str, asked: Asked, overrides: Mapping[str, float]
) -> tuple[str, Past]:
    now = clock.now()
    with database.transaction() as connection:
        place = find_device(connection, device)
        known = vouched(connection, now=now)
        changed = overrides_of_devices(connection, [device]).get(device, [])
    product, zone = place.product, _zone(asked.zone) or place.zone
    if product not in catalog.products:
        raise InvalidInputError(f"there is no product '{product}' in the catalog", field=device)
    check_overrides(overrides, catalog, product)
    until = min(_instant(asked.until, zone, end=True, field="--to") or now, now)
    since = _instant(asked.since, zone, end=False, field="--from") or until - _SPAN
    _check_span(since, until)
    return product, StoredPast(database, device, since, until, min(until, known), overrides, _zone(asked.zone), changed)


def _recorded(
    settings: Settings, catalog: Catalog, rules: Sequence[str], asked: Asked, overrides: Mapping[str, float]
) -> tuple[str, Past]:
    assert asked.recording is not None
    named = {rule.partition("/")[0] for rule in rules if "/" in rule or rule in catalog.products}
    mapping = guess_mapping(asked.recording, next(iter(named)) if len(named) == 1 else None, asked.mapping)
    product = _product(catalog, rules, mapping.product if mapping is not None else None)
    check_overrides(overrides, catalog, product)
    zone = _zone(asked.zone)
    if zone is None and mapping is not None and mapping.time is not None:
        zone = ZoneInfo(mapping.time.zone)
    zone = zone or ZoneInfo("UTC")
    start = _instant(asked.since, zone, end=False, field="--from")
    device = asked.devices[0] if asked.devices else None
    recording = open_recording(
        settings, catalog, asked.recording, product=product, mapping=mapping, device=device, start=start
    )
    since = start or recording.first
    until = _instant(asked.until, zone, end=True, field="--to") or recording.last
    _check_span(since, until)
    return product, RecordedPast(recording, since, until, zone, overrides, asked.commissioning)


def _check_span(since: datetime, until: datetime) -> None:
    if since >= until:
        raise InvalidInputError(f"the span is empty: {since.isoformat()} to {until.isoformat()}", field="--from")


def _parameter(text: str) -> tuple[str, float]:
    name, sign, value = text.partition("=")
    try:
        return name.strip(), float(value if sign else "")
    except ValueError:
        raise InvalidInputError("write NAME=NUMBER, for example setpoint=-35", field=f"--set {text}") from None


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        raise InvalidInputError(f"there is no time zone '{name}'; a right one is Europe/Oslo", field="--zone") from None


def _instant(text: str | None, zone: tzinfo, *, end: bool, field: str) -> datetime | None:
    """Return the instant (UTC) that ``text`` names; a date is its first one, or (``end``) the last of its day."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(
            f"'{text}' is no date or time such as 2026-03-01 or 2026-03-01T08:00", field=field
        ) from None
    if end and len(text) <= len("2026-03-01"):
        at += timedelta(days=1)
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC)
