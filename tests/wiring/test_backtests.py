"""`rules backtest` and `rules diff`: what a person sees, and what a program reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from iot_service import clock
from iot_service.config import Settings
from iot_service.db import Connection, Database
from iot_service.errors import InvalidInputError, NotFoundError
from iot_service.products.catalog import load_catalog
from iot_service.products.overrides import Scope
from iot_service.rules.overrides.changing import Target, set_override
from iot_service.wiring.backtest_asked import Asked
from iot_service.wiring.backtests import backtest_command, diff_command
from tests.factories import make_device, make_home
from tests.recordings import recording
from tests.rules.telemetry import SHIPPED, START, series, store

MINUTE = timedelta(minutes=1)
DAY = "2026-11-21"
RULES = """
product: freezer
rules:
  temperature_high:
    kind: fault
    severity: {severity}
    title: {{nb: For varm, en: Too warm}}
    when: temperature > {limit}
    for: {hold}
"""
IN_USE = """
product: freezer
rules:
  temperature_high:
    kind: fault
    severity: critical
    title: {nb: For varm, en: Freezer too warm}
    when: temperature > setpoint + alarm_offset
    for: 10m
    clear: temperature <= setpoint + band
    clear_for: 5m
"""


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """A connection that commits each statement by itself, to a home with a freezer that was warm twice."""
    clock.freeze(START + timedelta(days=3))
    with database._pool.connection() as connection:
        connection.autocommit = True
        make_home(connection)
        store(connection, "freezer-1", series(temperature="-70x5 -55x20 -70x20 -50x30 -70x10"))
        yield connection
        connection.autocommit = False


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """With rules of our own in use, so that the shipped ones may change."""
    folder = tmp_path / "products"
    folder.mkdir()
    (folder / "freezer.rules.yaml").write_text(IN_USE, encoding="utf-8")
    return Settings(database_url=SecretStr(database_url), products_dir=folder)


def rules(folder: Path, name: str, limit: float = -60, *, hold: str = "10m", severity: str = "critical") -> Path:
    path = folder / name
    path.write_text(RULES.format(limit=limit, hold=hold, severity=severity), encoding="utf-8")
    path.with_name(name.replace(".yaml", ".test.yaml")).write_text("product: freezer\ntests: []\n", encoding="utf-8")
    return path


def backtested(settings: Settings, *names: str, files: tuple[Path, ...] = (), **asked: Any) -> dict[str, Any]:
    text = backtest_command(settings, names, files, Asked(**asked), html=None, as_json=True)
    values: dict[str, Any] = json.loads(text)
    return values


def test_a_stored_device_is_backtested_over_a_day(settings: Settings, connection: Connection, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    asked = Asked(["freezer-1"], since=DAY, until=DAY)
    text = backtest_command(settings, ["temperature_high"], [], asked, html=page, as_json=False)
    assert "freezer-1, 2026-11-21 00:00:00 to 2026-11-22 00:00:00 (Europe/Oslo)" in text
    assert "2026-11-21 13:16:00  2026-11-21 13:32:00  16 min  critical  temperature_high" in text
    assert "freezer/temperature_high: 2 needs, open for 42 min in all, 26 min at the longest" in text
    assert text.endswith(f"the picture is in {page}")
    assert "temperature_high on freezer-1" in page.read_text(encoding="utf-8")


def test_rules_are_chosen_by_name_or_all_of_the_product(settings: Settings, connection: Connection) -> None:
    everything: dict[str, Any] = {"devices": ["freezer-1"], "since": DAY, "until": DAY}
    assert backtested(settings, **everything)["rules"].keys() == SHIPPED.rules["freezer"].keys()
    assert backtested(settings, "freezer", **everything)["rules"].keys() == SHIPPED.rules["freezer"].keys()
    assert list(backtested(settings, "freezer/silent", "power_lost", **everything)["rules"]) == ["silent", "power_lost"]


def test_a_new_version_of_a_rule_is_tried_before_it_is_in_use(
    settings: Settings, connection: Connection, tmp_path: Path
) -> None:
    file = rules(tmp_path, "new.rules.yaml", -52, hold="20m")
    found = backtested(settings, "temperature_high", files=(file,), devices=["freezer-1"], since=DAY, until=DAY)
    assert [need["opened"] for need in found["needs"]] == [(START + 68 * MINUTE).isoformat()]


def test_a_parameter_may_be_another_one(settings: Settings, connection: Connection) -> None:
    found = backtested(
        settings, "temperature_high", devices=["freezer-1"], since=DAY, until=DAY, parameters=["setpoint=-62"]
    )
    assert [need["opened"] for need in found["needs"]] == [(START + 58 * MINUTE).isoformat()]


def test_what_was_set_otherwise_for_the_device_counts(settings: Settings, connection: Connection) -> None:
    catalog = load_catalog(settings.products_dir)
    for rule, values in (("temperature_high", {"for": "25m"}), (None, {"setpoint": -62})):
        target = Target("freezer", rule, Scope.DEVICE, "freezer-1")
        set_override(connection, target, values, catalog=catalog, author="kari", reason="a trial", now=START)
    found = backtested(settings, "temperature_high", devices=["freezer-1"], since=DAY, until=DAY)
    assert [need["opened"] for need in found["needs"]] == [(START + 73 * MINUTE).isoformat()]


def test_without_a_span_it_is_the_last_four_weeks(settings: Settings, connection: Connection) -> None:
    found = backtested(settings, "temperature_high", devices=["freezer-1"])
    assert (found["from"], found["to"]) == ("2026-10-27T12:00:00+00:00", "2026-11-24T12:00:00+00:00")
    assert found["rules"]["temperature_high"]["needs"] == 2


@pytest.mark.parametrize(
    ("names", "asked", "problem"),
    [
        ([], {}, "say whose past: --device ID, or --recording FILE"),
        (["freezer/warm"], {"devices": ["freezer-1"]}, "freezer has no rule 'warm'"),
        (["car/overheating"], {"devices": ["freezer-1"]}, "freezer has no rule 'car/overheating'"),
        ([], {"devices": ["freezer-1"], "since": "yesterday"}, "'yesterday' is no date or time such as 2026-03-01"),
        ([], {"devices": ["freezer-1"], "since": "2026-11-22", "until": DAY}, "the span is empty"),
        ([], {"devices": ["freezer-1"], "zone": "Mars"}, "there is no time zone 'Mars'"),
        ([], {"devices": ["freezer-1"], "parameters": ["setpoint"]}, "write NAME=NUMBER"),
        (
            [],
            {"devices": ["freezer-1"], "parameters": ["setpont=1"]},
            "did you mean 'setpoint'?",
        ),
        ([], {"devices": ["freezer-1", "freezer-2"]}, "one device at a time"),
        (["silent"], {"recording": Path("none.ndjson")}, "no such file"),
        (["fridge/silent"], {"recording": Path("none.ndjson")}, "there is no product 'fridge'"),
        ([], {"recording": Path("none.ndjson")}, "write PRODUCT/RULE, or give a --mapping"),
    ],
)
def test_what_is_asked_wrongly_is_said(
    settings: Settings, connection: Connection, names: list[str], asked: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InvalidInputError) as error:
        backtest_command(settings, names, [], Asked(**asked), html=None, as_json=False)
    assert problem in str(error.value)


def test_a_device_that_is_not_there_is_said(settings: Settings, connection: Connection) -> None:
    with pytest.raises(NotFoundError, match="there is no device 'freezer-9'"):
        backtest_command(settings, [], [], Asked(["freezer-9"]), html=None, as_json=False)


def test_a_page_that_cannot_be_written_is_said(settings: Settings, connection: Connection, tmp_path: Path) -> None:
    asked = Asked(["freezer-1"], since=DAY, until=DAY)
    with pytest.raises(InvalidInputError, match="cannot be written: No such file or directory"):
        backtest_command(settings, [], [], asked, html=tmp_path / "none" / "page.html", as_json=False)


def test_recordings_need_no_database(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    found = backtested(settings, "car", recording=recording("car/long10.csv"), since="2026-01-01T08:00:00Z")
    assert [(need["rule"], need["opened"]) for need in found["needs"]] == [
        ("battery_weak", "2026-01-01T08:00:03+00:00")
    ]
    for name in ("live1", "live10", "idle22"):
        assert backtested(settings, recording=recording(f"car/{name}.csv"))["needs"] == []
    assert not (tmp_path / "data").exists()


def test_a_cold_room_that_was_not_in_service_yet_raises_nothing() -> None:
    path = recording("freezer/asset_135_1570_sample.csv")
    found = backtested(Settings(), "freezer", recording=path, parameters=["setpoint=-35"], commissioning=True)
    assert found["needs"] == []
    assert [(note["kind"], note["at"][:4]) for note in found["notes"]] == [("in service", "2023")]
    late = backtested(Settings(), "freezer/temperature_high", recording=path, parameters=["setpoint=-35"])
    assert late["rules"]["temperature_high"]["needs"] == 1


def test_what_new_rules_change_is_shown_for_each_device(
    settings: Settings, connection: Connection, tmp_path: Path
) -> None:
    make_device(connection, id="freezer-2")
    store(connection, "freezer-2", series(temperature="-50x20 -70x10"))
    old, new = rules(tmp_path, "old.rules.yaml"), rules(tmp_path, "new.rules.yaml", -52, hold="12m", severity="high")
    asked = Asked(["freezer-1", "freezer-2"], since=DAY, until=DAY)
    text = diff_command(settings, str(old), str(new), asked, as_json=False)
    first, second = text.split("\n\nfreezer-2, ")
    assert "gone     temperature_high  2026-11-21 13:16:00" in first
    assert "opens 2 min later; lasts 2 min shorter; is high instead of critical" in first
    assert "only by the old version: 1, only by the new one: 0, changed: 1, the same: 0" in first
    assert "only by the old version: 0, only by the new one: 0, changed: 1, the same: 0" in second
    assert text.endswith("rules are the same in both, and were not judged")
    values = json.loads(diff_command(settings, str(old), str(new), asked, as_json=True))
    assert [device["device"] for device in values["devices"]] == ["freezer-1", "freezer-2"]
    assert values["devices"][0]["changed"][0]["severity"] == ["critical", "high"]


def test_the_rules_in_use_are_called_current(settings: Settings, connection: Connection, tmp_path: Path) -> None:
    asked = Asked(["freezer-1"], since=DAY, until=DAY)
    assert diff_command(settings, "current", "current", asked, as_json=False) == "no rule differs"
    new = rules(tmp_path, "new.rules.yaml", 0)
    (device,) = json.loads(diff_command(settings, "current", str(new), asked, as_json=True))["devices"]
    assert len(device["only_old"]) == 2


def test_new_rules_are_compared_on_a_recording_too(tmp_path: Path) -> None:
    path = tmp_path / "warm.csv"
    lines = [f"2026-01-01T00:{minute:02}:00Z,{-50 if minute > 10 else -70}" for minute in range(60)]
    path.write_text("\n".join(["ts,temperature", *lines]), encoding="utf-8")
    new = rules(tmp_path, "new.rules.yaml", -60, hold="20m")
    (device,) = json.loads(diff_command(Settings(), "current", str(new), Asked(recording=path), as_json=True))[
        "devices"
    ]
    assert device["changed"][0]["opened_later_s"] == 600
