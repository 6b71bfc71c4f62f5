"""A series shows every peak, tells gaps from zeros, and equals what is stored, up to now."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_service import clock
from iot_service.db import Database
from iot_service.errors import InvalidInputError
from iot_service.history.series import Asked, Series, find_series
from iot_service.history.spans import DAY, HOUR, MINUTE, WIDTHS
from iot_service.model.device import Device, ServiceState
from iot_service.products.catalog import Catalog, load_catalog
from iot_service.products.model import ProductModel, Retention
from tests.factories import NOW, insert, make_home
from tests.history.readings import Reading, clear, run_to_the_end, store, summed
from tests.history.test_rollups import ROUGHLY, play, same, waves_of_readings

FREEZER = Device("freezer-1", "freezer", "anna", None, "Fryser", ServiceState.IN_SERVICE)
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture
def freezer(catalog: Catalog) -> ProductModel:
    return catalog.products["freezer"]


def find(database: Database, product: ProductModel, span: timedelta, **over: object) -> Series:
    """The series of the freezer's temperature over the ``span`` before the clock's time."""
    now = clock.now()
    values = {"since": now - span, "until": now, **over}
    with database.transaction() as connection:
        return find_series(connection, FREEZER, product, Asked("temperature", **values), now=now)  # type: ignore[arg-type]


@ROUGHLY
@given(waves=waves_of_readings, width=st.sampled_from(sorted(WIDTHS)), minutes=st.booleans())
def test_a_series_equals_the_readings_right_up_to_now(
    database: Database, freezer: ProductModel, waves: list[list[tuple[int, float]]], width: str, minutes: bool
) -> None:
    """Runs stop before the last wave is rolled up, so rollups, what is due and the tail must fit together."""
    with database.transaction() as connection:
        clear(connection)
        connection.execute("TRUNCATE customer CASCADE")
        make_home(connection)
    product = freezer if minutes else freezer.model_copy(update={"retention": Retention(minutes=timedelta(0))})
    no_minutes = [] if minutes else ["freezer"]
    readings = play(database, waves, no_minutes=no_minutes)
    at = clock.now() + timedelta(seconds=200)
    clock.freeze(at)
    fresh = [Reading(at - age * SECOND, float(age), at - age * SECOND) for age in (1, 30, 100)]
    with database.transaction() as connection:
        store(connection, fresh)
    run_to_the_end(database, no_minutes=no_minutes)
    found = find(database, product, 10 * DAY, resolution=width)
    same(found.bins, summed([*readings, *fresh], WIDTHS[width]))


def test_what_is_due_is_computed_from_what_is_finer(database: Database, freezer: ProductModel) -> None:
    readings = [Reading(NOW + number * MINUTE, float(number % 7), NOW + number * MINUTE) for number in range(3000)]
    clock.freeze(NOW + 3000 * MINUTE)
    with database.transaction() as connection:
        store(connection, readings)
    run_to_the_end(database)
    with database.transaction() as connection:  # the rows are wrong, and known to be
        connection.execute("UPDATE reading_hour SET highest = 99 WHERE bucket = %s", [NOW + 5 * HOUR])
        connection.execute("UPDATE reading_minute SET highest = 99 WHERE bucket = %s", [NOW + 7 * HOUR])
        for level, hours in (("hour", 5), ("minute", 7)):
            insert(connection, "rollup_due", device_id="freezer-1", metric="temperature", level=level,
                   bucket=NOW + timedelta(hours=hours))  # fmt: skip
    for name in ("1m", "15m", "1h", "6h", "1d"):
        assert find(database, freezer, 4 * DAY, resolution=name).bins == summed(readings, WIDTHS[name]), name


@pytest.mark.parametrize(
    ("span", "resolution"),
    [(HOUR, "raw"), (DAY, "1m"), (2 * DAY, "5m"), (7 * DAY, "15m"), (60 * DAY, "1h"), (300 * DAY, "1d")],
)
def test_no_peak_vanishes_in_any_resolution(
    database: Database, freezer: ProductModel, span: timedelta, resolution: str
) -> None:
    chance = random.Random(7)
    clock.freeze(NOW)
    step = max(span / 4000, SECOND * 20)
    readings = [Reading(NOW - number * step, chance.gauss(-70, 1), NOW) for number in range(1, int(span / step))]
    peak, dip = chance.sample(readings, 2)
    readings = [each for each in readings if each not in (peak, dip)]
    readings += [Reading(peak.ts, 12.0, NOW), Reading(dip.ts, -99.0, NOW)]
    with database.transaction() as connection:
        store(connection, readings)
    clock.freeze(NOW + 2 * MINUTE)
    run_to_the_end(database)
    clock.freeze(NOW)
    found = find(database, freezer, span, points=500 if resolution == "1d" else 2000)
    assert found.resolution == resolution
    assert len(found.bins) <= 2000
    assert (max(each.highest for each in found.bins), min(each.lowest for each in found.bins)) == (12.0, -99.0)
    assert sum(each.readings for each in found.bins) == len(readings)


def test_few_readings_are_shown_as_they_are_however_long_the_span(database: Database, freezer: ProductModel) -> None:
    readings = [Reading(NOW - number * DAY, float(number), NOW) for number in range(1, 101)]
    clock.freeze(NOW + HOUR)
    with database.transaction() as connection:
        store(connection, readings)
    run_to_the_end(database)
    found = find(database, freezer, 365 * DAY)
    assert found.resolution == "raw"
    assert [each.last for each in found.bins] == [float(number) for number in range(100, 0, -1)]


def test_a_gap_is_told_apart_from_zeros(database: Database, freezer: ProductModel) -> None:
    """The metric's max_age is 15 minutes."""
    clock.freeze(NOW)
    silent = range(60, 100)
    readings = [Reading(NOW - number * MINUTE, 0.0, NOW) for number in range(1, 200) if number not in silent]
    with database.transaction() as connection:
        store(connection, readings)
    found = find(database, freezer, 200 * MINUTE)
    assert [(gap.since, gap.until) for gap in found.gaps] == [(NOW - 100 * MINUTE, NOW - 59 * MINUTE)]
    assert {each.mean for each in found.bins} == {0.0}
    assert all(not gap.since < each.at < gap.until for each in found.bins for gap in found.gaps)


def test_silence_up_to_now_is_a_gap_but_not_what_is_still_to_come(database: Database, freezer: ProductModel) -> None:
    clock.freeze(NOW)
    with database.transaction() as connection:
        store(connection, [Reading(NOW - HOUR - number * MINUTE, 1.0, NOW) for number in range(60)])
    found = find(database, freezer, 2 * HOUR, until=NOW + DAY)
    assert [(gap.since, gap.until) for gap in found.gaps] == [(NOW - HOUR, NOW)]
    with database.transaction() as connection:
        store(connection, [Reading(NOW - number * MINUTE, 1.0, NOW) for number in range(60)])
    assert find(database, freezer, 2 * HOUR, until=NOW + DAY).gaps == []


def test_where_nothing_was_ever_measured_all_is_one_gap(database: Database, freezer: ProductModel) -> None:
    clock.freeze(NOW)
    found = find(database, freezer, 5 * DAY)
    assert (found.bins, [(gap.since, gap.until) for gap in found.gaps]) == ([], [(NOW - 5 * DAY, NOW)])


def test_more_points_than_anyone_can_look_at_are_refused_with_what_to_do(
    database: Database, freezer: ProductModel
) -> None:
    clock.freeze(NOW)
    with database.transaction() as connection:
        store(connection, [Reading(NOW - 300 * DAY, 1.0, NOW)])
    with pytest.raises(InvalidInputError, match="coarser one or a shorter span"):
        find(database, freezer, 365 * DAY, resolution="1m")


def test_a_span_whose_readings_are_gone_is_shown_from_what_is_still_kept(
    database: Database, freezer: ProductModel
) -> None:
    readings = [Reading(NOW - number * 30 * MINUTE, float(number), NOW) for number in range(1, 480)]
    clock.freeze(NOW + HOUR)
    with database.transaction() as connection:
        store(connection, readings)
    run_to_the_end(database)
    with database.transaction() as connection:
        connection.execute("TRUNCATE reading, reading_minute")
        insert(connection, "kept_since", product="freezer", readings=NOW, minutes=NOW)
    clock.freeze(NOW)
    found = find(database, freezer, 9 * DAY)
    assert found.resolution == "1h"
    assert found.bins[1:] == summed(readings, HOUR)[-len(found.bins) + 1 :]
