"""Each product's readings and rollups go when their time is over; rollups outlive readings."""

from __future__ import annotations

from datetime import datetime

import pytest

from iot_service import clock
from iot_service.db import Database
from iot_service.history.keeper import RetentionRunner
from iot_service.history.spans import DAY, HOUR
from iot_service.products.catalog import Catalog, load_catalog
from iot_service.products.model import Retention
from tests.factories import NOW, insert, make_device, make_home
from tests.history.readings import Reading, rolled_up, run_to_the_end, store, summed

DEFAULT = 100 * DAY


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """Freezers keep readings for 10 days, minutes for 20, hours for 30; cars keep readings as the setting says."""
    loaded = load_catalog()
    kept = Retention(readings=10 * DAY, minutes=20 * DAY, hours=30 * DAY, days=40 * DAY)
    freezer = loaded.products["freezer"].model_copy(update={"retention": kept})
    return loaded.model_copy(update={"products": {**loaded.products, "freezer": freezer}})


def every_six_hours(device: str, *, days: int) -> list[Reading]:
    return [Reading(NOW - number * 6 * HOUR, float(number % 5), NOW, device) for number in range(1, days * 4)]


@pytest.fixture
def kept(database: Database) -> Database:
    """A freezer and a car with 120 days behind them, rolled up."""
    with database.transaction() as connection:
        make_home(connection)
        make_device(connection, id="car-1", product="car", parameters={})
        for device in ("freezer-1", "car-1"):
            store(connection, every_six_hours(device, days=120))
    clock.freeze(NOW + 2 * DAY)
    run_to_the_end(database)
    return database


def sweep(database: Database, catalog: Catalog) -> int:
    """Let retention do all there is to do; how many steps that took."""
    runner = RetentionRunner(database, catalog, default=DEFAULT)
    steps = 0
    while runner.run_once():
        steps += 1
    return steps


def oldest(database: Database, table: str, device: str) -> datetime:
    column = "ts" if table == "reading" else "bucket"
    with database.transaction() as connection:
        row = connection.execute(f"SELECT min({column}) AS at FROM {table} WHERE device_id = %s", [device]).fetchone()
    assert row is not None
    found: datetime = row["at"]
    return found


def test_each_product_keeps_its_own_time(kept: Database, catalog: Catalog) -> None:
    at = NOW + 2 * DAY
    assert sweep(kept, catalog) > 0
    midnight = at.replace(hour=0)
    assert oldest(kept, "reading", "freezer-1") == midnight - 10 * DAY
    assert oldest(kept, "reading_minute", "freezer-1") == midnight - 20 * DAY
    assert oldest(kept, "reading_hour", "freezer-1") == midnight - 30 * DAY
    assert oldest(kept, "reading_day", "freezer-1") == midnight - 40 * DAY
    # A chunk goes as a whole, so the readings of who keeps them longest may stay for the time that one spans.
    assert midnight - 107 * DAY <= oldest(kept, "reading", "car-1") <= midnight - 100 * DAY
    assert oldest(kept, "reading_minute", "car-1") == midnight - 100 * DAY
    assert oldest(kept, "reading_hour", "car-1") < midnight - 115 * DAY


def test_it_is_done_once_a_day(kept: Database, catalog: Catalog) -> None:
    sweep(kept, catalog)
    assert sweep(kept, catalog) == 0
    clock.freeze(NOW + 3 * DAY)
    run_to_the_end(kept)
    assert sweep(kept, catalog) > 0


def test_many_readings_go_in_small_steps(database: Database, catalog: Catalog) -> None:
    with database.transaction() as connection:
        make_home(connection)
        connection.execute(
            "INSERT INTO reading (device_id, metric, ts, value, received_at)"
            " SELECT 'freezer-1', metric, %(at)s - number * interval '1 minute', 1, %(at)s"
            " FROM generate_series(1, 13000) AS number, unnest(ARRAY['temperature', 'setpoint']) AS metric",
            {"at": NOW - 12 * DAY},
        )
    clock.freeze(NOW)
    run_to_the_end(database)
    assert sweep(database, catalog) >= 4
    with database.transaction() as connection:
        assert connection.execute("SELECT FROM reading").fetchall() == []
        assert len(rolled_up(connection, "hour")) == 217


def test_a_late_reading_does_not_change_a_rollup_whose_readings_are_gone(kept: Database, catalog: Catalog) -> None:
    sweep(kept, catalog)
    with kept.transaction() as connection:
        before = rolled_up(connection, "hour"), rolled_up(connection, "day")
        store(connection, [Reading(NOW - 15 * DAY + HOUR / 2, 99.0, NOW + 2 * DAY)])
    clock.freeze(NOW + 2 * DAY + HOUR)
    run_to_the_end(kept)
    with kept.transaction() as connection:
        assert (rolled_up(connection, "hour"), rolled_up(connection, "day")) == before


def test_nothing_goes_before_it_is_rolled_up(database: Database, catalog: Catalog) -> None:
    readings = every_six_hours("freezer-1", days=30)
    with database.transaction() as connection:
        make_home(connection)
        store(connection, readings)
    clock.freeze(NOW + HOUR)
    assert sweep(database, catalog) == 0
    run_to_the_end(database)
    with database.transaction() as connection:
        insert(connection, "rollup_due", device_id="freezer-1", metric="temperature", level="hour",
               bucket=NOW - 20 * DAY)  # fmt: skip
    assert sweep(database, catalog) == 0
    run_to_the_end(database)
    assert sweep(database, catalog) > 0
    with database.transaction() as connection:
        assert rolled_up(connection, "day") == summed(readings, DAY)[:-1]  # the last is not over
