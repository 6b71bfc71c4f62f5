"""The rule runner: stored readings become needs, whatever the batches, restarts and runners."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from iot_service import clock
from iot_service.db import Connection, Database, Jsonb
from iot_service.products.catalog import Catalog
from iot_service.rules import needs
from iot_service.rules.runner import RuleRunner
from tests.factories import insert, make_device, make_home, make_subscription
from tests.rules.telemetry import SHIPPED, START, event, reading, rule, series, store

MINUTE = timedelta(minutes=1)


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """A connection that commits each statement by itself, to write and read around the runner."""
    with database._pool.connection() as connection:
        connection.autocommit = True
        yield connection
        connection.autocommit = False


def run(database: Database, at: datetime, runner: RuleRunner | None = None, **how: Any) -> int:
    """Let a runner (a new one: as after a restart) do all that can be done at ``at``."""
    clock.freeze(at)
    runner = runner or RuleRunner(database, SHIPPED, **how)
    done = 0
    while worked := runner.run_once():
        done += worked
        assert done < 1000, "the runner never comes to rest"
    return done


def found(connection: Connection) -> list[tuple[str, str, float, float | None]]:
    """All needs: rule, state, and the minutes after the start at which they opened and closed."""
    rows = connection.execute("SELECT * FROM need ORDER BY opened_at, rule").fetchall()
    return [
        (row["rule"], row["state"], _minutes(row["opened_at"]), row["closed_at"] and _minutes(row["closed_at"]))
        for row in rows
    ]


def _minutes(at: datetime) -> float:
    return (at - START).total_seconds() / 60


def state_of(connection: Connection, device: str = "freezer-1") -> dict[str, Any]:
    row = connection.execute("SELECT * FROM rule_state WHERE device_id = %s", [device]).fetchone()
    assert row is not None
    return row


def test_stored_readings_become_a_need_with_its_event_reason_and_evidence(
    database: Database, connection: Connection
) -> None:
    make_home(connection)
    store(connection, "freezer-1", series(temperature="-70x3 -55x11"))
    run(database, START + 15 * MINUTE)
    assert found(connection) == [("temperature_high", "open", 14, None)]
    need = connection.execute("SELECT * FROM need").fetchone()
    assert need is not None
    assert (need["kind"], need["severity"], need["customer_id"]) == ("fault", "critical", "anna")
    assert "temperature -55 °C" in need["reason"]
    assert need["evidence"]["temperature"] == {"value": -55.0, "ts": (START + 14 * MINUTE).isoformat()}
    written = connection.execute("SELECT * FROM event").fetchone()
    assert written is not None
    assert (written["type"], written["need_id"], written["new"]) == ("need.opened", need["id"], "open")
    assert written["reason"] == need["reason"]
    assert written["data"]["evidence"] == need["evidence"]
    consumers = connection.execute("SELECT consumer FROM event_todo ORDER BY consumer").fetchall()
    assert [row["consumer"] for row in consumers] == ["engage", "notify"]


def test_a_need_resolves_with_an_event(database: Database, connection: Connection) -> None:
    make_home(connection)
    store(connection, "freezer-1", series(temperature="-55x12 -69x8"))
    run(database, START + 21 * MINUTE)
    assert found(connection) == [("temperature_high", "resolved", 10, 18)]
    types = connection.execute("SELECT type FROM event ORDER BY id").fetchall()
    assert [row["type"] for row in types] == ["need.opened", "need.resolved"]


def test_silence_is_noticed_without_a_message_and_at_the_exact_instant(
    database: Database, connection: Connection
) -> None:
    make_home(connection)
    store(connection, "freezer-1", series(temperature="-70"))
    assert run(database, START) == 1
    assert state_of(connection)["wake_at"] == START + 15 * MINUTE + timedelta(seconds=1)
    assert run(database, START + 15 * MINUTE) == 0, "a reading may still be on its way"
    assert run(database, START + 16 * MINUTE) == 1
    assert found(connection) == [("silent", "open", 15, None)]


def test_a_recording_in_one_burst_is_judged_by_its_own_time(database: Database, connection: Connection) -> None:
    make_home(connection)
    store(connection, "freezer-1", series(temperature="-70x3 -55x11"), received=START + timedelta(days=7))
    run(database, START + timedelta(days=7))
    assert found(connection) == [("temperature_high", "open", 14, None)], "no silence: the recording has no gap"
    run(database, START + timedelta(days=7) + 15 * MINUTE)
    assert len(found(connection)) == 1, "the device's time runs on from its newest reading"
    run(database, START + timedelta(days=7) + 16 * MINUTE)
    assert ("silent", "open", 30, None) in found(connection)


def test_shuffled_readings_are_waited_for_as_long_as_lateness_says(database: Database, connection: Connection) -> None:
    make_home(connection)
    samples = series(timedelta(milliseconds=200), temperature="-70x20")
    runner = RuleRunner(database, SHIPPED, lateness=timedelta(seconds=2))
    for place, (first, second) in enumerate(zip(samples[::2], samples[1::2], strict=False)):
        now = START + timedelta(milliseconds=400 * place + 300)
        store(connection, "freezer-1", [second], received=now)
        run(database, now, runner)
        store(connection, "freezer-1", [first], received=now + timedelta(milliseconds=50))
        run(database, now + timedelta(milliseconds=50), runner)
    run(database, START + timedelta(seconds=60), runner)
    assert state_of(connection)["late_readings"] == 0
    assert state_of(connection)["evaluated_until"] == START + timedelta(seconds=3.8)


def test_late_readings_are_counted_once_and_move_nothing_back(database: Database, connection: Connection) -> None:
    make_home(connection)
    store(connection, "freezer-1", series(temperature="-70x20"))
    run(database, START + 20 * MINUTE)
    late = [reading("temperature", START + timedelta(minutes=5, seconds=second), 20.0) for second in range(1, 4)]
    for minutes in (21, 22):
        store(connection, "freezer-1", late, received=START + minutes * MINUTE)
        run(database, START + minutes * MINUTE)
    assert state_of(connection)["late_readings"] == 3
    assert state_of(connection)["evaluated_until"] == START + 20 * MINUTE
    assert found(connection) == []


def test_the_same_needs_come_from_one_run_and_from_many_restarts(database: Database, connection: Connection) -> None:
    make_home(connection)
    make_device(connection, id="freezer-2")
    samples = series(temperature="-70x3 -55x14 -69x9 _x20 -50x12", power="1x10 0x3 1x40")
    store(connection, "freezer-1", samples)
    for place in range(0, len(samples), 7):
        part = samples[place : place + 7]
        store(connection, "freezer-2", part)
        run(database, part[-1].ts)
    run(database, samples[-1].ts + MINUTE)
    shown = [
        connection.execute(
            "SELECT rule, state, opened_at, closed_at, reason, evidence FROM need WHERE device_id = %s ORDER BY id",
            [device],
        ).fetchall()
        for device in ("freezer-1", "freezer-2")
    ]
    assert len(shown[0]) >= 3
    assert shown[0] == shown[1]


def test_windows_are_built_anew_after_a_restart_as_they_were(database: Database, connection: Connection) -> None:
    make_home(connection, id="car-1", product="car", parameters={})
    warm, cold = series(timedelta(minutes=20), outside_temperature="9x20"), "2x60"
    store(connection, "car-1", warm)
    run(database, warm[-1].ts)
    colder = series(timedelta(minutes=20), warm[-1].ts + 20 * MINUTE, outside_temperature=cold)
    for sample in colder:
        store(connection, "car-1", [sample])
        run(database, sample.ts)  # a new runner for every reading
    by_restarts = found(connection)
    make_device(connection, id="car-2", product="car", parameters={})
    store(connection, "car-2", [*warm, *colder])
    run(database, colder[-1].ts)
    in_one = [need for need in found(connection) if need not in by_restarts]
    assert [need[0] for need in by_restarts] == ["winter_tyres"]
    assert in_one == [], "both cars have the same need at the same time"
    assert len(found(connection)) == 2


def test_more_than_one_bite_is_taken_in_several(database: Database, connection: Connection) -> None:
    make_home(connection)
    store(connection, "freezer-1", series(temperature="-70x3 -55x11", ambient="20x14"))
    assert run(database, START + 15 * MINUTE, samples_at_once=5) > 3
    assert found(connection) == [("temperature_high", "open", 14, None)]


def test_one_device_that_raises_does_not_stop_the_others(database: Database, connection: Connection) -> None:
    make_home(connection)
    make_device(connection, id="broken", parameters={"setpoint": "cold"})
    for device in ("broken", "freezer-1"):
        store(connection, device, series(temperature="-55x10"))
    run(database, START + 10 * MINUTE)
    assert found(connection) == [("temperature_high", "open", 10, None)]
    broken = state_of(connection, "broken")
    assert "ValueError" in broken["error"]
    assert broken["evaluated_until"] is None
    connection.execute("UPDATE device SET parameters = '{}' WHERE id = 'broken'")
    run(database, START + 12 * MINUTE)
    assert state_of(connection, "broken")["error"] is None
    assert len(found(connection)) == 2


def test_a_kept_state_that_cannot_be_read_is_left_as_it_is_and_named(
    database: Database, connection: Connection
) -> None:
    make_home(connection)
    make_device(connection, id="broken")
    unreadable = Jsonb({"rules": {"x": ["asleep", None]}})
    connection.execute("UPDATE rule_state SET state = %s WHERE device_id = 'broken'", [unreadable])
    for device in ("broken", "freezer-1"):
        store(connection, device, series(temperature="-55x10"))
    run(database, START + 10 * MINUTE)
    assert len(found(connection)) == 1
    assert "asleep" in state_of(connection, "broken")["error"]
    assert state_of(connection, "broken")["state"] == {"rules": {"x": ["asleep", None]}}


def test_a_device_of_an_unknown_product_says_so(database: Database, connection: Connection) -> None:
    make_home(connection, product="toaster")
    store(connection, "freezer-1", series(temperature="-55"))
    assert run(database, START) == 1
    assert "toaster" in state_of(connection)["error"]


def test_an_expression_that_fails_is_named_and_the_other_rules_go_on(
    database: Database, connection: Connection
) -> None:
    bad = rule("bad", when="temperature > 0 || trouble[3] == 'x'")
    model = SHIPPED.products["freezer"].model_copy(update={"attributes": {"trouble": {}}})
    catalog = Catalog(
        products={"freezer": model}, services=SHIPPED.services, rules={"freezer": {"bad": bad, "warm": rule()}}
    )
    make_home(connection)
    store(connection, "freezer-1", series(temperature="-55"))
    connection.execute(
        "INSERT INTO attribute VALUES ('freezer-1', 'trouble', %s, '[\"a\"]', %s)", [START - MINUTE, START - MINUTE]
    )
    run(database, START, RuleRunner(database, catalog))
    assert state_of(connection)["error"].startswith("bad: ")
    assert found(connection) == [("warm", "open", 0, None)]


def test_a_withdrawn_need_stays_away_until_its_condition_has_cleared(
    database: Database, connection: Connection
) -> None:
    make_home(connection)
    samples = series(temperature="-55x20 -69x9 -55x12")
    store(connection, "freezer-1", samples[:15])
    run(database, START + 15 * MINUTE)
    need_id = connection.execute("SELECT id FROM need").fetchone()
    assert need_id is not None
    needs.withdraw(connection, need_id["id"], reason="Being defrosted", actor="operator", now=START + 15 * MINUTE)
    store(connection, "freezer-1", samples[15:25])
    run(database, START + 25 * MINUTE)
    assert [need[:2] for need in found(connection)] == [("temperature_high", "withdrawn")]
    store(connection, "freezer-1", samples[25:])
    run(database, START + 43 * MINUTE)
    assert [need[1:3] for need in found(connection)] == [("withdrawn", 10), ("open", 41)]


def test_a_commissioning_device_comes_into_service_with_an_event(database: Database, connection: Connection) -> None:
    make_home(connection, service_state="commissioning")
    store(connection, "freezer-1", series(temperature="20x5 -68x6 20x12"))
    run(database, START + 30 * MINUTE)
    device = connection.execute("SELECT service_state FROM device").fetchone()
    assert device == {"service_state": "in_service"}
    assert ("temperature_high", "open", 23, None) in found(connection)
    types = connection.execute("SELECT type FROM event ORDER BY id").fetchall()
    assert types[0] == {"type": "device.in_service"}


def test_a_supply_wakes_the_device_at_its_time_and_resolves_the_need(
    database: Database, connection: Connection
) -> None:
    make_home(connection, id="coffee-1", product="coffee_machine", parameters={})
    make_subscription(connection)
    insert(connection, "supply", device_id="coffee-1", consumable="capsules", at=START, supplied=1100, reason="initial")
    store(connection, "coffee-1", series(timedelta(hours=4), CapsuleCounter="1000+2x30"))
    noon = START + timedelta(days=5, hours=1)
    run(database, noon)
    assert [need[:2] for need in found(connection)] == [("capsules_low", "open")]
    evidence = connection.execute("SELECT evidence FROM need").fetchone()
    assert evidence is not None
    assert evidence["evidence"]["lead_days"]["value"] == 4.0
    insert(
        connection, "supply", device_id="coffee-1", consumable="capsules", at=noon, supplied=1200, reason="delivered"
    )
    connection.execute("UPDATE rule_state SET wake_at = %s", [noon])
    run(database, noon + timedelta(seconds=1))  # a reading from before it may still be on its way
    (need,) = found(connection)
    assert (need[1], need[3]) == ("resolved", (noon - START) / MINUTE)


def test_a_supply_from_before_counts_at_the_last_instant(database: Database, connection: Connection) -> None:
    make_home(connection, id="coffee-1", product="coffee_machine", parameters={})
    store(connection, "coffee-1", series(timedelta(hours=4), CapsuleCounter="1000+2x18"))
    run(database, START + timedelta(days=3))
    assert found(connection) == []
    insert(connection, "supply", device_id="coffee-1", consumable="capsules", at=START, supplied=1040, reason="initial")
    connection.execute("UPDATE rule_state SET wake_at = %s", [START])
    run(database, START + timedelta(days=3))
    assert found(connection) == [("capsules_low", "open", 72 * 60, None)]


def test_a_device_event_opens_and_another_resolves(database: Database, connection: Connection) -> None:
    make_home(connection, id="coffee-1", product="coffee_machine", parameters={})
    for place, name in enumerate(("DeviceDescalingOverdue", "WaterTankEmpty", "DeviceDescaled")):
        store(connection, "coffee-1", [event(name, START + place * MINUTE)])
        run(database, START + place * MINUTE)
    assert found(connection) == [("descaling_overdue", "resolved", 0, 2)]


def test_the_windows_of_devices_that_were_not_heard_for_long_are_forgotten(
    database: Database, connection: Connection
) -> None:
    make_home(connection)
    make_device(connection, id="freezer-2")
    runner = RuleRunner(database, SHIPPED, remembered=1)
    for device in ("freezer-1", "freezer-2", "freezer-1"):
        store(connection, device, series(temperature="-70"))
        run(database, START, runner)
    assert len(runner._memory._devices) == 1
    assert found(connection) == []


def test_a_reading_whose_clock_is_ahead_waits_and_makes_no_other_one_late(
    database: Database, connection: Connection
) -> None:
    make_home(connection)
    warm = series(temperature="-55x15")
    ahead = reading("temperature", START + 4 * MINUTE, -55.0, received=START)
    store(connection, "freezer-1", [warm[0], ahead])
    run(database, START)
    for sample in warm[1:]:
        if sample.ts != ahead.ts:
            store(connection, "freezer-1", [sample])
            run(database, sample.ts)
    assert found(connection) == [("temperature_high", "open", 10, None)]
    assert state_of(connection)["late_readings"] == 0


def test_a_metric_that_a_new_rule_looks_at_has_its_last_value_at_once(
    database: Database, connection: Connection
) -> None:
    make_home(connection)
    store(connection, "freezer-1", series(temperature="-70", ambient="35"))
    run(database, START)
    hot = rule("hot_room", when="ambient > 30.0")
    rules = {**SHIPPED.rules, "freezer": {**SHIPPED.rules["freezer"], "hot_room": hot}}
    newer = RuleRunner(database, SHIPPED.model_copy(update={"rules": rules}))
    store(connection, "freezer-1", series(MINUTE, START + MINUTE, temperature="-70"))
    run(database, START + MINUTE, newer)
    assert found(connection) == [("hot_room", "open", 1, None)]
