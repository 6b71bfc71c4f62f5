"""What a change of a rule does to devices: no restart, and nothing lost of the other rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from iot_service import clock
from iot_service.db import Database
from iot_service.rules.needs import withdraw
from iot_service.rules.versions import store as versions
from iot_service.rules.versions.changing import RuleName
from iot_service.rules.versions.version import Mode
from tests.factories import make_customer, make_device, make_home, make_need, make_site
from tests.rules.telemetry import START, series, store
from tests.rules.versions.changes import (
    WARM,
    delete,
    from_files,
    judge,
    needs,
    new_runner,
    put,
    shadows,
    switch,
)  # fmt: skip

MINUTE = timedelta(minutes=1)


@pytest.fixture
def home(database: Database) -> Database:
    """A freezer whose clock begins at the start."""
    clock.freeze(START)
    with database.transaction() as connection:
        make_home(connection)
    return database


def send(database: Database, start: int = 0, /, device: str = "freezer-1", **metrics: str) -> None:
    """Store one message a minute, from ``start`` minutes on."""
    with database.transaction() as connection:
        store(connection, device, series(MINUTE, START + start * MINUTE, **metrics))


def events(database: Database, kind: str) -> list[dict[str, Any]]:
    with database.transaction() as connection:
        return connection.execute("SELECT * FROM event WHERE type = %s ORDER BY id", [kind]).fetchall()


def test_a_need_names_the_version_of_its_rule(home: Database) -> None:
    from_files(home, {"id": "warm"})
    runner = new_runner(home)
    send(home, temperature="-70x2 -55")
    judge([runner], START + 3 * MINUTE)
    assert needs(home) == [("warm", 1, "open", 3, None)]
    from_files(home, {"id": "warm", "for": "1m"})
    send(home, 4, temperature="-70 -55x2")
    judge([runner], START + 8 * MINUTE)
    assert needs(home) == [("warm", 1, "resolved", 3, 4), ("warm", 2, "open", 6, None)]
    assert [event["data"]["rule_version"] for event in events(home, "need.opened")] == [1, 2]


def test_a_new_rule_is_judged_at_once_although_nothing_comes(home: Database) -> None:
    from_files(home, {"id": "warm"})
    runner = new_runner(home)
    send(home, temperature="-70x2")
    judge([runner], START + 3 * MINUTE)
    put(home, RuleName("freezer", "cold"), when="temperature < -65")
    judge([runner], START + 3 * MINUTE)
    assert needs(home) == [("cold", 1, "open", 2, None)]


def test_a_changed_rule_goes_on_from_where_it_stood(home: Database) -> None:
    from_files(home, {"id": "warm", "for": "10m"}, {"id": "other", "for": "5m"})
    runner = new_runner(home)
    send(home, temperature="-70 -55x3")
    judge([runner], START + 4 * MINUTE)
    from_files(home, {"id": "warm", "for": "4m"}, {"id": "other", "for": "5m"})
    send(home, 5, temperature="-55x3")
    judge([runner], START + 9 * MINUTE)
    assert needs(home) == [("warm", 2, "open", 5, None), ("other", 1, "open", 6, None)]


def test_an_open_need_whose_condition_is_another_now_is_judged_by_that(home: Database) -> None:
    from_files(home, {"id": "warm"})
    runner = new_runner(home)
    send(home, temperature="-55")
    judge([runner], START + MINUTE)
    put(home, when="temperature > -50")
    judge([runner], START + MINUTE)
    assert needs(home) == [("warm", 1, "resolved", 0, 0)]


@pytest.mark.parametrize("way", ["deleted", "off", "gone from its file"])
def test_a_rule_that_is_no_longer_there_loses_its_need_once_with_the_reason(home: Database, way: str) -> None:
    if way == "deleted":
        put(home)
    else:
        from_files(home, {"id": "warm"})
    runners = [new_runner(home), new_runner(home)]
    send(home, temperature="-55")
    judge(runners, START + MINUTE)
    if way == "deleted":
        delete(home)
    elif way == "off":
        switch(home, Mode.OFF)
    else:
        from_files(home)
    judge(runners, START + MINUTE)
    judge([new_runner(home)], START + 2 * MINUTE)
    said = {
        "deleted": "The rule was removed by operator:7 (version 2)",
        "off": "The rule was switched off by operator:7 (version 2)",
        "gone from its file": "The rule was removed by its file own.rules.yaml (version 2)",
    }
    assert needs(home) == [("warm", 1, "withdrawn", 0, 1)]
    assert [event["reason"] for event in events(home, "need.withdrawn")] == [said[way]]


def test_a_rule_that_comes_back_begins_anew(home: Database) -> None:
    from_files(home, {"id": "warm"})
    runner = new_runner(home)
    send(home, temperature="-55")
    judge([runner], START + MINUTE)
    switch(home, Mode.OFF)
    judge([runner], START + MINUTE)
    switch(home, Mode.LIVE)
    judge([runner], START + MINUTE)
    assert needs(home) == [("warm", 1, "withdrawn", 0, 1), ("warm", 3, "open", 0, None)]


def test_a_rule_in_shadow_only_writes_down_what_it_would_do(home: Database) -> None:
    put(home, mode=Mode.SHADOW)
    runner = new_runner(home)
    send(home, temperature="-70 -55x3 -70 -55")
    judge([runner], START + 10 * MINUTE)
    assert needs(home) == []
    assert shadows(home) == [("warm", 1, "resolved", 1, 5), ("warm", 1, "open", 6, None)]
    assert events(home, "need.opened") == []
    with home.transaction() as connection:
        rows = connection.execute("SELECT reason, evidence, closed_reason FROM shadow_need ORDER BY id").fetchall()
    assert "temperature -55 °C" in rows[0]["reason"]
    assert rows[0]["evidence"]["temperature"]["value"] == -55
    assert "Too warm is over" in rows[0]["closed_reason"]


@pytest.mark.parametrize("restart", [False, True])
def test_a_rule_that_goes_live_opens_its_need_where_its_condition_holds(home: Database, restart: bool) -> None:
    waiting: dict[str, Any] = {"for": "10m"}
    put(home, mode=Mode.SHADOW, **waiting)
    runner = new_runner(home)
    send(home, temperature="-55x12")
    judge([runner], START + 13 * MINUTE)
    assert shadows(home) == [("warm", 1, "open", 10, None)]
    switch(home, Mode.LIVE)
    judge([new_runner(home) if restart else runner], START + 14 * MINUTE)
    assert shadows(home) == [("warm", 1, "ended", 10, 12)]
    assert needs(home) == [("warm", 2, "open", 12, None)], "the need begins now; nobody could have known of it before"
    assert len(events(home, "need.opened")) == 1


def test_a_rule_that_goes_live_opens_none_where_it_waits_to_clear(home: Database) -> None:
    put(home, mode=Mode.SHADOW, clear="temperature < -69")
    runner = new_runner(home)
    send(home, temperature="-55x2 -65")
    judge([runner], START + 4 * MINUTE)
    assert shadows(home) == [("warm", 1, "open", 0, None)]
    switch(home, Mode.LIVE)
    judge([runner], START + 4 * MINUTE)
    assert needs(home) == []
    assert shadows(home)[0][2] == "ended"


def test_a_rule_put_into_shadow_withdraws_its_need_and_goes_on_in_the_dark(home: Database) -> None:
    put(home)
    runner = new_runner(home)
    send(home, temperature="-55x2")
    judge([runner], START + 2 * MINUTE)
    switch(home, Mode.SHADOW)
    judge([runner], START + 2 * MINUTE)
    assert needs(home) == [("warm", 1, "withdrawn", 0, 2)]
    assert shadows(home) == [("warm", 2, "open", 2, None)]
    (event,) = events(home, "need.withdrawn")
    assert event["reason"] == "The rule was put into shadow by operator:7 (version 2)"


def test_a_need_that_a_person_withdrew_stays_away_over_a_change(home: Database) -> None:
    put(home)
    runner = new_runner(home)
    send(home, temperature="-55x2")
    judge([runner], START + 2 * MINUTE)
    with home.transaction() as connection:
        (need,) = connection.execute("SELECT id FROM need").fetchall()
        withdraw(connection, need["id"], reason="Being defrosted", actor="operator:1", now=START + 2 * MINUTE)
    put(home, when="temperature > -61")
    judge([runner], START + 2 * MINUTE)
    send(home, 2, temperature="-55x2 -70 -55")
    judge([runner], START + 7 * MINUTE)
    assert needs(home) == [("warm", 1, "withdrawn", 0, 2), ("warm", 2, "open", 6, None)]


def test_pending_timers_and_windows_of_other_rules_go_on(home: Database) -> None:
    window = {"let": {"mean": "avg(temperature, 30m)"}, "when": "mean > -60"}
    from_files(home, {"id": "warm", "for": "20m"}, {"id": "mean", **window})
    runner = new_runner(home)
    send(home, temperature="-70x10 -55x9")
    judge([runner], START + 20 * MINUTE)
    assert needs(home) == []
    put(home, RuleName("freezer", "cold"), when="temperature < -90")
    judge([runner], START + 20 * MINUTE)
    send(home, 20, temperature="-55x15")
    judge([runner], START + 36 * MINUTE)
    found = {need[0]: need[3] for need in needs(home)}
    assert found["warm"] == 31
    assert found["mean"] == pytest.approx(30, abs=2)


def test_a_large_fleet_is_woken_in_several_bites(database: Database) -> None:
    clock.freeze(START)
    with database.transaction() as connection:
        make_customer(connection)
        make_site(connection)
        for number in range(7):
            make_device(connection, id=f"freezer-{number}")
    from_files(database, {"id": "cold", "when": "temperature < -90"})
    for number in range(7):
        send(database, device=f"freezer-{number}", temperature="-55")
    judge([new_runner(database)], START + MINUTE)
    put(database)
    bites = []
    with database.transaction() as connection:
        while woken := versions.wake_devices(connection, at=START, limit=3):
            bites.append(woken)
        assert connection.execute("SELECT * FROM rule_wake").fetchall() == []
    assert bites == [3, 3, 1]
    judge([new_runner(database)], START + MINUTE)
    assert [len(needs(database, f"freezer-{number}")) for number in range(7)] == [1] * 7


def test_rules_that_do_not_compile_never_replace_good_ones(home: Database) -> None:
    from_files(home, {"id": "warm"}, {"id": "cold", "when": "temperature < -65"})
    runner = new_runner(home)
    send(home, temperature="-70")
    judge([runner], START + MINUTE)
    from_files(home, {"id": "warm", "when": "no_such_metric > 3"})
    send(home, 2, temperature="-55")
    judge([runner], START + 3 * MINUTE)
    assert needs(home) == [("cold", 1, "resolved", 0, 2), ("warm", 1, "open", 2, None)]


def test_a_need_of_which_nothing_is_recorded_is_left_alone(home: Database) -> None:
    with home.transaction() as connection:
        make_need(connection, rule="unheard_of")
    from_files(home, {"id": "warm"})
    send(home, temperature="-70")
    judge([new_runner(home)], START + MINUTE)
    with home.transaction() as connection:
        rows = connection.execute("SELECT rule, state FROM need").fetchall()
    assert rows == [{"rule": "unheard_of", "state": "open"}]


def test_what_the_api_says_holds_until_it_is_deleted(home: Database) -> None:
    from_files(home, {"id": "warm"})
    put(home, when="temperature > -50")
    from_files(home, {"id": "warm", "when": "temperature > -58"})
    runner = new_runner(home)
    send(home, temperature="-55")
    judge([runner], START + MINUTE)
    assert needs(home) == []
    delete(home, WARM)
    judge([runner], START + MINUTE)
    assert needs(home) == [("warm", 3, "open", 0, None)]


@pytest.mark.parametrize("mode", [Mode.OFF, Mode.SHADOW])
def test_what_the_devices_of_a_site_share_is_withdrawn_with_the_rule(home: Database, mode: Mode) -> None:
    with home.transaction() as connection:
        make_device(connection, id="freezer-2")
    put(home, per="site")
    runners = [new_runner(home), new_runner(home)]
    for device in ("freezer-1", "freezer-2"):
        send(home, device=device, temperature="-55")
    judge(runners, START + MINUTE)
    switch(home, mode)
    judge(runners, START + MINUTE)
    for device in ("freezer-1", "freezer-2"):
        assert needs(home, device) == [("warm", 1, "withdrawn", 0, 1)]
        in_shadow = [("warm", 2, "open", 0, None)] if mode is Mode.SHADOW else []
        assert shadows(home, device) == in_shadow, "in shadow, each device stands alone"
    assert len(events(home, "need.withdrawn")) == 1


def test_a_rule_in_shadow_holds_no_other_back(home: Database) -> None:
    put(home, RuleName("freezer", "cold"), when="temperature < -65")
    put(home, RuleName("freezer", "power"), mode=Mode.SHADOW, when="power < 0.5", inhibits=["cold"])
    runner = new_runner(home)
    send(home, temperature="-70", power="0")
    judge([runner], START + MINUTE)
    assert needs(home) == [("cold", 1, "open", 0, None)]
    assert shadows(home) == [("power", 1, "open", 0, None)]


def test_what_was_held_back_by_a_rule_that_is_gone_opens(home: Database) -> None:
    put(home, RuleName("freezer", "cold"), when="temperature < -65")
    power = RuleName("freezer", "power")
    put(home, power, when="power < 0.5", inhibits=["cold"])
    runner = new_runner(home)
    send(home, temperature="-70", power="0")
    judge([runner], START + MINUTE)
    assert [need[0] for need in needs(home)] == ["power"]
    switch(home, Mode.OFF, power)
    judge([runner], START + MINUTE)
    assert needs(home) == [("cold", 1, "open", 0, None), ("power", 1, "withdrawn", 0, 1)]


def test_a_rule_with_levels_goes_live_as_grave_as_it_is(home: Database) -> None:
    put(home, mode=Mode.SHADOW, levels=[{"severity": "critical", "when": "temperature > -50"}])
    runner = new_runner(home)
    send(home, temperature="-55 -45")
    judge([runner], START + 2 * MINUTE)
    switch(home, Mode.LIVE)
    judge([runner], START + 2 * MINUTE)
    with home.transaction() as connection:
        found = connection.execute("SELECT severity FROM need").fetchall()
        shadow = connection.execute("SELECT severity FROM shadow_need").fetchall()
    assert (found, shadow) == ([{"severity": "critical"}], [{"severity": "critical"}])
