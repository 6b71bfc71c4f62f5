"""From a need to an appointment, a proposal, a job or an order; and back when the need is over."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from iot_service import clock
from iot_service.commerce.runner import CommerceRunner
from iot_service.config import Settings
from iot_service.db import Database
from iot_service.dispatch import jobs
from iot_service.engage.runner import SWEEP, EngageRunner
from iot_service.products.catalog import Catalog
from tests.engage.conftest import agree, end_need, engaged, open_need, states, subscribe
from tests.factories import NOW, insert

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_automate_books_the_first_suitable_time(database: Database, runner: EngageRunner) -> None:
    with database.transaction() as connection:
        agree(connection, "service", "automate", mandate=True)
        need_id = open_need(connection, "service_due")
    assert runner.run_once() == 1
    with database.transaction() as connection:
        assert states(connection, "appointment") == ["booked"]
        row = connection.execute("SELECT need_id, starts_at, services FROM appointment").fetchone()
        assert row is not None
        assert row["need_id"] == need_id
        assert row["starts_at"] >= NOW + 2 * DAY
        assert row["services"] == ["annual_service"]
        assert engaged(connection) == [("automate", "book")]
        need = connection.execute("SELECT strategy, strategy_reason FROM need").fetchone()
        assert need == {
            "strategy": "automate",
            "strategy_reason": "The customer chose automate for service needs; the first suitable time is booked.",
        }


def test_two_needs_of_one_car_are_met_one_after_the_other(database: Database, runner: EngageRunner) -> None:
    with database.transaction() as connection:
        agree(connection, "service", "automate", mandate=True)
        open_need(connection, "service_due")
        open_need(connection, "winter_tyres")
    runner.run_once()
    with database.transaction() as connection:
        rows = connection.execute("SELECT starts_at, ends_at FROM appointment ORDER BY starts_at").fetchall()
        assert rows[0]["ends_at"] == rows[1]["starts_at"]


def test_coach_sends_a_proposal_that_ends_before_its_time_comes(database: Database, runner: EngageRunner) -> None:
    with database.transaction() as connection:
        agree(connection, "service", "coach")
        open_need(connection, "service_due")
    runner.run_once()
    with database.transaction() as connection:
        assert states(connection, "proposal") == ["open"]
        assert engaged(connection) == [("coach", "propose")]
        row = connection.execute("SELECT starts_at, expires_at, price FROM proposal").fetchone()
        assert row is not None
        assert row["expires_at"] <= row["starts_at"]
        assert row["price"] == 349000
        held = connection.execute("SELECT count(*) AS n FROM resource_booking").fetchone()
        assert held == {"n": 0}


@pytest.mark.parametrize("strategy", ["curate", "respond"])
def test_she_who_leads_is_waited_for(database: Database, runner: EngageRunner, strategy: str) -> None:
    with database.transaction() as connection:
        agree(connection, "service", strategy)
        open_need(connection, "service_due")
    runner.run_once()
    with database.transaction() as connection:
        assert engaged(connection) == [(strategy, "wait")]
        assert states(connection, "appointment") == states(connection, "proposal") == []


def test_without_consent_nothing_is_booked_or_proposed(database: Database, runner: EngageRunner) -> None:
    with database.transaction() as connection:
        agree(connection, "service", "automate", consent=False, mandate=True)
        open_need(connection, "service_due")
    runner.run_once()
    with database.transaction() as connection:
        assert engaged(connection) == [("curate", "wait")]


def test_automate_beyond_the_mandate_asks_first(database: Database, runner: EngageRunner) -> None:
    with database.transaction() as connection:
        agree(connection, "service", "automate", mandate=True, max_price=100000)
        open_need(connection, "service_due")
    runner.run_once()
    with database.transaction() as connection:
        assert engaged(connection) == [("coach", "propose")]
        need = connection.execute("SELECT strategy_reason FROM need").fetchone()
        assert need is not None
        assert "NOK 3490.00 is more than her mandate's NOK 1000.00" in need["strategy_reason"]


@pytest.mark.parametrize(("strategy", "meant"), [("automate", "book"), ("coach", "propose")])
def test_where_no_workshop_is_free_the_need_waits_and_says_why(
    database: Database, runner: EngageRunner, strategy: str, meant: str
) -> None:
    with database.transaction() as connection:
        connection.execute("DELETE FROM technician WHERE id = 'per'")
        agree(connection, "service", strategy, mandate=True)
        open_need(connection, "service_due")
    runner.run_once()
    with database.transaction() as connection:
        assert engaged(connection) == [(strategy, meant), ("curate", "wait")]
        need = connection.execute("SELECT strategy, strategy_reason FROM need").fetchone()
        assert need is not None
        assert need["strategy"] == "curate"
        assert "No workshop has a free time for this" in need["strategy_reason"]
        last = connection.execute("SELECT old, new FROM event WHERE type = 'need.engaged' ORDER BY id DESC").fetchone()
        assert last == {"old": strategy, "new": "curate"}


def test_a_critical_fault_sends_a_technician_whatever_the_strategy(database: Database, runner: EngageRunner) -> None:
    with database.transaction() as connection:
        agree(connection, "fault", "respond", consent=False)
        open_need(connection, "temperature_high")
    runner.run_once()
    with database.transaction() as connection:
        assert states(connection, "job") == ["dispatched"]
        assert engaged(connection) == [("respond", "dispatch")]
        job = connection.execute("SELECT technician_id, answer_by, severity FROM job").fetchone()
        assert job == {"technician_id": "kari", "answer_by": NOW + timedelta(minutes=3), "severity": "critical"}
        need = connection.execute("SELECT strategy_reason FROM need").fetchone()
        assert need is not None
        assert "safety, not a sale" in need["strategy_reason"]


def test_a_critical_fault_at_no_known_site_says_that_nobody_can_be_sent(
    database: Database, runner: EngageRunner
) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE device SET site_id = NULL WHERE id = 'freezer-1'")
        open_need(connection, "temperature_high")
    runner.run_once()
    with database.transaction() as connection:
        assert [action for _, action in engaged(connection)] == ["dispatch", "wait"]
        need = connection.execute("SELECT strategy_reason FROM need").fetchone()
        assert need is not None
        assert "no known site" in need["strategy_reason"]


def test_a_fault_without_a_service_is_met_with_advice_only(database: Database, runner: EngageRunner) -> None:
    with database.transaction() as connection:
        open_need(connection, "power_lost")
    runner.run_once()
    with database.transaction() as connection:
        assert engaged(connection) == [("respond", "nothing")]


def test_a_rule_that_the_catalog_no_longer_has_is_not_dropped_in_silence(
    database: Database, runner: EngageRunner
) -> None:
    with database.transaction() as connection:
        need_id = open_need(connection, "service_due")
        connection.execute("UPDATE need SET rule = 'gone' WHERE id = %s", [need_id])
    runner.run_once()
    with database.transaction() as connection:
        assert engaged(connection) == [("respond", "nothing")]


def test_a_low_stock_is_ordered_under_the_subscription(database: Database, runner: EngageRunner) -> None:
    with database.transaction() as connection:
        subscribe(connection, stock=40)
        need_id = open_need(connection, "capsules_low")
    runner.run_once()
    with database.transaction() as connection:
        assert engaged(connection) == [("automate", "order")]
        order = connection.execute("SELECT need_id, packs, state FROM supply_order").fetchone()
        assert order == {"need_id": need_id, "packs": 4, "state": "pending"}


@pytest.mark.parametrize(
    ("said", "subscription"), [("paused", {"state": "paused"}), ("absent", None), ("ended", {"state": "ended"})]
)
def test_a_refill_waits_where_the_subscription_is(
    database: Database, runner: EngageRunner, said: str, subscription: dict[str, Any] | None
) -> None:
    with database.transaction() as connection:
        if subscription is not None:
            subscribe(connection, **subscription)
        open_need(connection, "capsules_low")
    runner.run_once()
    with database.transaction() as connection:
        assert engaged(connection) == [("curate", "wait")], said
        assert states(connection, "order") == []


def test_a_subscription_that_is_resumed_orders_what_waited(database: Database, runner: EngageRunner) -> None:
    with database.transaction() as connection:
        subscribe(connection, state="paused")
        open_need(connection, "capsules_low")
    runner.run_once()
    with database.transaction() as connection:
        connection.execute("UPDATE subscription SET state = 'active'")
    assert runner.run_once() == 0
    clock.freeze(NOW + SWEEP)
    assert runner.run_once() == 1
    with database.transaction() as connection:
        assert engaged(connection) == [("curate", "wait"), ("automate", "order")]


def test_a_full_machine_orders_nothing_until_a_pack_fits(database: Database, runner: EngageRunner) -> None:
    with database.transaction() as connection:
        subscribe(connection, stock=180)
        open_need(connection, "capsules_low")
    runner.run_once()
    with database.transaction() as connection:
        assert engaged(connection) == [("automate", "order"), ("curate", "wait")]
        at = NOW + SWEEP
        insert(connection, "reading", device_id="coffee-1", metric="CapsuleCounter", ts=at, value=30, received_at=at)
    clock.freeze(NOW + SWEEP)
    runner.run_once()
    with database.transaction() as connection:
        assert states(connection, "order") == ["pending"]


def test_an_order_that_she_cancelled_is_not_made_again_for_the_same_need(
    database: Database, runner: EngageRunner
) -> None:
    with database.transaction() as connection:
        subscribe(connection)
        open_need(connection, "capsules_low")
    runner.run_once()
    with database.transaction() as connection:
        connection.execute("UPDATE supply_order SET state = 'cancelled', wake_at = NULL")
    clock.freeze(NOW + DAY)
    assert runner.run_once() == 0
    with database.transaction() as connection:
        assert states(connection, "order") == ["cancelled"]


def test_a_delivery_that_did_not_lift_the_stock_far_enough_is_followed_by_another(
    database: Database, runner: EngageRunner, catalog: Catalog
) -> None:
    with database.transaction() as connection:
        subscribe(connection, stock=40)
        open_need(connection, "capsules_low")
    runner.run_once()
    clock.freeze(NOW + 4 * DAY)
    CommerceRunner(database, catalog, fulfilment="simulated").run_once()
    with database.transaction() as connection:
        at = NOW + 4 * DAY
        insert(connection, "reading", device_id="coffee-1", metric="CapsuleCounter", ts=at, value=190, received_at=at)
    clock.freeze(NOW + 4 * DAY + HOUR / 2)
    assert runner.run_once() == 0  # the rules have time to see the delivery
    clock.freeze(NOW + 4 * DAY + HOUR)
    assert runner.run_once() == 1
    with database.transaction() as connection:
        assert states(connection, "order") == ["delivered", "pending"]


def test_a_need_that_is_over_takes_its_open_proposal_back(database: Database, runner: EngageRunner) -> None:
    with database.transaction() as connection:
        agree(connection, "service", "coach")
        need_id = open_need(connection, "service_due")
    runner.run_once()
    with database.transaction() as connection:
        end_need(connection, need_id, "resolved")
    runner.run_once()
    with database.transaction() as connection:
        assert states(connection, "proposal") == ["withdrawn"]


@pytest.mark.parametrize(("accepted", "state"), [(False, "cancelled"), (True, "accepted")])
def test_a_need_that_is_over_calls_its_job_off_unless_somebody_accepted(
    database: Database, runner: EngageRunner, accepted: bool, state: str
) -> None:
    with database.transaction() as connection:
        need_id = open_need(connection, "temperature_high")
    runner.run_once()
    with database.transaction() as connection:
        job = connection.execute("SELECT id FROM job").fetchone()
        assert job is not None
        if accepted:
            jobs.accept(connection, job["id"], technician_id="kari", actor="kari", now=NOW)
        end_need(connection, need_id, "resolved")
    runner.run_once()
    with database.transaction() as connection:
        assert states(connection, "job") == [state]


@pytest.mark.parametrize(("ended", "state"), [("resolved", "pending"), ("withdrawn", "cancelled")])
def test_a_pending_order_ends_with_a_need_that_a_person_withdrew(
    database: Database, runner: EngageRunner, ended: str, state: str
) -> None:
    with database.transaction() as connection:
        subscribe(connection)
        need_id = open_need(connection, "capsules_low")
    runner.run_once()
    with database.transaction() as connection:
        end_need(connection, need_id, ended)
    runner.run_once()
    with database.transaction() as connection:
        assert states(connection, "order") == [state]


def test_a_booked_visit_stands_although_the_need_is_over(database: Database, runner: EngageRunner) -> None:
    with database.transaction() as connection:
        agree(connection, "service", "automate", mandate=True)
        need_id = open_need(connection, "service_due")
    runner.run_once()
    with database.transaction() as connection:
        end_need(connection, need_id, "resolved")
    runner.run_once()
    with database.transaction() as connection:
        assert states(connection, "appointment") == ["booked"]


def test_a_need_that_was_over_before_anybody_looked_is_left_alone(database: Database, runner: EngageRunner) -> None:
    with database.transaction() as connection:
        need_id = open_need(connection, "temperature_high")
        end_need(connection, need_id, "resolved")
    assert runner.run_once() == 2
    with database.transaction() as connection:
        assert states(connection, "job") == []
        assert engaged(connection) == []


def test_a_proposal_that_nobody_answered_expires(database: Database, runner: EngageRunner) -> None:
    with database.transaction() as connection:
        agree(connection, "service", "coach")
        open_need(connection, "service_due")
    runner.run_once()
    clock.freeze(NOW + 7 * DAY)
    assert runner.run_once() == 1
    with database.transaction() as connection:
        assert states(connection, "proposal") == ["expired"]
        event = connection.execute("SELECT old, new FROM event WHERE type = 'proposal.expired'").fetchone()
        assert event == {"old": "open", "new": "expired"}


def test_two_runners_respond_to_each_need_once(database: Database, runner: EngageRunner, catalog: Catalog) -> None:
    with database.transaction() as connection:
        agree(connection, "service", "automate", mandate=True)
        for rule in ("service_due", "winter_tyres", "temperature_high"):
            open_need(connection, rule)
    threads = [threading.Thread(target=one.run_once) for one in (runner, EngageRunner(database, catalog, Settings()))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert runner.run_once() == 0
    with database.transaction() as connection:
        assert states(connection, "appointment") == ["booked", "booked"]
        assert states(connection, "job") == ["dispatched"]
        assert len(engaged(connection)) == 3
        left = connection.execute("SELECT count(*) AS n FROM event_todo WHERE consumer = 'engage'").fetchone()
        assert left == {"n": 0}
