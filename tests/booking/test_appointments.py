"""Appointments: booked, moved, cancelled, carried out; and never two at once where there is room for one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from iot_service.booking import appointments, availability
from iot_service.booking.appointment import Appointment
from iot_service.db import Connection, Database, Jsonb
from iot_service.errors import ConflictError, NotFoundError
from iot_service.model.work import AppointmentState
from iot_service.products.catalog import load_catalog
from tests.factories import (
    NOW,
    OPENING_HOURS,
    make_customer,
    make_device,
    make_home,
    make_need,
    make_technician,
    make_workshop,
)

CATALOG = load_catalog()
SERVICE = CATALOG.services["annual_service"]  # two hours
TYRES = CATALOG.services["tyre_change_winter"]  # 45 minutes
MONDAY_8 = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)  # 08:00 in Oslo; NOW is the Saturday before
HOUR = timedelta(hours=1)


def make_car(connection: Connection) -> None:
    make_home(connection, id="car-1", product="car", parameters={})
    make_workshop(connection)
    make_technician(connection, workshop_id="oslo", id="per", name="Per", skills=["car"])


def book(
    connection: Connection, *, device_id: str = "car-1", earliest: datetime = NOW, exact: bool = False
) -> Appointment:
    return appointments.book(
        connection,
        device_id=device_id,
        services=[SERVICE],
        earliest=earliest,
        latest=earliest if exact else None,
        reason="The car reached its service interval.",
        actor="service",
        now=NOW,
    )


def move(connection: Connection, appointment: Appointment, starts_at: datetime, **over: str | None) -> Appointment:
    who = over.get("customer_id", "anna")
    return appointments.move(
        connection, appointment.id, starts_at=starts_at, customer_id=who, actor="anna", catalog=CATALOG, now=NOW
    )


def told(connection: Connection) -> list[str]:
    rows = connection.execute("SELECT type FROM event WHERE type LIKE 'appointment.%' ORDER BY id").fetchall()
    return [row["type"].partition(".")[2] for row in rows]


def test_the_first_free_time_is_booked_with_a_bay_and_a_technician(database: Database) -> None:
    with database.transaction() as connection:
        make_car(connection)
        booked = book(connection)
        assert (booked.starts_at, booked.ends_at) == (MONDAY_8, MONDAY_8 + 2 * HOUR)
        assert (booked.state, booked.price, booked.currency) == (AppointmentState.BOOKED, SERVICE.price, "NOK")
        held = connection.execute("SELECT count(*) AS n FROM resource_booking").fetchone()
        assert held == {"n": 2}
        event = connection.execute("SELECT * FROM event WHERE type = 'appointment.booked'").fetchone()
        assert event is not None
        assert event["data"]["starts_at"] == MONDAY_8.isoformat()
        assert event["reason"] == "The car reached its service interval."


def test_several_services_are_done_in_one_go(database: Database) -> None:
    with database.transaction() as connection:
        make_car(connection)
        booked = appointments.book(
            connection,
            device_id="car-1",
            services=[SERVICE, TYRES],
            earliest=NOW,
            reason="Both.",
            actor="anna",
            now=NOW,
        )
        assert booked.ends_at - booked.starts_at == SERVICE.duration + TYRES.duration
        assert booked.price == SERVICE.price + TYRES.price
        assert booked.services == ("annual_service", "tyre_change_winter")


def test_the_next_customer_gets_the_next_time(database: Database) -> None:
    with database.transaction() as connection:
        make_car(connection)
        make_device(connection, id="car-2", product="car")
        assert [book(connection).starts_at, book(connection, device_id="car-2").starts_at] == [
            MONDAY_8, MONDAY_8 + 2 * HOUR
        ]  # fmt: skip


def test_one_car_is_never_in_two_bays_at_once(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection, id="car-1", product="car", parameters={})
        make_workshop(connection, bays=("Bay 1", "Bay 2"))
        for name in ("per", "liv"):
            make_technician(connection, workshop_id="oslo", id=name, skills=["car"])
        assert book(connection).ends_at <= book(connection).starts_at


def test_the_nearest_workshop_that_serves_the_product_comes_first(database: Database) -> None:
    with database.transaction() as connection:
        make_car(connection)
        make_workshop(connection, id="drammen", latitude=59.74, longitude=10.20)
        make_workshop(connection, id="boats", latitude=59.913, longitude=10.752, products=["boat"])
        make_technician(connection, workshop_id="drammen", id="liv", skills=["car"])
        assert book(connection).workshop_id == "oslo"
        connection.execute("UPDATE workshop SET closed_on = ARRAY(SELECT d::date FROM generate_series("
                           "'2026-11-01'::date, '2027-02-01'::date, '1 day') AS d) WHERE id = 'oslo'")  # fmt: skip
        assert book(connection).workshop_id == "drammen"


def test_where_no_workshop_has_a_free_time_people_are_told_what_to_do(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection, id="car-1", product="car", parameters={})
        make_workshop(connection)  # nobody works there
        with pytest.raises(ConflictError, match="please call us"):
            book(connection)
        with pytest.raises(ConflictError, match="taken meanwhile"):
            book(connection, earliest=MONDAY_8, exact=True)
        with pytest.raises(NotFoundError):
            book(connection, device_id="car-9")


def test_a_need_is_booked_once(database: Database) -> None:
    with database.transaction() as connection:
        make_car(connection)
        need = make_need(connection, device_id="car-1", product="car", rule="service_due", kind="service")
        terms = {"device_id": "car-1", "services": [SERVICE], "earliest": NOW, "reason": "Due.", "actor": "service"}
        appointments.book(connection, need_id=need["id"], now=NOW, **terms)  # type: ignore[arg-type]  # as a table
        with pytest.raises(ConflictError, match="already"):
            appointments.book(connection, need_id=need["id"], now=NOW, **terms)  # type: ignore[arg-type]


def test_alternatives_are_other_days_at_the_same_workshop(database: Database) -> None:
    with database.transaction() as connection:
        make_car(connection)
        booked = book(connection)
        slots = appointments.alternatives(connection, booked.id, catalog=CATALOG, now=NOW, notice=timedelta())
        assert [slot.starts_at for slot in slots] == [MONDAY_8 + timedelta(days=days) for days in (1, 2, 3)]
        later = appointments.alternatives(connection, booked.id, catalog=CATALOG, now=NOW, notice=timedelta(days=3))
        assert later[0].starts_at == NOW + timedelta(days=3)  # Tuesday, one in the afternoon in Oslo
        assert later[0].workshop_id == "oslo"


def test_a_moved_visit_frees_its_old_time_and_counts_the_change(database: Database) -> None:
    with database.transaction() as connection:
        make_car(connection)
        make_device(connection, id="car-2", product="car")
        moved = move(connection, book(connection), MONDAY_8 + HOUR)  # half of it in its own old time
        assert (moved.starts_at, moved.sequence) == (MONDAY_8 + HOUR, 1)
        moved = move(connection, moved, MONDAY_8 + timedelta(days=1))
        assert moved.sequence == 2
        assert book(connection, device_id="car-2").starts_at == MONDAY_8
        assert told(connection) == ["booked", "moved", "moved", "booked"]


def test_moving_a_visit_to_where_it_is_changes_nothing(database: Database) -> None:
    with database.transaction() as connection:
        make_car(connection)
        booked = book(connection)
        assert move(connection, booked, booked.starts_at).sequence == 0
        assert told(connection) == ["booked"]


@pytest.mark.parametrize(
    ("said", "starts_at", "says"),
    [
        ("the workshop is closed then", MONDAY_8 - timedelta(days=1), "not free"),
        ("it is not on the half hour", MONDAY_8 + timedelta(minutes=10), "not free"),
        ("it would end after closing", MONDAY_8 + 7 * HOUR, "not free"),
        ("it has passed", NOW - HOUR, "has passed"),
    ],
)
def test_a_visit_cannot_be_moved_to_a_time_when(database: Database, said: str, starts_at: datetime, says: str) -> None:
    with database.transaction() as connection:
        make_car(connection)
        booked = book(connection)
        with pytest.raises(ConflictError, match=says):
            move(connection, booked, starts_at)
        assert appointments.get(connection, booked.id, customer_id="anna") == booked, said


def test_a_visit_cannot_be_moved_onto_another_one(database: Database) -> None:
    with database.transaction() as connection:
        make_car(connection)
        make_device(connection, id="car-2", product="car")
        first, second = book(connection), book(connection, device_id="car-2")
        with pytest.raises(ConflictError, match="not free"):
            move(connection, second, first.starts_at)


def test_a_cancelled_visit_frees_its_time_and_stays_cancelled(database: Database) -> None:
    with database.transaction() as connection:
        make_car(connection)
        booked = book(connection)
        for _ in range(2):
            gone = appointments.cancel(connection, booked.id, customer_id="anna", actor="anna", now=NOW)
        assert (gone.state, gone.sequence) == (AppointmentState.CANCELLED, 1)
        assert told(connection) == ["booked", "cancelled"]
        assert appointments.alternatives(connection, booked.id, catalog=CATALOG, now=NOW) == []
        with pytest.raises(ConflictError, match="book a new one"):
            move(connection, booked, MONDAY_8 + HOUR)
        assert book(connection).starts_at == MONDAY_8


def test_a_visit_that_has_begun_is_neither_moved_nor_cancelled_but_completed(database: Database) -> None:
    with database.transaction() as connection:
        make_car(connection)
        booked = book(connection)
        begun = booked.starts_at
        with pytest.raises(ConflictError, match="begun already"):
            appointments.cancel(connection, booked.id, customer_id="anna", actor="anna", now=begun)
        done = appointments.complete(connection, booked.id, actor="ola", now=begun + HOUR)
        assert done.state is AppointmentState.COMPLETED
        with pytest.raises(ConflictError, match="carried out already"):
            appointments.complete(connection, booked.id, actor="ola", now=begun + HOUR)


def test_another_customers_appointment_does_not_exist(database: Database) -> None:
    with database.transaction() as connection:
        make_car(connection)
        make_customer(connection, id="bo", phone="+4790000002")
        booked = book(connection)
        with pytest.raises(NotFoundError):
            appointments.get(connection, booked.id, customer_id="bo")
        with pytest.raises(NotFoundError):
            move(connection, booked, MONDAY_8 + HOUR, customer_id="bo")
        with pytest.raises(NotFoundError):
            appointments.get(connection, booked.id + 1, customer_id=None)


def test_several_slots_are_found_in_order_of_time(database: Database) -> None:
    with database.transaction() as connection:
        make_car(connection)
        slots = availability.find(connection, device_id="car-1", services=[SERVICE], earliest=NOW, count=4)
        assert [slot.starts_at - MONDAY_8 for slot in slots] == [HOUR / 2 * half for half in range(4)]


def at_once(acts: list[Callable[[], Appointment]]) -> tuple[list[Appointment], list[Exception]]:
    """Run all at once on connections of their own; return what came out and what was raised."""
    done: list[Appointment] = []
    failed: list[Exception] = []
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], Appointment]) -> None:
        start.wait()
        try:
            done.append(act())
        except Exception as error:  # what the race is about
            failed.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done, failed


def make_cars(database: Database, count: int, *, last: str = "16:00") -> None:
    with database.transaction() as connection:
        make_car(connection)
        hours = {"mon": [["08:00", last]], **{day: [] for day in OPENING_HOURS if day != "mon"}}
        connection.execute("UPDATE workshop SET opening_hours = %s", [Jsonb(hours)])
        for number in range(2, count + 1):
            make_device(connection, id=f"car-{number}", product="car")


def test_those_who_race_for_one_time_get_different_ones(database: Database) -> None:
    make_cars(database, 3)

    def act(number: int) -> Callable[[], Appointment]:
        def run() -> Appointment:
            with database.transaction() as connection:
                return book(connection, device_id=f"car-{number}")

        return run

    done, failed = at_once([act(number) for number in (1, 2, 3)])
    assert failed == []
    assert sorted(one.starts_at - MONDAY_8 for one in done) == [0 * HOUR, 2 * HOUR, 4 * HOUR]


def test_of_those_who_race_for_the_very_last_time_one_wins_and_the_others_are_told(database: Database) -> None:
    make_cars(database, 3, last="10:00")

    def act(number: int) -> Callable[[], Appointment]:
        def run() -> Appointment:
            with database.transaction() as connection:
                return book(connection, device_id=f"car-{number}", earliest=MONDAY_8, exact=True)

        return run

    done, failed = at_once([act(number) for number in (1, 2, 3)])
    assert len(done) == 1
    assert [type(error) for error in failed] == [ConflictError, ConflictError]
    assert {str(error) for error in failed} == {"That time has been taken meanwhile; please choose another one."}


def test_two_visits_that_are_moved_to_one_time_at_once_do_not_meet_there(database: Database) -> None:
    make_cars(database, 2)
    with database.transaction() as connection:
        both = [book(connection, device_id=f"car-{number}") for number in (1, 2)]

    def act(booked: Appointment) -> Callable[[], Appointment]:
        def run() -> Appointment:
            with database.transaction() as connection:
                return move(connection, booked, MONDAY_8 + 5 * HOUR)

        return run

    done, failed = at_once([act(booked) for booked in both])
    assert [one.starts_at for one in done] == [MONDAY_8 + 5 * HOUR]
    assert [str(error) for error in failed] == ["That time is not free; please choose another one."]
