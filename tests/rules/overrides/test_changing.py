"""Overrides that are set while the service runs: checked, kept, told, and judged by at the next run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from iot_service import clock
from iot_service.db import Database
from iot_service.errors import ConflictError, InvalidFieldsError, InvalidInputError, NotFoundError
from iot_service.products.overrides import Scope
from iot_service.rules.overrides import changing, groups, store
from iot_service.rules.overrides.changing import Target
from iot_service.rules.overrides.effective import device_rules
from iot_service.rules.runner import RuleRunner
from tests.factories import make_device, make_home
from tests.rules.telemetry import SHIPPED, START, series
from tests.rules.telemetry import store as store_samples
from tests.rules.versions.changes import from_files, judge, needs, new_runner

MINUTE = timedelta(minutes=1)
PERSON = "operator:7"


@pytest.fixture
def home(database: Database) -> Database:
    """A freezer of anna's whose clock begins at the start, with a rule that waits for 10 minutes."""
    clock.freeze(START)
    with database.transaction() as connection:
        make_home(connection)
    from_files(database, {"id": "warm", "for": "10m"})
    return database


def send(database: Database, start: int = 0, /, device: str = "freezer-1", **metrics: str) -> None:
    with database.transaction() as connection:
        store_samples(connection, device, series(MINUTE, START + start * MINUTE, **metrics))


def put(
    database: Database, scope: str, scope_id: str, values: Mapping[str, Any], *, rule: str | None = "warm"
) -> store.Kept:
    target = Target("freezer", rule, Scope(scope), scope_id)
    with database.transaction() as connection:
        return changing.set_override(
            connection, target, values, catalog=SHIPPED, author=PERSON, reason="vaccines", now=clock.now()
        )


def remove(database: Database, scope: str, scope_id: str, *, rule: str | None = "warm") -> None:
    target = Target("freezer", rule, Scope(scope), scope_id)
    with database.transaction() as connection:
        changing.remove_override(connection, target, author=PERSON, reason="", now=clock.now())


def put_group(database: Database, *devices: str, name: str = "vaccines") -> None:
    with database.transaction() as connection:
        groups.put_group(connection, "vaccines", name=name, devices=devices, actor=PERSON, now=clock.now())


def events(database: Database, kind: str) -> list[dict[str, Any]]:
    with database.transaction() as connection:
        return connection.execute("SELECT * FROM event WHERE type = %s ORDER BY id", [kind]).fetchall()


def customer(database: Database) -> str:
    with database.transaction() as connection:
        row = connection.execute("SELECT customer_id FROM device WHERE id = 'freezer-1'").fetchone()
        assert row is not None
        return str(row["customer_id"])


def test_an_override_counts_at_once_and_ends_with_its_removal(home: Database) -> None:
    runner = new_runner(home)
    send(home, temperature="-70 -55x3")
    judge([runner], START + 4 * MINUTE)
    assert needs(home) == []
    put(home, "device", "freezer-1", {"for": "2m"})
    judge([runner], START + 4 * MINUTE)
    assert needs(home) == [("warm", 1, "open", 4, None)]  # where folding stood when it was set, held for 3 min by then
    remove(home, "device", "freezer-1")
    send(home, 5, temperature="-70 -55x5")
    judge([runner], START + 12 * MINUTE)
    assert needs(home)[1:] == []


def test_a_rule_that_is_switched_off_loses_its_need_and_finds_it_again(home: Database) -> None:
    runner = new_runner(home)
    send(home, temperature="-55x12")
    judge([runner], START + 13 * MINUTE)
    put(home, "customer", customer(home), {"enabled": False})
    judge([runner], START + 13 * MINUTE)
    assert [need[2] for need in needs(home)] == ["withdrawn"]
    (withdrawn,) = events(home, "need.withdrawn")
    assert withdrawn["reason"].startswith(f"The rule is switched off for this device (customer {customer(home)}, by ")
    remove(home, "customer", customer(home))
    send(home, 14, temperature="-55x11")
    judge([runner], START + 26 * MINUTE)
    assert [need[2] for need in needs(home)] == ["withdrawn", "open"]


def test_others_are_judged_as_before(home: Database) -> None:
    with home.transaction() as connection:
        make_device(connection, id="freezer-2", customer_id=customer(home))
    runner = new_runner(home)
    put(home, "device", "freezer-1", {"for": "1m", "severity": "critical"})
    for device in ("freezer-1", "freezer-2"):
        send(home, 0, device, temperature="-70 -55x12")
    judge([runner], START + 13 * MINUTE)
    assert needs(home) == [("warm", 1, "open", 2, None)]
    assert needs(home, "freezer-2") == [("warm", 1, "open", 11, None)]
    with home.transaction() as connection:
        rows = connection.execute("SELECT device_id, severity FROM need ORDER BY device_id").fetchall()
    assert [row["severity"] for row in rows] == ["critical", "high"]


def test_parameters_of_an_override_are_below_the_devices_own_unless_they_are_for_the_device(home: Database) -> None:
    from_files(home, {"id": "warm", "when": "temperature > setpoint + alarm_offset"})
    runner = new_runner(home)
    put(home, "product", "freezer", {"alarm_offset": 20}, rule=None)
    send(home, temperature="-55")
    judge([runner], START + MINUTE)
    assert needs(home) == []
    with home.transaction() as connection:
        connection.execute("UPDATE device SET parameters = '{\"alarm_offset\": 12}'")
    send(home, 1, temperature="-55")
    judge([runner], START + 2 * MINUTE)
    assert [need[2] for need in needs(home)] == ["open"]
    put(home, "device", "freezer-1", {"alarm_offset": 30}, rule=None)
    judge([runner], START + 3 * MINUTE)
    assert [need[2] for need in needs(home)] == ["resolved"]


def test_a_group_counts_for_those_who_are_in_it(home: Database) -> None:
    runner = new_runner(home)
    put_group(home)
    put(home, "group", "vaccines", {"for": "1m"})
    send(home, temperature="-55x5")
    judge([runner], START + 6 * MINUTE)
    assert needs(home) == []
    put_group(home, "freezer-1")
    judge([runner], START + 6 * MINUTE)
    assert [need[2] for need in needs(home)] == ["open"]


def test_after_a_restart_an_override_goes_on(home: Database) -> None:
    put(home, "product", "freezer", {"for": "2m"})
    send(home, temperature="-55x1")
    judge([new_runner(home)], START + MINUTE)
    send(home, 2, temperature="-55x3")
    judge([new_runner(home)], START + 6 * MINUTE)
    assert needs(home) == [("warm", 1, "open", 2, None)]


def test_without_recorded_rules_overrides_count_as_well(home: Database) -> None:
    runner = RuleRunner(home, SHIPPED)
    put(home, "device", "freezer-1", {"for": "2m"}, rule="temperature_high")
    send(home, temperature="-55x5")
    judge([runner], START + 6 * MINUTE)
    assert [(need[0], need[3]) for need in needs(home)] == [("temperature_high", 2)]


def test_an_override_that_does_not_fit_its_changed_rule_any_more_is_left_aside(home: Database) -> None:
    put(home, "device", "freezer-1", {"keep_for": "5m", "for": "1m"})
    from_files(home, {"id": "warm", "for": "10m", "clear": "temperature < -65"})
    send(home, temperature="-55x2 -66")
    judge([new_runner(home)], START + 5 * MINUTE)
    assert needs(home) == [("warm", 2, "resolved", 1, 3)]


def test_setting_and_removing_is_told_with_author_reason_and_what_was_before(home: Database) -> None:
    put(home, "device", "freezer-1", {"for": "2m"})
    kept = put(home, "device", "freezer-1", {"severity": "low"})
    assert (kept.override.author, kept.override.reason, dict(kept.override.values)) == (
        PERSON, "vaccines", {"severity": "low"},
    )  # fmt: skip
    remove(home, "device", "freezer-1")
    told = [*events(home, "rule_override.set"), *events(home, "rule_override.removed")]
    assert [(row["subject_id"], row["device_id"], row["actor"]) for row in told] == [
        ("freezer/warm", "freezer-1", PERSON)
    ] * 3
    assert [(row["data"]["before"], row["data"]["values"]) for row in told] == [
        (None, {"for": "2m"}), ({"for": "2m"}, {"severity": "low"}), ({"severity": "low"}, {}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("scope", "scope_id", "rule", "values", "error", "says"),
    [
        ("device", "freezer-9", "warm", {"for": "2m"}, NotFoundError, "there is no device 'freezer-9'"),
        ("customer", "nobody", "warm", {"for": "2m"}, NotFoundError, "there is no customer 'nobody'"),
        ("group", "none", "warm", {"for": "2m"}, NotFoundError, "there is no group 'none'"),
        ("product", "car", "warm", {"for": "2m"}, InvalidInputError, "must be that of the product"),
        ("device", "freezer-1", "wram", {"for": "2m"}, NotFoundError, "freezer has no rule 'wram'"),
        (
            "device",
            "freezer-1",
            "warm",
            {"fro": "2m"},
            InvalidFieldsError,
            "values.fro: no such key; did you mean 'for'?",
        ),
        ("device", "freezer-1", "warm", {"for": "500d"}, InvalidFieldsError, "values.for: is at the most 400 d"),
        (
            "device",
            "freezer-1",
            "warm",
            {"repeat": "3 times within 999d"},
            InvalidFieldsError,
            "values.repeat: is within at the most 400 d",
        ),
        ("device", "freezer-1", None, {"bnad": 3}, InvalidFieldsError, "values.bnad: freezer has no parameter"),
    ],
)
def test_what_is_wrong_is_refused(
    home: Database,
    scope: str,
    scope_id: str,
    rule: str | None,
    values: dict[str, Any],
    error: type[Exception],
    says: str,
) -> None:
    with pytest.raises(error, match=says.replace("(", r"\(").replace("?", r"\?")):
        put(home, scope, scope_id, values, rule=rule)


def test_what_holds_for_a_device_says_where_it_comes_from(home: Database) -> None:
    put(home, "product", "freezer", {"severity": "low", "for": "1m"})
    put(home, "device", "freezer-1", {"for": "2m"})
    put(home, "customer", customer(home), {"band": 3}, rule=None)
    with home.transaction() as connection:
        connection.execute("UPDATE device SET parameters = '{\"alarm_offset\": 12}'")
        found = device_rules(connection, "freezer-1", catalog=SHIPPED)
    _, warm = found.rules["warm"]
    assert {field: origin.scope.value for field, origin in warm.origins.items()} == {
        "severity": "product", "for": "device",
    }  # fmt: skip
    origins = {
        name: (each.value, getattr(each.origin, "scope", each.origin)) for name, each in found.parameters.items()
    }
    assert {name: origins[name] for name in ("setpoint", "alarm_offset", "band")} == {
        "setpoint": (-70, "product model"), "alarm_offset": (12, "device"), "band": (3, Scope.CUSTOMER),
    }  # fmt: skip


def test_a_group_that_overrides_something_stays(home: Database) -> None:
    put_group(home, "freezer-1")
    put(home, "group", "vaccines", {"for": "1m"})
    with home.transaction() as connection, pytest.raises(ConflictError, match="remove its overrides first"):
        groups.delete_group(connection, "vaccines", actor=PERSON, now=clock.now())
    remove(home, "group", "vaccines")
    with home.transaction() as connection:
        groups.delete_group(connection, "vaccines", actor=PERSON, now=clock.now())
        assert store.groups(connection, limit=10) == []
    assert [row["data"]["removed"] for row in events(home, "device_group.deleted")] == [["freezer-1"]]


def test_a_group_takes_known_devices_only(home: Database) -> None:
    with pytest.raises(InvalidInputError, match="there is no device 'freezer-9'"):
        put_group(home, "freezer-1", "freezer-9")
    put_group(home, "freezer-1")
    put_group(home, "freezer-1")
    put_group(home, "freezer-1", name="Vaccines")
    assert len(events(home, "device_group.changed")) == 2


def test_what_the_rule_cannot_be_judged_with_is_refused_before_it_counts(home: Database) -> None:
    from_files(home, {"id": "busy", "when": "changed(door)", "repeat": "3 times within 1h"})
    with pytest.raises(InvalidFieldsError, match="values: a change lasts an instant, so the rule needs 'clear'"):
        put(home, "device", "freezer-1", {"repeat": False}, rule="busy")
    put(home, "device", "freezer-1", {"repeat": False, "keep_for": "5m"}, rule="busy")
