"""The past of a device out of the database, and the proof: what the runner found live, a backtest finds again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from iot_service import clock
from iot_service.db import Connection, Database
from iot_service.errors import NotFoundError
from iot_service.model.device import ServiceState
from iot_service.model.reading import Sample, SampleKind
from iot_service.rules.backtesting.run import backtest
from iot_service.rules.backtesting.store import find_device, read_samples, read_subject
from iot_service.rules.runner import RuleRunner
from iot_service.rules.service_state import set_service_state
from tests.factories import insert, make_customer, make_device, make_home, make_site, make_subscription
from tests.rules.telemetry import SHIPPED, START, compiled, event, reading, series, store

MINUTE = timedelta(minutes=1)
FREEZER = compiled("freezer")
WATCHED = FREEZER.watched


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """A connection that commits each statement by itself."""
    with database._pool.connection() as connection:
        connection.autocommit = True
        yield connection
        connection.autocommit = False


def read(database: Database, *, until: datetime, at_once: int = 20_000, start: datetime = START) -> list[list[Sample]]:
    return list(read_samples(database, "freezer-1", WATCHED, start=start, until=until, at_once=at_once))


def live(database: Database, connection: Connection, until: datetime) -> list[dict[str, Any]]:
    """What the runner makes of what is stored, up to ``until``."""
    clock.freeze(until)
    runner = RuleRunner(database, SHIPPED)
    while runner.run_once():
        pass
    return connection.execute(
        "SELECT rule, opened_at, closed_at, reason, evidence FROM need ORDER BY opened_at, rule"
    ).fetchall()


@pytest.mark.parametrize("seed", range(3))
def test_a_backtest_finds_exactly_what_the_runner_found(database: Database, connection: Connection, seed: int) -> None:
    make_home(connection)
    chance = random.Random(seed)
    samples: list[Sample] = []
    temperature = -70.0
    for minute in range(600):
        temperature += chance.choice((-2.0, 1.0, 1.5)) if temperature > -85 else 5
        at = START + minute * MINUTE + timedelta(seconds=chance.randrange(20))
        if chance.random() < 0.93 and not 300 < minute < 340:
            samples.append(reading("temperature", at, temperature, received=at + timedelta(seconds=1)))
            samples.append(reading("power", at, float(minute % 97 > 6), received=at + timedelta(seconds=1)))
    store(connection, "freezer-1", samples)
    end = START + 640 * MINUTE
    needs = live(database, connection, end)
    until = connection.execute("SELECT max(evaluated_until) AS at FROM rule_state").fetchone()
    assert until is not None
    subject = read_subject(connection, "freezer-1", FREEZER, start=START - MINUTE)
    batches = read_samples(database, "freezer-1", WATCHED, start=START - MINUTE, until=end, at_once=100)
    result = backtest(
        FREEZER, SHIPPED.rules["freezer"], subject, batches, since=START - MINUTE, until=end, silence_until=until["at"]
    )
    assert len(needs) > 4
    assert [
        (n.rule, n.opened, n.resolved, n.why, n.evidence)
        for n in sorted(result.needs, key=lambda n: (n.opened, n.rule))
    ] == [(need["rule"], need["opened_at"], need["closed_at"], need["reason"], need["evidence"]) for need in needs]


def _order(sample: Sample) -> tuple[datetime, str, str]:
    return sample.ts, sample.kind, sample.name


@pytest.mark.parametrize("at_once", [2, 3, 10, 20_000])
def test_telemetry_is_read_in_order_and_cut_at_instants(
    database: Database, connection: Connection, at_once: int
) -> None:
    make_home(connection)
    samples = series(temperature="-70+1x30", door="0x30", ambient="20x30")
    samples += [event("opened", START + 3 * MINUTE), reading("temperature", START + 90 * timedelta(days=1), -5)]
    store(connection, "freezer-1", samples)
    batches = read(database, until=START + timedelta(days=100), at_once=at_once)
    together = [sample for batch in batches for sample in batch]
    assert [sample.ts for sample in together] == sorted(sample.ts for sample in together)
    watched = [sample for sample in samples if sample.name in {*WATCHED, "opened"}]
    assert sorted(together, key=_order) == sorted(watched, key=_order)
    for before, after in pairwise(batches):
        assert before[-1].ts < after[0].ts
    assert all(len({sample.ts for sample in batch}) <= at_once for batch in batches)


def test_the_ends_of_the_span_belong_to_it(database: Database, connection: Connection) -> None:
    make_home(connection)
    store(connection, "freezer-1", series(temperature="-70+1x9"))
    (batch,) = read(database, start=START + 2 * MINUTE, until=START + 4 * MINUTE)
    assert [sample.value for sample in batch] == [-68, -67, -66]
    assert read(database, until=START - MINUTE, start=START) == []


def test_history_that_was_imported_is_read_too(database: Database, connection: Connection) -> None:
    make_home(connection)
    store(connection, "freezer-1", series(temperature="-70x2"))
    connection.execute("UPDATE reading SET historic = true")
    assert len(read(database, until=START + MINUTE)[0]) == 2


def test_the_device_is_as_it_was_where_it_begins(database: Database, connection: Connection) -> None:
    make_home(connection, parameters={"band": 7.0})
    old = [reading("setpoint", START - timedelta(days=90), -60), reading("setpoint", START - timedelta(days=40), -65)]
    label = Sample(SampleKind.ATTRIBUTE, "firmware", START - MINUTE, START - MINUTE, "7.1")
    store(connection, "freezer-1", [*old, label, reading("setpoint", START, -30)])
    subject = read_subject(connection, "freezer-1", FREEZER, start=START)
    assert subject.state.readings == {"setpoint": (START - timedelta(days=40), -65)}
    assert subject.state.attributes == {"firmware": (START - MINUTE, "7.1")}
    assert subject.state.until == START - timedelta(microseconds=1)
    assert (subject.facts["band"], subject.facts["alarm_offset"]) == (7, 10)
    assert str(subject.zone) == "Europe/Oslo"


def test_supplies_and_the_subscription_are_facts(database: Database, connection: Connection) -> None:
    make_home(connection, id="coffee-1", product="coffee_machine", parameters={})
    make_subscription(connection)
    for day, supplied in ((-9, 100.0), (-1, 140.0), (3, 180.0)):
        insert(
            connection, "supply", device_id="coffee-1", consumable="capsules", at=START + timedelta(days=day),
            supplied=supplied, reason="delivered",
        )  # fmt: skip
    subject = read_subject(connection, "coffee-1", compiled("coffee_machine"), start=START)
    assert (subject.facts["lead_days"], subject.facts["capsules_supplied"]) == (4, 140)
    assert [(change.at, change.value) for change in subject.changes] == [(START + timedelta(days=3), 180)]


def test_the_service_state_is_that_of_the_time(database: Database, connection: Connection) -> None:
    make_home(connection, service_state="commissioning")

    def at(moment: datetime) -> ServiceState:
        return read_subject(connection, "freezer-1", FREEZER, start=moment).state.service_state

    assert at(START) is ServiceState.COMMISSIONING
    store(connection, "freezer-1", series(temperature="-70x10"))
    live(database, connection, START + 10 * MINUTE)
    assert at(START) is ServiceState.COMMISSIONING
    assert at(START + 8 * MINUTE) is ServiceState.IN_SERVICE
    later = START + 60 * MINUTE
    with connection.transaction():
        set_service_state(connection, "freezer-1", ServiceState.OUT_OF_SERVICE, reason="moved", actor="kari", now=later)
    assert at(later + MINUTE) is ServiceState.IN_SERVICE, "who backtests wants to see what its rules would have found"


def test_a_device_without_a_site_has_its_customer_s_time(connection: Connection) -> None:
    make_customer(connection, time_zone="Europe/Helsinki")
    make_site(connection, time_zone="Europe/London")
    make_device(connection, site_id=None)
    make_device(connection, id="freezer-2")
    places = [find_device(connection, name) for name in ("freezer-1", "freezer-2")]
    assert [str(place.zone) for place in places] == ["Europe/Helsinki", "Europe/London"]
    assert places[0].product == "freezer"


def test_a_device_that_is_not_there_is_said(connection: Connection) -> None:
    with pytest.raises(NotFoundError, match="there is no device 'freezer-9'"):
        find_device(connection, "freezer-9")
