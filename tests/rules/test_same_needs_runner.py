"""The same stored readings give the same needs, whatever the runners: one at the end, or several that come and go."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iot_service import clock
from iot_service.db import Database
from iot_service.model.device import ServiceState
from iot_service.model.reading import Sample, SampleKind
from iot_service.products.catalog import Catalog
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.runner import RuleRunner
from tests.factories import make_customer, make_device, make_site
from tests.rules.rule_sets import MODEL, PRODUCT, Message, rule_sets, telemetry
from tests.rules.telemetry import store

_numbers = count(1)
_AFTER = timedelta(hours=2, minutes=1, seconds=17)  # when nothing of what is made up here falls due


@dataclass(frozen=True)
class Step:
    """So many messages are stored together and judged by one of three runners; what happens besides.

    ``again`` of the readings before are stored a second time, a runner with ``restart`` begins with an empty memory and
    takes bites of ``bite`` samples; ``look``: another runner looks in the silence before the next message.
    """

    messages: int
    runner: int
    again: int
    restart: bool
    bite: int
    look: bool


plans = st.lists(
    st.builds(
        Step,
        messages=st.sampled_from([1, 2, 5, 12]),
        runner=st.integers(0, 2),
        again=st.sampled_from([0, 0, 3, 40]),
        restart=st.booleans(),
        bite=st.sampled_from([5000, 7, 4]),
        look=st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


class Kiosk:
    """One device whose messages come in."""

    def __init__(self, database: Database, specs: Sequence[RuleSpec], service_state: ServiceState) -> None:
        self.database = database
        self.id = f"kiosk-{next(_numbers)}"
        self.catalog = Catalog(
            products={PRODUCT: MODEL}, services={}, rules={PRODUCT: {spec.id: spec for spec in specs}}
        )
        with database.transaction() as connection:
            make_device(connection, id=self.id, product=PRODUCT, service_state=service_state.value, parameters={})

    def runner(self, bite: int = 5000) -> RuleRunner:
        """A runner that remembers nothing."""
        return RuleRunner(self.database, self.catalog, samples_at_once=bite)

    def store(self, messages: Sequence[Message], *, received: datetime | None = None) -> None:
        """Store ``messages`` in one batch."""
        samples = [sample for message in messages for sample in message.samples]
        if received is not None:
            samples = [sample for sample in samples if sample.kind is SampleKind.READING]
        with self.database.transaction() as connection:
            store(connection, self.id, samples, received=received)

    def judge(self, runner: RuleRunner, now: datetime) -> None:
        """Do all that can be done at ``now``."""
        clock.freeze(now)
        rounds = 0
        while runner.run_once():
            rounds += 1
            assert rounds < 300, "the runner never comes to rest"

    def come(self, messages: Sequence[Message], plan: Sequence[Step]) -> None:
        """Let ``messages`` come as ``plan`` says, over and over until all are there."""
        runners = [self.runner(), self.runner(), self.runner()]
        place, number = 0, 0
        while place < len(messages):
            step = plan[number % len(plan)]
            until, number = min(place + step.messages, len(messages)), number + 1
            now = time_of(messages[until - 1])
            self.store(messages[place:until])
            self.judge(runners[step.runner], now)
            if step.again:
                self.store(messages[max(0, until - step.again) : until], received=now + timedelta(milliseconds=1))
            if step.restart:
                runners[step.runner] = self.runner(step.bite)
            if step.look and until < len(messages):
                self.judge(runners[step.runner - 1], now + 0.7 * (time_of(messages[until]) - now))
            place = until
        self.judge(runners[0], time_of(messages[-1]) + _AFTER)

    def result(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """All that the rules made of it, and what they remember."""
        with self.database.transaction() as connection:
            needs = connection.execute(
                "SELECT rule, severity, state, opened_at, closed_at, reason, evidence FROM need WHERE device_id = %s"
                " ORDER BY opened_at, rule, id",
                [self.id],
            ).fetchall()
            left = connection.execute(
                "SELECT rule_state.state - 'heard' AS state, evaluated_until, late_readings, error, service_state"
                " FROM rule_state JOIN device ON device.id = device_id WHERE device_id = %s",
                [self.id],
            ).fetchone()
        assert left is not None
        return needs, left


def time_of(message: Message) -> datetime:
    """When ``message`` was sent."""
    return message.samples[0].ts


@pytest.fixture
def home(database: Database) -> Database:
    """A database with a customer and a site."""
    with database.transaction() as connection:
        make_customer(connection)
        make_site(connection)
    return database


has_samples = telemetry(facts=False, most=40).map(lambda messages: [m for m in messages if m.samples]).filter(bool)
states = st.sampled_from([ServiceState.IN_SERVICE, ServiceState.COMMISSIONING])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(specs=rule_sets(), messages=has_samples, service_state=states, plan=plans)
def test_batches_redelivery_restarts_and_the_number_of_runners_change_nothing(
    home: Database, specs: list[RuleSpec], messages: list[Message], service_state: ServiceState, plan: list[Step]
) -> None:
    whole, parted = Kiosk(home, specs, service_state), Kiosk(home, specs, service_state)
    parted.come(messages, plan)
    whole.store(messages)
    whole.judge(whole.runner(), time_of(messages[-1]) + _AFTER)
    needs, left = parted.result()
    assert left["late_readings"] == 0
    assert (needs, left) == whole.result()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(specs=rule_sets(), messages=has_samples, late=st.sets(st.integers(0, 39), max_size=9), behind=st.integers(1, 9))
def test_where_readings_come_late_restarts_change_nothing_either(
    home: Database, specs: list[RuleSpec], messages: list[Message], late: set[int], behind: int
) -> None:
    one, other = (Kiosk(home, specs, ServiceState.IN_SERVICE) for _ in range(2))
    order = sorted(range(len(messages)), key=lambda place: (place + behind if place in late else place, place in late))
    remembers = one.runner()
    now = time_of(messages[0])
    for place in order:
        message = messages[place]
        now = max(now + timedelta(milliseconds=1), time_of(message))
        for kiosk, runner in ((one, remembers), (other, other.runner())):
            kiosk.store([received_at(message, now)])
            kiosk.judge(runner, now)
    for kiosk in (one, other):
        kiosk.judge(kiosk.runner(), now + _AFTER)
    assert one.result() == other.result()


def received_at(message: Message, now: datetime) -> Message:
    """``message`` as it is stored when it comes at ``now``."""
    return Message(tuple(sample._replace(received_at=now) for sample in message.samples))


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(specs=rule_sets(), messages=has_samples)
def test_workers_that_share_many_devices_find_the_same_on_each(
    home: Database, specs: list[RuleSpec], messages: list[Message]
) -> None:
    kiosks = [Kiosk(home, specs, ServiceState.IN_SERVICE) for _ in range(9)]
    runners = [RuleRunner(home, kiosks[0].catalog, devices_at_once=2) for _ in range(3)]
    size = max(1, len(messages) // 5)
    ends = [*(time_of(message) for message in messages[size - 1 :: size]), time_of(messages[-1]) + _AFTER]
    with ThreadPoolExecutor(len(runners)) as threads:
        for place, now in enumerate(ends):
            for kiosk in kiosks:
                kiosk.store(messages[place * size : (place + 1) * size])
            clock.freeze(now)
            for done in [threads.submit(work, runner) for runner in runners]:
                done.result()
    first, *others = [kiosk.result() for kiosk in kiosks]
    assert all(other == first for other in others)
    whole = Kiosk(home, specs, ServiceState.IN_SERVICE)
    whole.store(messages)
    whole.judge(whole.runner(), time_of(messages[-1]) + _AFTER)
    assert first == whole.result()


def work(runner: RuleRunner) -> None:
    """Let ``runner`` work until there is nothing left that no other one holds."""
    idle = 0
    while idle < 3:
        idle = 0 if runner.run_once() else idle + 1


def test_what_is_made_up_makes_needs(home: Database) -> None:
    spec = RuleSpec.model_validate(
        {"id": "warm", "kind": "fault", "severity": "high", "title": {"nb": "Varm", "en": "Warm"}, "when": "door > 0.5"}
    )
    kiosk = Kiosk(home, [spec], ServiceState.IN_SERVICE)
    at = datetime.fromisoformat("2026-11-20T14:30:00Z")
    kiosk.come([Message((Sample(SampleKind.READING, "door", at, at, 1.0),))], [Step(1, 0, 0, True, 4, True)])
    assert [need["rule"] for need in kiosk.result()[0]] == ["warm"]
