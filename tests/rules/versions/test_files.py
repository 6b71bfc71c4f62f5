from __future__ import annotations

from collections import Counter
from pathlib import Path

from iot_service import clock
from iot_service.db import Database
from iot_service.products.catalog import load_files
from iot_service.rules.versions import store
from iot_service.rules.versions.files import file_rules, take_in
from iot_service.rules.versions.version import Mode, VersionChange
from tests.rules.telemetry import SHIPPED, START
from tests.rules.versions.changes import from_files, put, switch

OWN = """\
product: freezer
rules:
  ajar:
    kind: fault
    severity: normal
    title: {nb: Døra, en: Door ajar}
    when: door > 0.0
    for: 10m
"""


def counted(database: Database, folder: Path) -> Counter[VersionChange]:
    with database.transaction() as connection:
        return take_in(connection, file_rules(load_files(folder)), now=START)


def test_what_is_new_changed_and_gone_is_recorded_and_the_rest_is_not(database: Database, tmp_path: Path) -> None:
    shipped = sum(map(len, SHIPPED.rules.values()))
    file = tmp_path / "own.rules.yaml"
    assert counted(database, tmp_path) == {VersionChange.ADDED: shipped}
    file.write_text(OWN, encoding="utf-8")
    assert counted(database, tmp_path) == {VersionChange.ADDED: 1}
    file.write_text(OWN.replace("Door ajar", "Door open"), encoding="utf-8")
    assert counted(database, tmp_path) == {VersionChange.CHANGED: 1}
    assert counted(database, tmp_path) == {}
    file.unlink()
    assert counted(database, tmp_path) == {VersionChange.REMOVED: 1}
    with database.transaction() as connection:
        found = store.versions(connection, "freezer", "ajar", before=None, limit=10)
    assert [(version.version, version.change.value) for version in found] == [
        (3, "removed"), (2, "changed"), (1, "added"),
    ]  # fmt: skip
    assert {(version.author, version.place) for version in found} == {("file", str(file))}
    assert '"for": "10m"' in found[0].text, "what it said is kept"


def test_a_changed_file_changes_neither_what_the_api_says_nor_the_mode(database: Database) -> None:
    clock.freeze(START)
    from_files(database, {"id": "warm"})
    put(database, when="temperature > -50")
    switch(database, Mode.SHADOW)
    from_files(database, {"id": "warm", "for": "5m"})
    with database.transaction() as connection:
        standing = store.standing(connection, "freezer", "warm")
    assert standing is not None
    assert standing.in_force is standing.api
    assert standing.mode is Mode.SHADOW
    assert standing.hidden is not None
    assert standing.hidden.version == 4
