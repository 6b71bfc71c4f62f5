"""Rollups equal what is stored, in whatever order it came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iot_service import clock
from iot_service.db import Database
from iot_service.history.bins import Bin
from iot_service.history.rollups import RollupRunner, rebuild
from iot_service.history.spans import DAY, HOUR, MINUTE
from iot_service.history.store import hold
from tests.factories import NOW, insert, make_home
from tests.history.readings import Reading, clear, rolled_up, run_to_the_end, store, summed

SECOND = timedelta(seconds=1)
ROUGHLY = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def same(found: Sequence[Bin], expected: Sequence[Bin]) -> None:
    """Equal, but for the order in which values were added up."""
    assert [each.total for each in found] == pytest.approx([each.total for each in expected], rel=1e-9, abs=1e-6)
    assert [each.at for each in found] == [each.at for each in expected]
    for mine, theirs in zip(found, expected, strict=True):
        assert (mine.readings, mine.lowest, mine.highest, mine.last, mine.first_at, mine.last_at) == (
            theirs.readings, theirs.lowest, theirs.highest, theirs.last, theirs.first_at, theirs.last_at,
        )  # fmt: skip


# Each wave is what comes before one run: how many seconds ago it was measured, and with what value.
readings_of_a_wave = st.lists(st.tuples(st.integers(0, 3 * 86_400), st.floats(-1e6, 1e6, allow_nan=False)), max_size=12)
waves_of_readings = st.lists(readings_of_a_wave, min_size=1, max_size=4)


def play(database: Database, waves: list[list[tuple[int, float]]], no_minutes: Sequence[str] = ()) -> list[Reading]:
    """Store wave after wave, minutes apart, with a run behind each; at the end all that lies back is over."""
    stored: dict[object, Reading] = {}
    at = NOW
    for wave in waves:
        clock.freeze(at)
        came = [Reading(at - age * SECOND, value, at) for age, value in wave]
        for each in came:
            stored.setdefault(each.ts, each)
        with database.transaction() as connection:
            store(connection, came)
        run_to_the_end(database, no_minutes=no_minutes)
        at += timedelta(seconds=97)
    clock.freeze(at + 2 * DAY)
    run_to_the_end(database, no_minutes=no_minutes)
    return list(stored.values())


@ROUGHLY
@given(waves=waves_of_readings)
def test_rollups_equal_the_readings_whatever_comes_late(
    database: Database, waves: list[list[tuple[int, float]]]
) -> None:
    with database.transaction() as connection:
        clear(connection)
    readings = play(database, waves)
    with database.transaction() as connection:
        for table, width in (("minute", MINUTE), ("hour", HOUR), ("day", DAY)):
            same(rolled_up(connection, table), summed(readings, width))
        assert connection.execute("SELECT FROM rollup_due").fetchall() == []


@ROUGHLY
@given(waves=waves_of_readings)
def test_a_product_without_minutes_has_its_hours_from_readings(
    database: Database, waves: list[list[tuple[int, float]]]
) -> None:
    with database.transaction() as connection:
        clear(connection)
        connection.execute("TRUNCATE customer CASCADE")
        make_home(connection)
    readings = play(database, waves, no_minutes=["freezer"])
    with database.transaction() as connection:
        assert rolled_up(connection, "minute") == []
        same(rolled_up(connection, "hour"), summed(readings, HOUR))
        same(rolled_up(connection, "day"), summed(readings, DAY))


def minutely(count: int, *, every: timedelta = 20 * SECOND) -> list[Reading]:
    return [Reading(NOW + number * every, float(number), NOW + number * every + SECOND) for number in range(count)]


def test_a_run_when_nothing_came_does_nothing(database: Database) -> None:
    clock.freeze(NOW)
    assert RollupRunner(database).run_once() == 0
    with database.transaction() as connection:
        store(connection, minutely(9))
    clock.freeze(NOW + HOUR)
    run_to_the_end(database)
    with database.transaction() as connection:
        before = rolled_up(connection, "minute")
    assert RollupRunner(database).run_once() == 0
    with database.transaction() as connection:
        assert rolled_up(connection, "minute") == before == summed(minutely(9), MINUTE)


def test_a_minute_is_computed_when_it_is_over_and_an_hour_likewise(database: Database) -> None:
    with database.transaction() as connection:
        store(connection, minutely(12))  # of four minutes
    clock.freeze(NOW + timedelta(minutes=2, seconds=50))
    run_to_the_end(database)
    with database.transaction() as connection:
        assert [each.at for each in rolled_up(connection, "minute")] == [NOW, NOW + MINUTE]
        assert rolled_up(connection, "hour") == []
    clock.freeze(NOW + timedelta(hours=1, seconds=50))
    run_to_the_end(database)
    with database.transaction() as connection:
        assert rolled_up(connection, "hour") == summed(minutely(12), HOUR)


def test_only_one_works_at_a_time(database: Database) -> None:
    clock.freeze(NOW + HOUR)
    with database.transaction() as connection:
        store(connection, minutely(3))
    with database.transaction() as connection:
        assert hold(connection) is not None
        assert RollupRunner(database).run_once() == 0


def test_nothing_is_taken_for_stored_that_ingest_does_not_vouch_for(database: Database) -> None:
    at = NOW + timedelta(minutes=10)
    with database.transaction() as connection:
        store(connection, minutely(12))
        insert(connection, "ingest_slot", client_id="one", caught_up_at=NOW + timedelta(seconds=130), seen_at=at)
    clock.freeze(at)
    run_to_the_end(database)
    with database.transaction() as connection:
        assert [each.at for each in rolled_up(connection, "minute")] == [NOW, NOW + MINUTE]


def test_an_ingest_slot_that_stood_still_has_what_it_held_looked_at(database: Database) -> None:
    with database.transaction() as connection:
        store(connection, minutely(2))
        for name in ("one", "two"):
            insert(connection, "ingest_slot", client_id=name, caught_up_at=NOW, seen_at=NOW)
    clock.freeze(NOW + MINUTE)
    run_to_the_end(database)
    at = NOW + timedelta(hours=3)
    with database.transaction() as connection:  # two is away, its queue full of what it has received
        connection.execute("UPDATE ingest_slot SET caught_up_at = %s, seen_at = %s WHERE client_id = 'one'", [at, at])
    clock.freeze(at)
    run_to_the_end(database)
    at += HOUR
    with database.transaction() as connection:
        connection.execute("UPDATE ingest_slot SET caught_up_at = %s, seen_at = %s", [at, at])
        store(connection, minutely(12))  # as received when it went away
    clock.freeze(at)
    run_to_the_end(database)
    with database.transaction() as connection:
        assert rolled_up(connection, "minute") == summed(minutely(12), MINUTE)
        assert rolled_up(connection, "hour") == summed(minutely(12), HOUR)


def test_an_ingest_slot_that_stands_still_holds_nothing_up_for_long(database: Database) -> None:
    with database.transaction() as connection:
        store(connection, minutely(12))
        insert(connection, "ingest_slot", client_id="one", caught_up_at=NOW - DAY, seen_at=NOW - DAY)
    clock.freeze(NOW + 2 * HOUR)
    run_to_the_end(database)
    with database.transaction() as connection:
        assert rolled_up(connection, "minute") == summed(minutely(12), MINUTE)


def test_who_stores_readings_of_an_old_receipt_says_so(database: Database) -> None:
    clock.freeze(NOW + HOUR)
    with database.transaction() as connection:
        store(connection, minutely(1))
    run_to_the_end(database)
    old = [Reading(NOW - 40 * DAY + number * MINUTE, 5.0, NOW - 40 * DAY) for number in range(3)]
    with database.transaction() as connection:
        store(connection, old)
        insert(connection, "rollup_due", device_id="freezer-1", metric="temperature", level="minute", bucket=old[0].ts)
    run_to_the_end(database)
    with database.transaction() as connection:
        assert rolled_up(connection, "day") == summed(old, DAY)


def test_values_beyond_all_bounds_do_not_stop_the_others(database: Database) -> None:
    clock.freeze(NOW + HOUR)
    with database.transaction() as connection:
        store(connection, [Reading(NOW + number * SECOND, 1.7e308, NOW) for number in range(3)])
        store(connection, [Reading(NOW, 2.0, NOW, device="freezer-2")])
    run_to_the_end(database)
    with database.transaction() as connection:
        (found,) = rolled_up(connection, "minute")
        assert (found.readings, found.lowest, found.highest) == (3, 1.7e308, 1.7e308)
        assert len(rolled_up(connection, "minute", device="freezer-2")) == 1


@pytest.mark.parametrize("no_minutes", [[], ["freezer"]])
def test_a_rebuild_computes_a_span_anew(database: Database, no_minutes: list[str]) -> None:
    readings = [Reading(NOW + number * 7 * MINUTE, float(number % 13), NOW) for number in range(1000)]
    with database.transaction() as connection:
        make_home(connection)
        store(connection, readings)
    end = NOW + 30 * DAY
    done = list(rebuild(database, NOW, end, no_minutes=no_minutes))
    assert done[-1] == end
    with database.transaction() as connection:
        assert rolled_up(connection, "minute") == ([] if no_minutes else summed(readings, MINUTE))
        assert rolled_up(connection, "hour") == summed(readings, HOUR)
        assert rolled_up(connection, "day") == summed(readings, DAY)
        connection.execute("UPDATE reading_hour SET highest = 99")
    list(rebuild(database, NOW, end, devices=["another"], no_minutes=no_minutes))
    with database.transaction() as connection:
        assert {each.highest for each in rolled_up(connection, "hour")} == {99.0}
    list(rebuild(database, NOW, end, devices=["freezer-1"], no_minutes=no_minutes))
    with database.transaction() as connection:
        assert rolled_up(connection, "hour") == summed(readings, HOUR)


def test_minutes_that_are_switched_on_are_complete_or_not_there(database: Database) -> None:
    """Else an hour would be computed from the few minutes that came since."""
    readings = minutely(60)  # of twenty minutes
    with database.transaction() as connection:
        make_home(connection)
        store(connection, readings)
    clock.freeze(NOW + 5 * HOUR)
    run_to_the_end(database, no_minutes=["freezer"])
    late = Reading(NOW + timedelta(minutes=30), 1.0, NOW + 5 * HOUR)
    with database.transaction() as connection:
        store(connection, [late])
    clock.freeze(NOW + 6 * HOUR)
    run_to_the_end(database)
    with database.transaction() as connection:
        assert rolled_up(connection, "hour") == summed([*readings, late], HOUR)
