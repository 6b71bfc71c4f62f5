"""The rule runner among others: what ingest vouches for, and how several runners share the devices."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from iot_service import clock
from iot_service.db import Connection, Database
from iot_service.rules.runner import RuleRunner
from tests.factories import insert, make_device, make_home
from tests.rules.telemetry import SHIPPED, START, reading, series, store
from tests.rules.test_runner import MINUTE, connection, found, run, state_of

__all__ = ["connection"]  # the fixture
SECOND = timedelta(seconds=1)


def test_what_is_not_vouched_for_waits(database: Database, connection: Connection) -> None:
    make_home(connection)
    for name in ("1", "2"):
        insert(connection, "ingest_slot", client_id=name, caught_up_at=START + 11 * MINUTE, seen_at=START + 12 * MINUTE)
    store(connection, "freezer-1", series(temperature="-55x12"))
    run(database, START + 12 * MINUTE)
    assert state_of(connection)["evaluated_until"] == START + 11 * MINUTE
    connection.execute("UPDATE ingest_slot SET caught_up_at = %s", [START + 12 * MINUTE])
    run(database, START + 12 * MINUTE)
    assert state_of(connection)["evaluated_until"] == START + 12 * MINUTE
    assert found(connection) == [("temperature_high", "open", 10, None)]


def test_while_ingest_is_down_nothing_is_taken_for_silence_however_long_that_is(
    database: Database, connection: Connection
) -> None:
    make_home(connection)
    insert(connection, "ingest_slot", client_id="1", caught_up_at=START, seen_at=START)
    store(connection, "freezer-1", series(temperature="-70"))
    run(database, START)
    run(database, START + timedelta(days=2))
    assert found(connection) == []
    connection.execute("UPDATE ingest_slot SET caught_up_at = %(now)s, seen_at = %(now)s", {"now": START + 16 * MINUTE})
    run(database, START + 16 * MINUTE)
    assert found(connection) == [("silent", "open", 15, None)]


def test_an_ingest_process_that_is_gone_holds_everything_up_until_what_waits_for_it_is_stored(
    database: Database, connection: Connection
) -> None:
    make_home(connection)
    now = START + 10 * MINUTE
    insert(connection, "ingest_slot", client_id="old", caught_up_at=START, seen_at=now - 60 * MINUTE)
    insert(connection, "ingest_slot", client_id="new", caught_up_at=now, seen_at=now)
    store(connection, "freezer-1", series(temperature="-55x10"))
    run(database, now)
    assert found(connection) == []
    connection.execute("DELETE FROM ingest_slot WHERE client_id = 'old'")
    run(database, now)
    assert found(connection) == [("temperature_high", "open", 10, None)]


def test_an_ingest_process_that_was_seen_a_moment_ago_holds_up_the_others(
    database: Database, connection: Connection
) -> None:
    make_home(connection)
    now = START + 10 * MINUTE
    insert(connection, "ingest_slot", client_id="slow", caught_up_at=now - 2 * MINUTE, seen_at=now - MINUTE)
    insert(connection, "ingest_slot", client_id="fast", caught_up_at=now, seen_at=now)
    store(connection, "freezer-1", series(temperature="-55x10"))
    run(database, now)
    assert state_of(connection)["evaluated_until"] == now - 2 * MINUTE


def test_what_cannot_be_folded_yet_keeps_no_runner_busy(database: Database, connection: Connection) -> None:
    make_home(connection)
    for name in ("1", "2"):
        insert(connection, "ingest_slot", client_id=name, caught_up_at=START, seen_at=START)
    store(connection, "freezer-1", series(SECOND, START + SECOND, temperature="-70x20"))
    assert run(database, START + 30 * SECOND, samples_at_once=5) == 1
    assert state_of(connection)["wake_at"] == START + SECOND


def test_two_runners_share_the_devices(database: Database, connection: Connection) -> None:
    make_home(connection)
    for number in range(2, 8):
        make_device(connection, id=f"freezer-{number}")
    for number in range(1, 8):
        store(connection, f"freezer-{number}", series(temperature="-55x10"))
    clock.freeze(START + 10 * MINUTE)
    one, two = (RuleRunner(database, SHIPPED, devices_at_once=3) for _ in range(2))
    with database.transaction() as other:
        other.execute("SELECT 1 FROM rule_state WHERE device_id = 'freezer-1' FOR UPDATE")
        assert one.run_once() == 3
        assert two.run_once() == 3
        assert one.run_once() == 0, "another runner holds the last one"
    assert two.run_once() == 1
    assert len(found(connection)) == 7


def test_a_silent_device_has_its_turn_while_the_others_talk_without_end(
    database: Database, connection: Connection
) -> None:
    make_home(connection)
    store(connection, "freezer-1", series(temperature="-70"))
    runner = RuleRunner(database, SHIPPED, devices_at_once=3)
    run(database, START, runner)
    for number in range(2, 8):
        make_device(connection, id=f"freezer-{number}")
    for minute in range(1, 20):
        now = START + minute * MINUTE
        clock.freeze(now)
        for number in range(2, 8):
            store(connection, f"freezer-{number}", [reading("temperature", now, -70.0)])
        assert runner.run_once() == 3
    assert ("silent", "open", 15, None) in found(connection)


def test_under_load_every_device_has_its_turn(database: Database, connection: Connection) -> None:
    make_home(connection)
    names = [f"freezer-{number}" for number in range(1, 41)]
    for name in names[1:]:
        make_device(connection, id=name)
    runner = RuleRunner(database, SHIPPED, devices_at_once=4)
    judged: Counter[str] = Counter()
    before: dict[str, object] = {}
    for turn in range(20):
        now = START + turn * SECOND
        clock.freeze(now)
        for name in names:
            store(connection, name, [reading("temperature", now, -70.0)])
        runner.run_once()
        rows = connection.execute("SELECT device_id, evaluated_until FROM rule_state").fetchall()
        after = {row["device_id"]: row["evaluated_until"] for row in rows}
        judged.update(name for name in names if after[name] != before.get(name))
        before = after
    assert set(judged) == set(names)
    assert max(judged.values()) - min(judged.values()) <= 1


def test_windows_hold_a_late_reading_whichever_runner_saw_it(database: Database, connection: Connection) -> None:
    make_home(connection, id="car-1", product="car", parameters={})
    one, other = RuleRunner(database, SHIPPED), RuleRunner(database, SHIPPED)
    warm = series(20 * MINUTE, outside_temperature="9x20")
    store(connection, "car-1", warm)
    end = warm[-1].ts
    run(database, end, one)
    late = reading("outside_temperature", START + 7 * MINUTE, 1.0)
    store(connection, "car-1", [late], received=end + MINUTE)
    run(database, end + MINUTE, other)
    store(connection, "car-1", [reading("outside_temperature", end + 2 * MINUTE, 9.0)])
    run(database, end + 2 * MINUTE, one)
    fresh = RuleRunner(database, SHIPPED)
    connection.execute("UPDATE rule_state SET wake_at = %s", [START])
    run(database, end + 2 * MINUTE, fresh)

    def kept(runner: RuleRunner) -> list[float | None]:
        (remembered,) = runner._memory._devices.values()
        return [window.aggregate("count", end + 2 * MINUTE) for window in remembered.windows._by_key.values()]

    assert 23.0 in kept(one)
    assert kept(one) == kept(fresh)


def test_what_comes_through_one_process_is_judged_as_soon_as_it_is_stored(
    database: Database, connection: Connection
) -> None:
    make_home(connection)
    insert(connection, "ingest_slot", client_id="1", caught_up_at=START, seen_at=START)
    insert(connection, "ingest_slot", client_id="sparkplug", caught_up_at=START, seen_at=START, ordered=True)
    store(connection, "freezer-1", series(temperature="-55x12"))
    run(database, START + 12 * MINUTE)
    assert found(connection) == [("temperature_high", "open", 10, None)]
