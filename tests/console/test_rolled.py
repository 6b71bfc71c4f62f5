"""A curve of many days, drawn from rollups."""

from __future__ import annotations

from datetime import timedelta

from iot_service import clock
from iot_service.console import store
from iot_service.console.curve import line
from iot_service.db import Database
from tests.factories import NOW, make_home
from tests.history.readings import Reading, run_to_the_end
from tests.history.readings import store as store_readings

DAY = timedelta(days=1)


def test_every_peak_and_every_reading_of_many_days_is_in_it(database: Database) -> None:
    readings = [Reading(NOW - number * timedelta(minutes=10), -70.0, NOW) for number in range(2000)]
    readings[777] = Reading(readings[777].ts, 12.0, NOW)
    clock.freeze(NOW + timedelta(hours=1))
    with database.transaction() as connection:
        make_home(connection)
        store_readings(connection, readings)
    run_to_the_end(database)
    with database.transaction() as connection:
        seen = store.curve(connection, "freezer-1", "temperature", span=7 * DAY, now=NOW)
    assert max(step.high[1] for step in seen.steps) == 12.0
    assert sum(step.readings for step in seen.steps) == 7 * 144 + 1
    assert None not in [value for _, value in line(seen.steps, longest_gap=timedelta(minutes=15))]
