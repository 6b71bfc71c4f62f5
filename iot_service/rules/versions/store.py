"""What versions of rules read from and write to the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from iot_service.db import Connection, load_queries
from iot_service.rules.versions.version import Mode, RuleVersion, Source, Standing, VersionChange

QUERIES = load_queries("iot_service.rules.versions")
_SPACE = 7_243_010  # of advisory locks; any number, as long as it is always the same
_WOKEN_AT_ONCE = 1000

Standings = Mapping[tuple[str, str], Standing]
"""How each rule stands, by product and rule."""


@dataclass(frozen=True, slots=True)
class Look:
    """``revision`` is the id of the newest change of any rule, ``waking`` whether devices are to be woken for one."""

    revision: int
    waking: bool


def look(connection: Connection) -> Look:
    """Return what there is to know before it is worth while to read rules; cheap enough for every run."""
    return Look(**QUERIES["look"].one(connection))


def lock(connection: Connection) -> None:
    """Wait until nobody else is changing rules, and keep others from it until the end of the transaction."""
    QUERIES["lock_rules"].run(connection, space=_SPACE)


def standings(connection: Connection, product: str | None = None) -> Standings:
    """Return how every rule stands that there ever was, of ``product`` or of all."""
    found: dict[tuple[str, str], dict[Source, RuleVersion]] = {}
    for row in QUERIES["standings"].all(connection, product=product):
        version = _version(row)
        found.setdefault((version.product, version.rule), {})[version.source] = version
    return {key: Standing(of.get(Source.FILE), of.get(Source.API)) for key, of in found.items()}


def standing(connection: Connection, product: str, rule: str) -> Standing | None:
    """Return how one rule stands; None where there never was one."""
    of = {
        version.source: version
        for version in map(_version, QUERIES["standing"].all(connection, product=product, rule=rule))
    }
    return Standing(of.get(Source.FILE), of.get(Source.API)) if of else None


def versions(connection: Connection, product: str, rule: str, *, before: int | None, limit: int) -> list[RuleVersion]:
    """Return up to ``limit`` versions of a rule, newest first, of those ``before`` a version number."""
    rows = QUERIES["versions"].all(connection, product=product, rule=rule, before=before, limit=limit)
    return [_version(row) for row in rows]


def add_versions(connection: Connection, versions: Iterable[Mapping[str, Any]]) -> None:
    """Append versions to the histories of their rules, while :func:`lock` is held.

    Each has product, rule, change, source, mode, digest, text, author, place and now, as the table has them.
    """
    QUERIES["add_version"].many(connection, versions)


def wake_product(connection: Connection, product: str) -> None:
    """Have every device of ``product`` judged anew, though nothing came of it."""
    QUERIES["wake_product"].run(connection, product=product)


def wake_devices(connection: Connection, *, at: datetime, limit: int = _WOKEN_AT_ONCE) -> int:
    """Let up to ``limit`` of the devices that wait for that be due ``at`` (UTC); return how many there were."""
    held = QUERIES["take_wake"].first(connection)
    if held is None:
        return 0
    product = held["product"]
    woken = QUERIES["wake_devices"].one(connection, product=product, reached=held["reached"], limit=limit, at=at)
    if woken["devices"] < limit:
        QUERIES["finish_wake"].run(connection, product=product)
    else:
        QUERIES["move_wake"].run(connection, product=product, reached=woken["last"])
    return int(woken["devices"])


def _version(row: Mapping[str, Any]) -> RuleVersion:
    values = {**row, "change": VersionChange(row["change"]), "source": Source(row["source"]), "mode": Mode(row["mode"])}
    return RuleVersion(**values)
