"""Versions of rules: taken in from files when a worker starts, kept up with by every process, looked at by commands."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import yaml

from iot_service import clock, logs
from iot_service.config import Settings
from iot_service.db import Database, DatabaseUnavailableError
from iot_service.errors import InvalidInputError, NotFoundError, StopError
from iot_service.products.cache import CacheFile
from iot_service.products.catalog import CatalogFiles, load_files
from iot_service.products.problems import show_problems
from iot_service.rules.checks import expression_problems
from iot_service.rules.expression_cache import ExpressionCache, use
from iot_service.rules.versions import changing, store
from iot_service.rules.versions.changing import RuleName
from iot_service.rules.versions.files import file_rules, take_in
from iot_service.rules.versions.library import RuleLibrary
from iot_service.rules.versions.shadow import ShadowNeed, shadow_needs
from iot_service.rules.versions.version import Mode, RuleVersion, Source, Standing, VersionChange
from iot_service.wiring.at_work import ACTOR, at_work
from iot_service.wiring.installation import open_catalog, parsed_files

_LOOK_EVERY = 1.0  # seconds
_MOST = 10_000
_log = logs.get(__name__)


def open_rule_files(settings: Settings) -> CatalogFiles:
    """Read all product and rule files. Raises StopError with all that is wrong with any, by file and line.

    What has not changed since the last time comes from caches in the data folder.
    """
    files = load_files(settings.products_dir, cache=parsed_files(settings))
    cache = ExpressionCache(CacheFile(settings.data_dir / "cache" / "expressions.json"))
    use(cache)
    problems = expression_problems(files)
    if problems:
        raise StopError(show_problems(expression_problems(load_files(settings.products_dir))))
    cache.save()
    return files


def open_library(database: Database, files: CatalogFiles) -> RuleLibrary:
    """Take in what is new in ``files``, and return the rules as they stand then."""
    with database.transaction() as connection:
        counts = take_in(connection, file_rules(files), now=clock.now())
    if counts:
        _log.info("rules were taken in from files", action="rules.taken_in", changes=_counted(counts))
    library = RuleLibrary(database, files.catalog)
    library.refresh()
    return library


def keep_up(library: RuleLibrary, stop: threading.Event) -> None:
    """Refresh ``library`` every second until ``stop`` is set."""
    while not stop.is_set():
        try:
            library.refresh()
        except DatabaseUnavailableError as error:
            _log.warning("rules cannot be looked up; the names stay", action="rules.names_stay", error=str(error))
        stop.wait(_LOOK_EVERY)


def reload_rules_command(settings: Settings) -> str:
    """Take in what has changed in the files. Raises StopError where anything is wrong: then all stays as it was."""
    rules = file_rules(open_rule_files(settings))
    with at_work(settings) as connection:
        counts = take_in(connection, rules, now=clock.now())
    return f"{len(rules)} rules in files: {_counted(counts) or 'nothing has changed'}"


def list_rules_command(settings: Settings) -> str:
    """Return how each rule stands, one a line; removed ones are left out."""
    with at_work(settings) as connection:
        standings = store.standings(connection)
    rows = [_listed(standing) for standing in standings.values() if standing.in_force is not None]
    if not rows:
        return "no rules are recorded yet: start the service, or take the files in by `iot-service rules reload`"
    return _table(("rule", "mode", "version", "from", "by", "since"), rows)


def rule_history_command(settings: Settings, rule: str) -> str:
    """Return every version of a rule, newest first, one a line."""
    name = _name(rule)
    with at_work(settings) as connection:
        changing.standing_of(connection, name)
        found = store.versions(connection, name.product, name.rule, before=None, limit=_MOST)
    rows = [
        (f"{v.version}", _time(v.at), v.change.value, v.mode.value, _from(v), _by(v), v.digest[:8]) for v in found
    ]  # fmt: skip
    return _table(("version", "at", "change", "mode", "from", "by", "digest"), rows)


def show_rule_command(settings: Settings, rule: str, version: int | None) -> str:
    """Return a rule as YAML, with how it stands: as it is in force, or as it was in ``version``."""
    name = _name(rule)
    with at_work(settings) as connection:
        standing = changing.standing_of(connection, name)
        found = standing.in_force or standing.newest
        if version is not None:
            before = store.versions(connection, name.product, name.rule, before=version + 1, limit=1)
            if not before or before[0].version != version:
                raise NotFoundError(f"there is no version {version} of {name}")
            found = before[0]
    lines = [f"# {name} version {found.version}, {found.change} {_time(found.at)} by {_by(found)}, from {_from(found)}"]
    if version is None:
        lines.append(f"# {standing.mode if standing.in_force is not None else 'removed'}{_hiding(standing)}")
    text = yaml.safe_dump(json.loads(found.text), sort_keys=False, allow_unicode=True, width=120)
    return "\n".join([*lines, text.rstrip()])


def switch_rule_command(settings: Settings, rule: str, mode: Mode) -> str:
    """Switch a rule to ``mode``."""
    name = _name(rule)
    with at_work(settings) as connection:
        standing = changing.set_mode(
            connection, name, mode, catalog=open_catalog(settings), author=ACTOR, now=clock.now()
        )
    return f"{name} is {standing.mode} (version {standing.newest.version})"


def shadowed_command(settings: Settings, rule: str) -> str:
    """Return what a rule found while it was in shadow, newest first."""
    name = _name(rule)
    with at_work(settings) as connection:
        changing.standing_of(connection, name)
        found = shadow_needs(connection, name.product, name.rule, before=None, limit=_MOST)
    if not found:
        return f"{name} has found nothing in shadow"
    head = ("device", "opened", "closed", "state", "version", "reason")
    return f"{_table(head, map(_shadowed, found))}\n{_summary(found)}"


def _shadowed(need: ShadowNeed) -> tuple[str, ...]:
    closed = _time(need.closed_at) if need.closed_at else ""
    return need.device_id, _time(need.opened_at), closed, need.state, f"{need.rule_version}", need.reason


def _summary(found: Sequence[ShadowNeed]) -> str:
    devices = len({need.device_id for need in found})
    still = sum(need.closed_at is None for need in found)
    return f"{len(found)} needs there would have been, on {devices} devices; {still} would be open now"


def _name(text: str) -> RuleName:
    product, slash, rule = text.partition("/")
    if not (product and slash and rule):
        raise InvalidInputError("write PRODUCT/RULE, for example freezer/temperature_high", field="rule")
    return RuleName(product, rule)


def _listed(standing: Standing) -> tuple[str, ...]:
    version = standing.in_force or standing.newest
    return (
        f"{version.product}/{version.rule}", standing.mode.value, f"{version.version}",
        f"{_from(version)}{_hiding(standing)}", _by(version), _time(version.at),
    )  # fmt: skip


def _hiding(standing: Standing) -> str:
    hidden = standing.hidden
    return f" (over version {hidden.version} of {_from(hidden)})" if hidden is not None else ""


def _from(version: RuleVersion) -> str:
    return "API" if version.source is Source.API else (version.place or "file").rpartition("/")[2]


def _by(version: RuleVersion) -> str:
    return version.author


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _counted(counts: Counter[VersionChange]) -> str:
    return ", ".join(f"{counts[change]} {change.value}" for change in VersionChange if counts[change])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
