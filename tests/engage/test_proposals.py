"""Proposals: accepted with one tap, declined, gone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iot_service.booking import appointments
from iot_service.db import Connection, Database
from iot_service.engage import proposals
from iot_service.engage.proposal import Proposal
from iot_service.engage.runner import EngageRunner
from iot_service.errors import ConflictError, NotFoundError
from iot_service.model.work import ProposalState
from iot_service.products.catalog import Catalog
from tests.engage.conftest import agree, end_need, open_need
from tests.factories import NOW, make_device

DAY = timedelta(days=1)


@pytest.fixture
def proposal(database: Database, runner: EngageRunner) -> Proposal:
    """A proposal for a service, as coach sends it."""
    with database.transaction() as connection:
        agree(connection, "service", "coach")
        open_need(connection, "service_due")
    runner.run_once()
    with database.transaction() as connection:
        row = connection.execute("SELECT id FROM proposal").fetchone()
        assert row is not None
        return proposals.get(connection, row["id"], customer_id="anna")


def accept(connection: Connection, proposal: Proposal, catalog: Catalog, *, days: int = 0) -> int:
    return proposals.accept(
        connection, proposal.id, customer_id="anna", catalog=catalog, actor="anna", now=NOW + days * DAY
    )


def test_accepting_books_the_very_time_and_price_that_were_proposed(
    database: Database, proposal: Proposal, catalog: Catalog
) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE proposal SET price = 1")  # what was promised stands
        booked = appointments.get(connection, accept(connection, proposal, catalog), customer_id="anna")
        assert (booked.starts_at, booked.ends_at) == (proposal.starts_at, proposal.ends_at)
        assert (booked.price, booked.need_id) == (1, proposal.need_id)
        done = proposals.get(connection, proposal.id, customer_id="anna")
        assert (done.state, done.appointment_id) == (ProposalState.ACCEPTED, booked.id)


def test_accepting_twice_books_once(database: Database, proposal: Proposal, catalog: Catalog) -> None:
    with database.transaction() as connection:
        assert accept(connection, proposal, catalog) == accept(connection, proposal, catalog)


def test_a_time_that_was_taken_meanwhile_is_said_so_and_the_proposal_stays(
    database: Database, proposal: Proposal, catalog: Catalog
) -> None:
    with database.transaction() as connection:
        make_device(connection, id="car-2", product="car")
        appointments.book(
            connection,
            device_id="car-2",
            services=[catalog.services["annual_service"]],
            earliest=proposal.starts_at,
            reason="Somebody was faster.",
            actor="bo",
            now=NOW,
        )
        with pytest.raises(ConflictError, match="taken meanwhile"):
            accept(connection, proposal, catalog)
        assert proposals.get(connection, proposal.id, customer_id="anna") == proposal


def test_an_expired_proposal_cannot_be_accepted_even_before_anybody_noticed(
    database: Database, proposal: Proposal, catalog: Catalog
) -> None:
    with database.transaction() as connection, pytest.raises(ConflictError, match="has expired"):
        accept(connection, proposal, catalog, days=8)


def test_a_declined_proposal_stays_declined(database: Database, proposal: Proposal, catalog: Catalog) -> None:
    with database.transaction() as connection:
        for _ in range(2):
            proposals.decline(connection, proposal.id, customer_id="anna", actor="anna", now=NOW)
        with pytest.raises(ConflictError, match="has been declined"):
            accept(connection, proposal, catalog)
        events = connection.execute("SELECT actor FROM event WHERE type = 'proposal.declined'").fetchall()
        assert events == [{"actor": "anna"}]


def test_an_accepted_proposal_cannot_be_declined(database: Database, proposal: Proposal, catalog: Catalog) -> None:
    with database.transaction() as connection:
        accept(connection, proposal, catalog)
        with pytest.raises(ConflictError, match="change the appointment instead"):
            proposals.decline(connection, proposal.id, customer_id="anna", actor="anna", now=NOW)


def test_a_withdrawn_proposal_says_that_it_is_no_longer_needed(
    database: Database, proposal: Proposal, runner: EngageRunner, catalog: Catalog
) -> None:
    with database.transaction() as connection:
        end_need(connection, proposal.need_id, "withdrawn")
    runner.run_once()
    with database.transaction() as connection, pytest.raises(ConflictError, match="no longer needed"):
        accept(connection, proposal, catalog)


def test_another_customers_proposal_does_not_exist(database: Database, proposal: Proposal, catalog: Catalog) -> None:
    with database.transaction() as connection:
        for act in (
            lambda: proposals.get(connection, proposal.id, customer_id="bo"),
            lambda: proposals.decline(connection, proposal.id, customer_id="bo", actor="bo", now=NOW),
            lambda: proposals.accept(connection, proposal.id, customer_id="bo", catalog=catalog, actor="bo", now=NOW),
        ):
            with pytest.raises(NotFoundError):
                act()


@pytest.mark.parametrize("ended", ["resolved", "withdrawn"])
def test_a_proposal_cannot_be_accepted_once_its_need_is_over_even_before_anybody_noticed(
    database: Database, proposal: Proposal, catalog: Catalog, ended: str
) -> None:
    with database.transaction() as connection:
        end_need(connection, proposal.need_id, ended)
        with pytest.raises(ConflictError, match="no longer needed"):
            accept(connection, proposal, catalog)
