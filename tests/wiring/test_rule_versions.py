"""The commands about versions of rules, as people type them."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from iot_service import clock
from iot_service.config import Settings, load_settings
from iot_service.db import Database
from iot_service.errors import InvalidInputError, NotFoundError, StopError
from iot_service.products.catalog import load_catalog
from iot_service.rules.versions.library import RuleLibrary
from iot_service.rules.versions.version import Mode
from iot_service.wiring.rule_versions import (
    keep_up,
    list_rules_command,
    open_library,
    open_rule_files,
    reload_rules_command,
    rule_history_command,
    shadowed_command,
    show_rule_command,
    switch_rule_command,
)
from tests.factories import make_home
from tests.rules.telemetry import START, series, store
from tests.rules.versions.changes import delete, judge, new_runner, put, switch

OWN = """\
product: freezer
rules:
  warm:
    kind: fault
    severity: high
    title: {nb: For varm, en: Too warm}
    when: temperature > -60
"""


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    (tmp_path / "own.rules.yaml").write_text(OWN, encoding="utf-8")
    return load_settings(database_url=SecretStr(database_url), products_dir=tmp_path, data_dir=tmp_path / "data")


def test_rules_are_taken_in_listed_shown_and_switched(settings: Settings) -> None:
    assert "rules reload" in list_rules_command(settings)
    assert "added" in reload_rules_command(settings)
    assert "nothing has changed" in reload_rules_command(settings)
    line = next(line for line in list_rules_command(settings).splitlines() if "freezer/warm" in line)
    assert line.split()[:5] == ["freezer/warm", "live", "1", "own.rules.yaml", "file"]
    assert switch_rule_command(settings, "freezer/warm", Mode.SHADOW) == "freezer/warm is shadow (version 2)"
    assert switch_rule_command(settings, "freezer/warm", Mode.OFF) == "freezer/warm is off (version 3)"
    assert switch_rule_command(settings, "freezer/warm", Mode.LIVE) == "freezer/warm is live (version 4)"
    history = rule_history_command(settings, "freezer/warm").splitlines()[1:]
    assert [line.split()[0] for line in history] == ["4", "3", "2", "1"]
    shown = show_rule_command(settings, "freezer/warm", None)
    assert "when: temperature > -60" in shown
    assert "version 4, mode" in shown
    assert "version 1, added" in show_rule_command(settings, "freezer/warm", 1)


def test_a_broken_file_is_refused_and_everything_stays(settings: Settings, tmp_path: Path) -> None:
    reload_rules_command(settings)
    (tmp_path / "own.rules.yaml").write_text(OWN.replace("temperature", "temprature"), encoding="utf-8")
    with pytest.raises(StopError, match=r"own.rules.yaml:7: rules.warm.when: .*temprature"):
        reload_rules_command(settings)
    assert len(rule_history_command(settings, "freezer/warm").splitlines()) == 2


def test_what_a_rule_did_in_shadow_is_shown(settings: Settings, database: Database) -> None:
    clock.freeze(START)
    with database.transaction() as connection:
        make_home(connection)
        store(connection, "freezer-1", series(temperature="-55 -70 -55"))
    open_library(database, open_rule_files(settings))
    switch(database, Mode.SHADOW)
    judge([new_runner(database)], START.replace(hour=13))
    output = shadowed_command(settings, "freezer/warm")
    assert "2 needs there would have been, on 1 devices; 1 would be open now" in output
    assert "freezer-1" in output
    assert shadowed_command(settings, "freezer/silent") == "freezer/silent has found nothing in shadow"


def test_the_list_says_which_file_a_rule_of_the_api_stands_over(settings: Settings, database: Database) -> None:
    open_library(database, open_rule_files(settings))
    put(database, when="temperature > -50")
    assert "API (over version 1 of own.rules.yaml)" in list_rules_command(settings)
    delete(database)
    assert "API" not in list_rules_command(settings)


def test_names_are_kept_up_with_while_a_process_runs(settings: Settings, database: Database) -> None:
    library, stop = RuleLibrary(database, load_catalog()), threading.Event()
    thread = threading.Thread(target=keep_up, args=(library, stop))
    thread.start()
    put(database, title={"nb": "Varm", "en": "Warm"})
    deadline = time.monotonic() + 5
    while "warm" not in library.catalog.rules["freezer"] and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    thread.join()
    assert library.catalog.rules["freezer"]["warm"].title.en == "Warm"


def test_a_rule_that_is_not_there_is_named(settings: Settings) -> None:
    reload_rules_command(settings)
    with pytest.raises(NotFoundError, match="no rule freezer/nothing"):
        show_rule_command(settings, "freezer/nothing", None)
    with pytest.raises(NotFoundError, match="no version 7 of freezer/warm"):
        show_rule_command(settings, "freezer/warm", 7)
    with pytest.raises(InvalidInputError, match="PRODUCT/RULE"):
        switch_rule_command(settings, "warm", Mode.OFF)
