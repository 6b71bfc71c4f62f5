"""Rules from files: what has changed in them since they were last taken in becomes versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from iot_service.db import Connection
from iot_service.products.catalog import CatalogFiles
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.versions import store
from iot_service.rules.versions.text import digest_of, rule_text
from iot_service.rules.versions.version import Mode, Source, Standing, VersionChange


@dataclass(frozen=True, slots=True)
class FileRule:
    """A rule as a file has it: as it was ``written`` (None where that is not known), and the file."""

    product: str
    spec: RuleSpec
    written: Mapping[str, Any] | None
    place: str


def file_rules(read: CatalogFiles) -> list[FileRule]:
    """Return every rule of ``read``, files in which nothing is wrong."""
    return [
        FileRule(product, spec, _written(read, product, rule), _place(read, product, rule))
        for product, rules in read.catalog.rules.items()
        for rule, spec in rules.items()
    ]


def take_in(connection: Connection, rules: Iterable[FileRule], *, now: datetime) -> Counter[VersionChange]:
    """Record what of ``rules``, all that the files hold, is new, changed or gone; return how many of each.

    A rule that the API has put over a file's stays in force all the same.
    """
    store.lock(connection)
    standings = store.standings(connection)
    given = {(rule.product, rule.spec.id): rule for rule in rules}
    versions = [
        version for key, rule in given.items() if (version := _taken_in(rule, standings.get(key), now)) is not None
    ]
    versions += [
        _version(held.product, held.rule, VersionChange.REMOVED, standing.mode, held.digest, held.text, held.place, now)
        for key, standing in standings.items()
        if (held := standing.file) is not None and not held.removed and key not in given
    ]
    store.add_versions(connection, versions)
    for product in sorted({version["product"] for version in versions}):
        store.wake_product(connection, product)
    return Counter(VersionChange(version["change"]) for version in versions)


def _taken_in(rule: FileRule, standing: Standing | None, now: datetime) -> dict[str, Any] | None:
    """Return the version that ``rule`` makes, None where the file said the same before."""
    held = standing.file if standing is not None and standing.file is not None and not standing.file.removed else None
    digest = digest_of(rule.spec)
    if held is not None and held.digest == digest:
        return None
    change = VersionChange.ADDED if held is None else VersionChange.CHANGED
    mode = standing.mode if standing is not None else Mode.LIVE
    text = rule_text(rule.spec, rule.written)
    return _version(rule.product, rule.spec.id, change, mode, digest, text, rule.place, now)


def _version(
    product: str, rule: str, change: VersionChange, mode: Mode, digest: str, text: str, place: str | None, now: datetime
) -> dict[str, Any]:
    return {
        "product": product, "rule": rule, "change": change.value, "source": Source.FILE.value, "mode": mode.value,
        "digest": digest, "text": text, "author": Source.FILE.value, "place": place, "now": now,
    }  # fmt: skip


def _written(read: CatalogFiles, product: str, rule: str) -> Mapping[str, Any] | None:
    document = read.sources.get(("rule", product, rule))
    entries = document.data.get("rules") if document is not None and isinstance(document.data, dict) else None
    written = entries.get(rule) if isinstance(entries, dict) else None
    return written if isinstance(written, dict) else None


def _place(read: CatalogFiles, product: str, rule: str) -> str:
    document = read.sources.get(("rule", product, rule))
    return document.file if document is not None else product
