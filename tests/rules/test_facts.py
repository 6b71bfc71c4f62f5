"""Facts about devices: services that were done, known to the rules whatever the batches and restarts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from iot_service import clock
from iot_service.booking import appointments
from iot_service.db import Connection, Database
from iot_service.db.events import record as record_event
from iot_service.errors import InvalidInputError, NotFoundError
from iot_service.model.event import Event, EventType
from iot_service.rules.facts import Serviced, facts_of, put_fact, record_service
from iot_service.rules.runner import RuleRunner
from iot_service.rules.serviced import ServicedRunner
from iot_service.rules.windows import EPOCH
from tests.factories import make_device, make_home, make_technician, make_workshop
from tests.rules.telemetry import SHIPPED, START, reading, store

DAY = timedelta(days=1)


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """A connection that commits each statement by itself, to write and read around the runners."""
    with database._pool.connection() as connection:
        connection.autocommit = True
        yield connection
        connection.autocommit = False


@pytest.fixture
def car(connection: Connection) -> str:
    make_home(connection)
    make_device(connection, id="car-1", product="car", parameters={})
    return "car-1"


def run(database: Database, at: datetime) -> None:
    clock.freeze(at)
    runner = RuleRunner(database, SHIPPED)
    for _ in range(1000):
        if not runner.run_once():
            return
    raise AssertionError("the runner never comes to rest")


def needs(connection: Connection) -> list[tuple[str, str]]:
    rows = connection.execute("SELECT rule, state FROM need ORDER BY id").fetchall()
    return [(row["rule"], row["state"]) for row in rows]


def done(at: datetime, **readings: float) -> Serviced:
    return Serviced("car-1", "annual_service", at, readings)


def record(connection: Connection, service: Serviced, now: datetime = START) -> dict[str, float] | None:
    found = record_service(connection, service, catalog=SHIPPED, actor="test", now=now)
    return dict(found) if found is not None else None


def test_a_service_is_due_and_over_once_it_was_done(database: Database, connection: Connection, car: str) -> None:
    record(connection, done(START - 200 * DAY, odometer=30_000.0))
    store(connection, car, [reading("odometer", START + day * DAY, 43_000.0 + 100 * day) for day in range(10)])
    run(database, START + 10 * DAY)
    assert needs(connection) == [("service_due", "open")]
    need = connection.execute("SELECT reason FROM need").fetchone()
    assert need is not None
    assert "of 15,000 km since the last service on 2026-05-05" in need["reason"]
    assert record(connection, done(START + 10 * DAY), START + 10 * DAY) == {"odometer": 43_900.0}
    run(database, START + 11 * DAY)
    assert needs(connection) == [("service_due", "resolved")]


def test_a_completed_appointment_counts_the_plan_anew(database: Database, connection: Connection, car: str) -> None:
    make_workshop(connection)
    make_technician(connection, workshop_id="oslo", skills=["car"])
    record(connection, done(START - 360 * DAY, odometer=30_000.0))
    store(connection, car, [reading("odometer", START, 31_000.0)])
    run(database, START + DAY)
    assert needs(connection) == [("service_due", "open")]
    with database.transaction() as held:
        service = SHIPPED.services["annual_service"]
        visit = appointments.book(
            held, device_id=car, services=[service], earliest=START + DAY, reason="test", actor="test", now=START + DAY
        )
        appointments.complete(held, visit.id, actor="test", now=START + 5 * DAY)
    runner = ServicedRunner(database, SHIPPED)
    clock.freeze(START + 5 * DAY)
    assert (runner.run_once(), runner.run_once()) == (1, 0)
    at, value = facts_of(connection, car)["annual_service_odometer"]
    assert (at, value) == (START + 5 * DAY, 31_000.0)
    run(database, START + 7 * DAY)
    assert needs(connection) == [("service_due", "resolved")]


def test_a_completed_job_counts_its_plan_anew_and_no_other(
    database: Database, connection: Connection, car: str
) -> None:
    for service in ("annual_service", "tyre_check"):
        completed = Event(
            EventType.JOB_COMPLETED, START, "1", "Technician kari is done.", device_id=car, data={"service": service}
        )
        record_event(connection, completed)
    clock.freeze(START + timedelta(minutes=1))
    assert ServicedRunner(database, SHIPPED).run_once() == 2
    assert {name: at for name, (at, _) in facts_of(connection, car).items()} == {"annual_service_at": START}


def test_what_was_said_is_kept_once_with_an_event(connection: Connection, car: str) -> None:
    service = done(START - DAY, odometer=12_400.0)
    assert record(connection, service) == {"odometer": 12_400.0}
    assert record(connection, service) is None
    [event] = connection.execute("SELECT * FROM event WHERE type = 'device.serviced'").fetchall()
    assert event["reason"] == "The service annual_service was done at odometer 12400."
    assert facts_of(connection, car) == {
        "annual_service_at": (START - DAY, (START - DAY - EPOCH) / DAY),
        "annual_service_odometer": (START - DAY, 12_400.0),
    }


def test_a_reading_that_is_not_said_is_the_one_that_was_reported_then(connection: Connection, car: str) -> None:
    store(connection, car, [reading("odometer", START + day * DAY, 100.0 * day) for day in range(5)])
    assert record(connection, done(START + 2.5 * DAY), START + 5 * DAY) == {"odometer": 200.0}
    assert record(connection, done(START - 50 * DAY), START + 5 * DAY) == {"odometer": 0.0}, "the first one after it"


def test_a_car_that_never_reported_is_counted_from_its_first_reading(connection: Connection, car: str) -> None:
    assert record(connection, done(START - DAY)) == {}
    assert set(facts_of(connection, car)) == {"annual_service_at"}


def test_what_cannot_be_is_refused(connection: Connection, car: str) -> None:
    for service, field in (
        (Serviced(car, "tyre_check", START, {}), "service"),
        (done(START, speed=3.0), "readings.speed"),
        (done(START, odometer=float("nan")), "readings.odometer"),
        (done(START + DAY), "at"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            record(connection, service)
        assert caught.value.field == field
    with pytest.raises(NotFoundError):
        record(connection, Serviced("car-9", "annual_service", START, {}))


def test_a_fact_that_is_unknown_from_then_on_is_so_to_the_rules(
    database: Database, connection: Connection, car: str
) -> None:
    assert car
    put_fact(connection, "freezer-1", "compressor_share_vs_peers", 1.5, at=START - DAY, source="test")
    put_fact(connection, "freezer-1", "compressor_share_vs_peers", None, at=START + DAY, source="test")
    hours = [reading("temperature", START + hour * timedelta(minutes=10), -70.0) for hour in range(6 * 24 * 4)]
    store(connection, "freezer-1", hours)
    run(database, START + 4 * DAY)
    assert needs(connection) == [], "it held for two days only, from when it was heard"
    assert "compressor_share_vs_peers" not in facts_of(connection, "freezer-1")
    state = connection.execute("SELECT state FROM rule_state WHERE device_id = 'freezer-1'").fetchone()
    assert state is not None
    assert "compressor_share_vs_peers" not in state["state"]["facts"]
