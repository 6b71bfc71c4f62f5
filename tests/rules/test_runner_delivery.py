"""However readings come in (in batches, twice, to several runners, across restarts) they give the same needs."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iot_service import clock
from iot_service.db import Connection, Database
from iot_service.model.reading import Sample
from iot_service.products.catalog import Catalog
from iot_service.rules.runner import RuleRunner
from tests.factories import make_customer, make_device, make_site
from tests.rules.telemetry import SHIPPED, START, reading, rule, store

MINUTE = timedelta(minutes=1)
MILLISECOND = timedelta(milliseconds=1)
DELAY = 800 * MILLISECOND  # at the most from a measurement to its receipt, where a device is live
WEEK = timedelta(days=7)
_numbers = count(1)

RULES = Catalog(
    products=SHIPPED.products,
    services=SHIPPED.services,
    rules={
        "freezer": {
            **SHIPPED.rules["freezer"],
            "warm_on_average": rule(
                "warm_on_average", let={"mean": "avg(temperature, 30m)"}, when="mean > -60", clear="mean < -65"
            ),
            "few": rule("few", let={"heard": "count(temperature, 20m)"}, when="heard < 3", **{"for": "5m"}),
            "rose": rule("rose", let={"rise": "delta(temperature, 40m)"}, when="rise > 12", clear_for="3m"),
        }
    },
)


@dataclass(frozen=True)
class Batch:
    """Messages that are stored together, and what the runners do then."""

    messages: int
    runner: int
    restart: bool
    again: int
    """So many of the messages before are stored a second time."""
    bite: int


batches = st.builds(
    Batch,
    messages=st.integers(1, 9),
    runner=st.integers(0, 1),
    restart=st.booleans(),
    again=st.sampled_from([0, 0, 3, 100]),
    bite=st.sampled_from([5000, 7, 4]),
)


def make_messages(chance: random.Random, messages: int) -> list[list[Sample]]:
    """Messages in order of time; some share their instant, some come long after the one before."""
    made: list[list[Sample]] = []
    at, level = START, -70.0
    for number in range(messages):
        if number and chance.random() > 0.15:
            at += chance.choice([5, 30, 60, 60, 60, 120, 300, 600, 900, 1100]) * timedelta(seconds=1)
        if chance.random() < 0.25:
            level = chance.choice([-70.0, -66.0, -58.0, -50.0])
        values = {"temperature": level + chance.random() / 3, "power": chance.choice([1.0, 1.0, 1.0, 0.0])}
        kept = chance.choice([["temperature"], ["temperature", "power"], ["power"]])
        made.append([reading(name, at, values[name]) for name in kept])
    return made


def outcome(database: Database, device: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """All that the rules made of one device."""
    with database.transaction() as connection:
        found = connection.execute(
            "SELECT rule, state, opened_at, closed_at, reason, evidence FROM need WHERE device_id = %s"
            " ORDER BY opened_at, rule, id",
            [device],
        ).fetchall()
        left = connection.execute(
            "SELECT state - 'heard' AS state, evaluated_until, late_readings, error FROM rule_state"
            " WHERE device_id = %s AND NOT EXISTS (SELECT 1 FROM touched)",
            [device],
        ).fetchone()
    assert left is not None
    return found, left


class Delivery:
    """One device whose messages come in, received live or all together a week later."""

    def __init__(self, database: Database, messages: list[list[Sample]], chance: random.Random, *, live: bool) -> None:
        self.database = database
        self.device = f"freezer-{next(_numbers)}"
        self.messages = messages
        self.chance = chance
        self.received: list[datetime] = []
        last = START
        for message in messages:
            last = max(message[0].ts + chance.random() * DELAY if live else START + WEEK, last + MILLISECOND)
            self.received.append(last)
        with database.transaction() as connection:
            make_device(connection, id=self.device, site_id=None)  # devices of one site share needs

    def store(self, connection: Connection, places: range, *, received: datetime | None = None) -> None:
        """Store the messages at ``places`` in one batch, with one to-do row, as ingest does."""
        samples = [
            reading(sample.name, sample.ts, float(str(sample.value)), received=received or self.received[place])
            for place in places
            for sample in self.messages[place]
        ]
        store(connection, self.device, samples)

    def come(self, plan: list[Batch]) -> None:
        """Let the messages come as ``plan`` says, over and over until all are there; judge them after each batch."""
        runners = [RuleRunner(self.database, RULES), RuleRunner(self.database, RULES)]
        place, step = 0, 0
        while place < len(self.messages):
            batch = plan[step % len(plan)]
            until = min(place + batch.messages, len(self.messages))
            with self.database.transaction() as connection:
                self.store(connection, range(place, until))
            now = self.received[until - 1]
            self.judge(runners[batch.runner], now)
            if batch.again:
                with self.database.transaction() as connection:
                    self.store(connection, range(max(0, until - batch.again), until), received=now + MILLISECOND / 2)
            if batch.restart:
                runners[batch.runner] = RuleRunner(self.database, RULES, samples_at_once=batch.bite)
            if until < len(self.messages):
                later = now + self.chance.random() * (self.received[until] - now)
                self.judge(runners[1 - batch.runner], later)
            place, step = until, step + 1
        self.judge(runners[0], self.received[-1] + timedelta(hours=2))

    def judge(self, runner: RuleRunner, now: datetime) -> None:
        """Do all that can be done at ``now``."""
        clock.freeze(now)
        rounds = 0
        while runner.run_once():
            rounds += 1
            assert rounds < 300, "the runner never comes to rest"


@pytest.fixture
def home(database: Database) -> Database:
    """A database with a customer and a site."""
    with database.transaction() as connection:
        make_customer(connection)
        make_site(connection)
    return database


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), size=st.integers(5, 60), live=st.booleans(), plan=st.lists(batches, min_size=1))
def test_the_same_needs_come_of_every_delivery(
    home: Database, seed: int, size: int, live: bool, plan: list[Batch]
) -> None:
    messages = make_messages(random.Random(seed), size)
    whole = Delivery(home, messages, random.Random(seed), live=False)
    whole.come([Batch(len(messages), 0, False, 0, 5000)])
    parted = Delivery(home, messages, random.Random(seed), live=live)
    parted.come(plan)
    expected, place = outcome(home, whole.device)
    assert expected, "a device that falls silent has a need at the least"
    assert place["late_readings"] == 0
    assert outcome(home, parted.device) == (expected, place)
