"""Her visit: what waits for her, and what she does about it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iot_service.booking import appointments
from iot_service.db import Connection, Database
from iot_service.engage import visits
from iot_service.engage.runner import EngageRunner
from iot_service.errors import ConflictError, NotFoundError
from iot_service.products.catalog import Catalog
from tests.engage.conftest import agree, end_need, open_need, states, subscribe
from tests.factories import NOW, make_technician, make_workshop

DAY = timedelta(days=1)


def opened(database: Database, runner: EngageRunner, rule: str) -> int:
    with database.transaction() as connection:
        need_id = open_need(connection, rule)
    runner.run_once()
    return need_id


def waiting(connection: Connection, catalog: Catalog) -> list[visits.WaitingNeed]:
    return visits.waiting(connection, "anna", catalog=catalog, now=NOW)


def book(connection: Connection, one: visits.WaitingNeed, catalog: Catalog, *, index: int = 0) -> int:
    return visits.book(
        connection,
        one.need.id,
        customer_id="anna",
        starts_at=one.slots[index].starts_at,
        catalog=catalog,
        actor="anna",
        now=NOW,
    )


def test_respond_shows_the_free_times_and_curate_proposes_days(
    database: Database, runner: EngageRunner, catalog: Catalog
) -> None:
    with database.transaction() as connection:
        agree(connection, "service", "respond")
    opened(database, runner, "service_due")
    with database.transaction() as connection:
        (one,) = waiting(connection, catalog)
        assert (one.strategy, len(one.slots)) == ("respond", visits.FREE)
        assert one.service == catalog.services["annual_service"]
        connection.execute("UPDATE need SET strategy = 'curate'")
        (one,) = waiting(connection, catalog)
        assert len({slot.starts_at.date() for slot in one.slots}) == len(one.slots) == visits.CURATED


def test_she_books_one_of_the_free_times_and_the_need_waits_no_longer(
    database: Database, runner: EngageRunner, catalog: Catalog
) -> None:
    need_id = opened(database, runner, "service_due")
    with database.transaction() as connection:
        (one,) = waiting(connection, catalog)
        booked = appointments.get(connection, book(connection, one, catalog, index=3), customer_id="anna")
        assert (booked.starts_at, booked.need_id) == (one.slots[3].starts_at, need_id)
        assert waiting(connection, catalog) == []
        with pytest.raises(ConflictError, match="already"):
            book(connection, one, catalog, index=4)
        appointments.cancel(connection, booked.id, customer_id="anna", actor="anna", now=NOW)
        assert [one.need.id for one in waiting(connection, catalog)] == [need_id]


def test_she_may_choose_another_time_than_the_proposed_one(
    database: Database, runner: EngageRunner, catalog: Catalog
) -> None:
    with database.transaction() as connection:
        agree(connection, "service", "coach")
    opened(database, runner, "service_due")
    with database.transaction() as connection:
        (one,) = waiting(connection, catalog)
        assert one.proposal_id is not None
        book(connection, one, catalog, index=1)
        assert states(connection, "proposal") == ["withdrawn"]
        assert states(connection, "appointment") == ["booked"]


@pytest.mark.parametrize(
    ("said", "shift", "says"),
    [
        ("it is not one of the workshop's times", timedelta(minutes=5), "taken meanwhile"),
        ("it has passed", -30 * DAY, "has passed"),
        ("it is years away", 4000 * DAY, "more than a year ahead"),
    ],
)
def test_she_cannot_book_a_time_when(
    database: Database, runner: EngageRunner, catalog: Catalog, said: str, shift: timedelta, says: str
) -> None:
    need_id = opened(database, runner, "service_due")
    with database.transaction() as connection:
        starts_at = waiting(connection, catalog)[0].slots[0].starts_at + shift
        with pytest.raises(ConflictError, match=says):
            visits.book(
                connection, need_id, customer_id="anna", starts_at=starts_at, catalog=catalog, actor="anna", now=NOW
            )
        assert states(connection, "appointment") == [], said


def test_what_is_settled_or_not_for_a_workshop_or_not_hers_cannot_be_booked(
    database: Database, runner: EngageRunner, catalog: Catalog
) -> None:
    tyres, power = opened(database, runner, "winter_tyres"), opened(database, runner, "power_lost")
    with database.transaction() as connection:
        end_need(connection, tyres, "resolved")
        for need_id, customer_id, error, says in (
            (tyres, "anna", ConflictError, "settled already"),
            (power, "anna", ConflictError, "nothing to book"),
            (power, "bo", NotFoundError, "no such need"),
            (0, "anna", NotFoundError, "no such need"),
        ):
            with pytest.raises(error, match=says):
                visits.book(
                    connection, need_id, customer_id=customer_id, starts_at=NOW + 2 * DAY, catalog=catalog,
                    actor="anna", now=NOW,
                )  # fmt: skip


def test_she_orders_a_refill_herself_where_she_leads(
    database: Database, runner: EngageRunner, catalog: Catalog
) -> None:
    with database.transaction() as connection:
        agree(connection, "refill", "respond")
        subscribe(connection)
    need_id = opened(database, runner, "capsules_low")
    with database.transaction() as connection:
        (one,) = waiting(connection, catalog)
        assert (one.packs, one.order_price, one.currency, one.slots) == (4, 79600, "NOK", ())
        visits.order(connection, need_id, customer_id="anna", catalog=catalog, actor="anna", now=NOW)
        assert states(connection, "order") == ["pending"]
        assert waiting(connection, catalog) == []
        with pytest.raises(ConflictError, match="on its way already"):
            visits.order(connection, need_id, customer_id="anna", catalog=catalog, actor="anna", now=NOW)


def test_without_an_active_subscription_nothing_can_be_ordered(
    database: Database, runner: EngageRunner, catalog: Catalog
) -> None:
    need_id = opened(database, runner, "capsules_low")
    with database.transaction() as connection:
        assert waiting(connection, catalog)[0].packs == 0
        with pytest.raises(ConflictError, match="active subscription"):
            visits.order(connection, need_id, customer_id="anna", catalog=catalog, actor="anna", now=NOW)


def test_a_need_that_is_being_seen_to_does_not_wait_for_her(
    database: Database, runner: EngageRunner, catalog: Catalog
) -> None:
    opened(database, runner, "temperature_high")
    with database.transaction() as connection:
        assert states(connection, "job") == ["dispatched"]
        assert waiting(connection, catalog) == []


def test_with_a_longer_notice_she_books_where_the_times_she_was_shown_are(
    database: Database, runner: EngageRunner, catalog: Catalog
) -> None:
    need_id = opened(database, runner, "service_due")
    with database.transaction() as connection:
        notice = 10 * DAY
        connection.execute(
            "UPDATE workshop SET closed_on = %(days)s WHERE id = 'oslo'",
            {"days": [(NOW + days * DAY).date() for days in range(9, 60)]},
        )
        make_workshop(connection, id="lier", latitude=59.79)
        make_technician(connection, id="nils", name="Nils", workshop_id="lier", skills=["car"])
        shown = visits.waiting(connection, "anna", catalog=catalog, now=NOW, notice=notice)[0].slots[0]
        booked = visits.book(
            connection, need_id, customer_id="anna", starts_at=shown.starts_at, catalog=catalog, actor="anna", now=NOW,
            notice=notice,
        )  # fmt: skip
        assert shown.workshop_id == "lier"
        assert appointments.get(connection, booked, customer_id="anna").workshop_id == "lier"
