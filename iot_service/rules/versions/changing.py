"""Changing rules while the service runs: put, delete, and switch between live, shadow and off.

Each change is a version; nothing else is written here. Runners notice it at their next run, and do to each device what
follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from iot_service.db import Connection
from iot_service.errors import ConflictError, NotFoundError
from iot_service.products.catalog import Catalog
from iot_service.products.model import ProductModel
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.versions import store
from iot_service.rules.versions.checks import checked_rule, set_problems
from iot_service.rules.versions.text import digest_of, read_rule, rule_text
from iot_service.rules.versions.version import Mode, Source, Standing, VersionChange


@dataclass(frozen=True, slots=True)
class RuleName:
    """Which rule: the id of its product model, and its own within it."""

    product: str
    rule: str

    def __str__(self) -> str:
        return f"{self.product}/{self.rule}"


def put_rule(
    connection: Connection,
    name: RuleName,
    written: Mapping[str, Any],
    *,
    mode: Mode | None,
    catalog: Catalog,
    author: str,
    now: datetime,
) -> Standing:
    """Put the rule that ``written`` says in force, over a file's of the same name; ``mode`` None keeps the one it has.

    What is in force already changes nothing. Raises NotFoundError for an unknown product, InvalidFieldsError with all
    that is wrong with the rule.
    """
    model = _model(catalog, name)
    store.lock(connection)
    standings = store.standings(connection, name.product)
    before = standings.get((name.product, name.rule))
    others = _judged(standings, without=name)
    spec = checked_rule(written, name.rule, model=model, catalog=catalog, others=others)
    text = rule_text(spec, written)
    digest = digest_of(spec)
    mode = mode or (before.mode if before is not None else Mode.LIVE)
    held = before.api if before is not None and before.api is not None and not before.api.removed else None
    if before is not None and held is not None and held.digest == digest and before.mode is mode:
        return before
    change = VersionChange.CHANGED if before is not None and before.in_force is not None else VersionChange.ADDED
    return _record(
        connection, name, change=change, source=Source.API, mode=mode, digest=digest, text=text, author=author, now=now
    )


def delete_rule(connection: Connection, name: RuleName, *, catalog: Catalog, author: str, now: datetime) -> Standing:
    """Take away what the API says of a rule: a file's of the same name is in force again, or none.

    Raises NotFoundError where there is no such rule, ConflictError where it only stands in a file, or where the others
    cannot do without it.
    """
    store.lock(connection)
    before = standing_of(connection, name)
    held = before.in_force
    if held is None:
        raise NotFoundError(f"rule {name} was removed before")
    if held.source is Source.FILE:
        raise ConflictError(f"rule {name} stands in {held.place}: remove it there, or switch it off")
    standings = dict(store.standings(connection, name.product))
    rest = [*_judged(standings, without=name)]
    if before.mode is not Mode.OFF and before.hidden is not None:
        rest.append(read_rule(before.hidden.text))
    _refuse_broken(catalog, name, rest)
    return _record(
        connection, name, change=VersionChange.REMOVED, source=Source.API, mode=before.mode, digest=held.digest,
        text=held.text, author=author, now=now,
    )  # fmt: skip


def set_mode(
    connection: Connection, name: RuleName, mode: Mode, *, catalog: Catalog, author: str, now: datetime
) -> Standing:
    """Switch a rule to ``mode``; to switch it to the one it has changes nothing.

    Raises NotFoundError where there is no such rule, ConflictError where it was removed, or where the rules cannot be
    judged together then.
    """
    store.lock(connection)
    before = standing_of(connection, name)
    held = before.in_force
    if held is None:
        raise ConflictError(f"rule {name} was removed; put it in force again first")
    if before.mode is mode:
        return before
    rest = _judged(store.standings(connection, name.product), without=name)
    _refuse_broken(catalog, name, rest if mode is Mode.OFF else [*rest, read_rule(held.text)])
    return _record(
        connection, name, change=VersionChange.MODE, source=held.source, mode=mode, digest=held.digest, text=held.text,
        author=author, place=held.place, now=now,
    )  # fmt: skip


def standing_of(connection: Connection, name: RuleName) -> Standing:
    """Return how a rule stands. Raises NotFoundError where there never was one."""
    found = store.standing(connection, name.product, name.rule)
    if found is None:
        raise NotFoundError(f"there is no rule {name}")
    return found


def _record(
    connection: Connection,
    name: RuleName,
    *,
    change: VersionChange,
    source: Source,
    mode: Mode,
    digest: str,
    text: str,
    author: str,
    now: datetime,
    place: str | None = None,
) -> Standing:
    """Add a version, have the devices of its product judged anew, and return how the rule stands then."""
    version = {
        "product": name.product, "rule": name.rule, "change": change.value, "source": source.value,
        "mode": mode.value, "digest": digest, "text": text, "author": author, "place": place, "now": now,
    }  # fmt: skip
    store.add_versions(connection, [version])
    store.wake_product(connection, name.product)
    return standing_of(connection, name)


def _model(catalog: Catalog, name: RuleName) -> ProductModel:
    model = catalog.products.get(name.product)
    if model is None:
        raise NotFoundError(f"there is no product '{name.product}'; known: {', '.join(sorted(catalog.products))}")
    return model


def _judged(standings: store.Standings, *, without: RuleName) -> list[RuleSpec]:
    """Return the rules that are judged now, but for one."""
    return [
        read_rule(version.text)
        for (_, rule), standing in standings.items()
        if rule != without.rule and standing.mode is not Mode.OFF and (version := standing.in_force) is not None
    ]


def _refuse_broken(catalog: Catalog, name: RuleName, specs: list[RuleSpec]) -> None:
    model = catalog.products.get(name.product)
    problems = set_problems(model, specs) if model is not None else []
    if problems:
        said = "; ".join(f"{field}: {message}" for field, message in problems)
        raise ConflictError(f"the other rules cannot be judged then: {said}")
