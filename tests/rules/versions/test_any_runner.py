"""Readings and changes of rules, at whatever times, give the same needs with one runner and with two that restart."""

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
from iot_service.db import Database
from iot_service.errors import ConflictError, NotFoundError
from iot_service.model.reading import Sample
from iot_service.products.catalog import Catalog
from iot_service.rules.runner import RuleRunner
from iot_service.rules.versions import changing
from iot_service.rules.versions.changing import RuleName
from iot_service.rules.versions.version import Mode
from tests.factories import make_customer, make_device, make_site
from tests.rules.telemetry import SHIPPED, START, reading, store
from tests.rules.versions.changes import OPERATOR, judge, written

_numbers = count(1)
TEXTS: dict[str, tuple[dict[str, Any], ...]] = {
    "warm": (
        {"when": "temperature > -60", "for": "5m", "clear": "temperature < -65", "clear_for": "2m"},
        {"when": "temperature > -60", "for": "12m"},
        {"when": "temperature > -55"},
    ),
    "mean": (
        {"let": {"mean": "avg(temperature, 30m)"}, "when": "mean > -60", "clear": "mean < -63"},
        {"let": {"mean": "avg(temperature, 10m)"}, "when": "mean > -60", "for": "3m"},
    ),
    "silent": ({"absent_for": "15m"}, {"absent_for": "40m", "absent": ["power"]}),
}


@dataclass(frozen=True)
class Step:
    """What happens next: so many messages come, a rule is changed, and somebody judges."""

    messages: int
    rule: str
    change: str
    """``put``, ``delete``, or a mode to switch to."""
    text: int
    two: bool
    restart: bool


steps = st.builds(
    Step,
    messages=st.integers(0, 9),
    rule=st.sampled_from(sorted(TEXTS)),
    change=st.sampled_from(["put", "put", "delete", "live", "live", "shadow", "off", "none"]),
    text=st.integers(0, 2),
    two=st.booleans(),
    restart=st.booleans(),
)


def make_messages(chance: random.Random, messages: int) -> list[list[Sample]]:
    at, level, made = START, -70.0, []
    for _ in range(messages):
        at += chance.choice([5, 60, 60, 120, 300, 900, 1500]) * timedelta(seconds=1)
        if chance.random() < 0.3:
            level = chance.choice([-70.0, -64.0, -58.0, -50.0])
        values = {"temperature": level + chance.random() / 3, "power": 1.0}
        kept = chance.choice([["temperature"], ["temperature", "power"], ["power"]])
        made.append([reading(name, at, values[name]) for name in kept])
    return made


class Box:
    """A product of its own, a copy of the freezer, with one device."""

    def __init__(self, database: Database) -> None:
        self.name = f"box{next(_numbers)}"
        self.database = database
        model = SHIPPED.products["freezer"].model_copy(update={"id": self.name})
        self.catalog = Catalog(products={self.name: model}, services=SHIPPED.services, rules={})
        with database.transaction() as connection:
            make_device(connection, id=self.name, product=self.name)

    def runner(self) -> RuleRunner:
        return RuleRunner(self.database, self.catalog, recorded=True)

    def change(self, step: Step) -> None:
        """Change a rule as ``step`` says, where that can be."""
        name = RuleName(self.name, step.rule)
        by: dict[str, Any] = {"catalog": self.catalog, "author": OPERATOR, "now": clock.now()}
        texts = TEXTS[step.rule]
        with self.database.transaction() as connection:
            try:
                if step.change == "put":
                    text = written(**texts[step.text % len(texts)])
                    changing.put_rule(connection, name, text, mode=None, **by)
                elif step.change == "delete":
                    changing.delete_rule(connection, name, **by)
                elif step.change != "none":
                    changing.set_mode(connection, name, Mode(step.change), **by)
            except (NotFoundError, ConflictError):
                pass

    def live(self, messages: list[list[Sample]], plan: list[Step], *, alone: bool) -> None:
        """Let it all happen; ``alone`` with one runner that never restarts."""
        runners = [self.runner(), self.runner()]
        place, now = 0, START
        for step in plan:
            part = messages[place : place + step.messages]
            with self.database.transaction() as connection:
                store(connection, self.name, [sample for message in part for sample in message])
            now = part[-1][0].ts if part else now + timedelta(minutes=1)
            place += step.messages
            clock.freeze(now)
            if step.restart and not alone:
                runners[step.two] = self.runner()
            if step.text == 0:
                self.judge(runners, now, alone=alone, two=step.two)
            self.change(step)
            self.judge(runners, now, alone=alone, two=not step.two)
        self.judge(runners, now + timedelta(hours=2), alone=alone, two=False)

    def judge(self, runners: list[RuleRunner], now: datetime, *, alone: bool, two: bool) -> None:
        judge(runners[:1] if alone else runners[::-1] if two else runners, now)

    def outcome(self) -> dict[str, Any]:
        """All that came of it."""
        queries = {
            "needs": "SELECT rule, rule_version, state, opened_at, closed_at, reason, evidence FROM need"
            " WHERE device_id = %s ORDER BY opened_at, rule, id",
            "shadow": "SELECT rule, rule_version, state, opened_at, closed_at, reason, evidence, closed_reason"
            " FROM shadow_need WHERE device_id = %s ORDER BY opened_at, rule, id",
            "events": "SELECT type, at, reason, data FROM event WHERE device_id = %s ORDER BY at, reason",
            "place": "SELECT evaluated_until, late_readings, state - 'revision' AS state, error FROM rule_state"
            " WHERE device_id = %s",
        }
        with self.database.transaction() as connection:
            return {name: connection.execute(query, [self.name]).fetchall() for name, query in queries.items()}


@pytest.fixture
def home(database: Database) -> Database:
    with database.transaction() as connection:
        make_customer(connection)
        make_site(connection)
    return database


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), plan=st.lists(steps, min_size=3, max_size=14))
def test_one_runner_and_two_that_restart_come_to_the_same(home: Database, seed: int, plan: list[Step]) -> None:
    messages = make_messages(random.Random(seed), sum(step.messages for step in plan))
    first = [Step(0, rule, "put", 0, False, False) for rule in TEXTS]
    one, two = Box(home), Box(home)
    one.live(messages, [*first, *plan], alone=True)
    two.live(messages, [*first, *plan], alone=False)
    found, expected = two.outcome(), one.outcome()
    assert found == expected
    states = [(need["rule"], need["state"]) for need in found["needs"]]
    assert len([state for state in states if state[1] == "open"]) == len({s for s in states if s[1] == "open"})
