"""Jobs: from being planned to being completed, with everybody who says no on the way."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from iot_service import clock
from iot_service.db import Connection, Database
from iot_service.dispatch import asking, jobs
from iot_service.dispatch.runner import DispatchRunner
from iot_service.errors import ConflictError, NotFoundError
from iot_service.model.need import Need, NeedKind, NeedState, Severity
from iot_service.model.work import JobState
from iot_service.products.catalog import load_catalog
from tests.factories import NOW, make_home, make_need, make_technician

REPAIR = load_catalog().services["freezer_repair"]
MINUTE = timedelta(minutes=1)


def need_of(row: dict[str, Any]) -> Need:
    names = ("id", "device_id", "customer_id", "product", "rule", "opened_at", "closed_at", "reason", "evidence")
    return Need(
        **{name: row[name] for name in names},
        kind=NeedKind(row["kind"]),
        severity=Severity(row["severity"]),
        state=NeedState(row["state"]),
    )


def planned(connection: Connection, *technicians: str) -> int:
    """A warm freezer, technicians who stand further away from it one by one, and a job for it."""
    make_home(connection)
    for number, name in enumerate(technicians):
        make_technician(connection, id=name, name=name, latitude=59.90 - number / 10)
    need = need_of(make_need(connection))
    return plan(connection, need)


def plan(connection: Connection, need: Need) -> int:
    return jobs.plan(
        connection,
        need,
        site_id="anna-home",
        service=REPAIR,
        answer_within=3 * MINUTE,
        reason="The fault is critical.",
        actor="service",
        now=NOW,
    )


def told(connection: Connection) -> list[str]:
    rows = connection.execute("SELECT type, data FROM event WHERE type LIKE 'job.%' ORDER BY id").fetchall()
    return [" ".join(filter(None, (row["type"][4:], row["data"].get("technician_id")))) for row in rows]


def held(connection: Connection) -> list[str]:
    rows = connection.execute(
        "SELECT technician.id FROM resource_booking JOIN technician USING (resource_id) ORDER BY 1"
    ).fetchall()
    return [row["id"] for row in rows]


def test_a_planned_job_is_offered_to_the_nearest_technician_at_once(database: Database) -> None:
    with database.transaction() as connection:
        job = jobs.get(connection, planned(connection, "near", "far"), technician_id=None)
        assert (job.state, job.technician_id, job.answer_by) == (JobState.DISPATCHED, "near", NOW + 3 * MINUTE)
        assert told(connection) == ["planned", "dispatched near"]
        assert held(connection) == ["near"]


def test_a_need_has_one_job_under_way(database: Database) -> None:
    with database.transaction() as connection:
        job_id = planned(connection, "near", "far")
        need = need_of(connection.execute("SELECT * FROM need").fetchone() or {})
        assert plan(connection, need) == job_id


def test_a_decline_asks_the_next_one_at_once_and_frees_the_first(database: Database) -> None:
    with database.transaction() as connection:
        job_id = planned(connection, "near", "far")
        job = jobs.decline(connection, job_id, technician_id="near", actor="near", now=NOW + MINUTE)
        assert (job.state, job.technician_id, job.answer_by) == (JobState.DISPATCHED, "far", NOW + 4 * MINUTE)
        assert told(connection) == ["planned", "dispatched near", "declined near", "dispatched far"]
        assert held(connection) == ["far"]


def test_no_answer_in_time_asks_the_next_one(database: Database) -> None:
    with database.transaction() as connection:
        job_id = planned(connection, "near", "far")
    runner = DispatchRunner(database)
    clock.freeze(NOW + 2 * MINUTE)
    assert runner.run_once() == 0
    clock.freeze(NOW + 3 * MINUTE)
    assert runner.run_once() == 1
    with database.transaction() as connection:
        assert jobs.get(connection, job_id, technician_id=None).technician_id == "far"
        assert told(connection)[2:] == ["not_answered near", "dispatched far"]


def test_when_nobody_is_left_everybody_is_asked_again_after_a_pause(database: Database) -> None:
    with database.transaction() as connection:
        job_id = planned(connection, "near")
        job = jobs.decline(connection, job_id, technician_id="near", actor="near", now=NOW)
        assert (job.state, job.technician_id, job.round) == (JobState.PLANNED, None, 2)
        assert told(connection)[-1] == "nobody_available"
        assert held(connection) == []
    clock.freeze(NOW + asking.pause_after(1))
    assert DispatchRunner(database).run_once() == 1
    with database.transaction() as connection:
        assert jobs.get(connection, job_id, technician_id=None).technician_id == "near"


def test_a_job_that_nobody_can_do_says_so(database: Database) -> None:
    with database.transaction() as connection:
        job = jobs.get(connection, planned(connection), technician_id=None)
        assert job.state is JobState.PLANNED
        reason = connection.execute("SELECT reason FROM event WHERE type = 'job.nobody_available'").fetchone()
        assert reason is not None
        assert "nobody who can do it is free" in reason["reason"]


def test_pauses_grow_with_the_rounds_up_to_half_an_hour() -> None:
    assert [asking.pause_after(number) / MINUTE for number in (1, 2, 3, 4, 50)] == [5, 10, 20, 30, 30]


def test_a_technician_who_is_held_by_something_else_is_passed_over(database: Database) -> None:
    with database.transaction() as connection:
        first = planned(connection, "near", "far")
        other = need_of(make_need(connection, rule="silent"))
        second = plan(connection, other)
        asked = [jobs.get(connection, job_id, technician_id=None).technician_id for job_id in (first, second)]
        assert asked == ["near", "far"]


def test_a_technician_who_takes_longer_than_expected_is_not_asked_for_the_next_job(database: Database) -> None:
    with database.transaction() as connection:
        jobs.accept(connection, planned(connection, "near"), technician_id="near", actor="near", now=NOW)
        connection.execute("DELETE FROM resource_booking")  # his time is over, but he has not reported back
        other = need_of(make_need(connection, rule="silent"))
        assert jobs.get(connection, plan(connection, other), technician_id=None).state is JobState.PLANNED


def test_a_job_goes_its_way_step_by_step_and_frees_the_technician_at_the_end(database: Database) -> None:
    with database.transaction() as connection:
        job_id = planned(connection, "near")
        assert jobs.accept(connection, job_id, technician_id="near", actor="near", now=NOW).state is JobState.ACCEPTED
        for state in (JobState.EN_ROUTE, JobState.ON_SITE, JobState.COMPLETED):
            job = jobs.advance(connection, job_id, state, technician_id="near", actor="near", now=NOW)
            assert job.state is state
        assert told(connection)[2:] == ["accepted near", "en_route near", "on_site near", "completed near"]
        assert held(connection) == []
        need = connection.execute("SELECT state FROM need").fetchone()
        assert need == {"state": "open"}


def test_a_step_that_is_tapped_twice_happens_once(database: Database) -> None:
    with database.transaction() as connection:
        job_id = planned(connection, "near")
        for _ in range(2):
            jobs.accept(connection, job_id, technician_id="near", actor="near", now=NOW)
        for _ in range(2):
            jobs.advance(connection, job_id, JobState.EN_ROUTE, technician_id="near", actor="near", now=NOW)
        assert told(connection)[2:] == ["accepted near", "en_route near"]


def test_steps_cannot_be_left_out(database: Database) -> None:
    with database.transaction() as connection:
        job_id = planned(connection, "near")
        with pytest.raises(ConflictError, match="has not been accepted yet"):
            jobs.advance(connection, job_id, JobState.ON_SITE, technician_id="near", actor="near", now=NOW)
        with pytest.raises(ConflictError, match="on the way, on site, or done"):
            jobs.advance(connection, job_id, JobState.CANCELLED, technician_id="near", actor="near", now=NOW)


def test_one_who_accepted_may_still_decline_before_he_sets_out(database: Database) -> None:
    with database.transaction() as connection:
        job_id = planned(connection, "near", "far")
        jobs.accept(connection, job_id, technician_id="near", actor="near", now=NOW)
        assert jobs.decline(connection, job_id, technician_id="near", actor="near", now=NOW).technician_id == "far"
        jobs.accept(connection, job_id, technician_id="far", actor="far", now=NOW)
        jobs.advance(connection, job_id, JobState.EN_ROUTE, technician_id="far", actor="far", now=NOW)
        with pytest.raises(ConflictError, match="on the way"):
            jobs.decline(connection, job_id, technician_id="far", actor="far", now=NOW)


def test_a_job_is_seen_only_by_those_who_were_asked(database: Database) -> None:
    with database.transaction() as connection:
        job_id = planned(connection, "near", "far", "farther")
        jobs.decline(connection, job_id, technician_id="near", actor="near", now=NOW)
        assert jobs.get(connection, job_id, technician_id="near").technician_id == "far"
        with pytest.raises(NotFoundError):
            jobs.get(connection, job_id, technician_id="farther")
        for act in (jobs.accept, jobs.decline):
            with pytest.raises(NotFoundError):
                act(connection, job_id, technician_id="farther", actor="farther", now=NOW)
        with pytest.raises(ConflictError, match="no longer yours"):
            jobs.accept(connection, job_id, technician_id="near", actor="near", now=NOW)


def test_a_late_yes_counts_for_as_long_as_nobody_else_was_asked(database: Database) -> None:
    with database.transaction() as connection:
        job_id = planned(connection, "near", "far")
        job = jobs.accept(connection, job_id, technician_id="near", actor="near", now=NOW + 4 * MINUTE)
        assert job.state is JobState.ACCEPTED
    clock.freeze(NOW + 5 * MINUTE)
    assert DispatchRunner(database).run_once() == 0


def test_a_need_that_is_over_calls_off_a_job_that_nobody_accepted(database: Database) -> None:
    with database.transaction() as connection:
        job_id = planned(connection, "near")
        need_id = jobs.get(connection, job_id, technician_id=None).need_id
        assert jobs.call_off(connection, need_id, reason="The need was resolved.", actor="service", now=NOW)
        assert jobs.get(connection, job_id, technician_id=None).state is JobState.CANCELLED
        assert held(connection) == []
        assert not jobs.call_off(connection, need_id, reason="Again.", actor="service", now=NOW)
        answer = connection.execute("SELECT answer FROM job_request").fetchone()
        assert answer == {"answer": "withdrawn"}
        with pytest.raises(ConflictError, match="cancelled"):
            jobs.accept(connection, job_id, technician_id="near", actor="near", now=NOW)


def test_a_technician_who_accepted_looks_although_the_need_is_over(database: Database) -> None:
    with database.transaction() as connection:
        job_id = planned(connection, "near")
        job = jobs.accept(connection, job_id, technician_id="near", actor="near", now=NOW)
        assert not jobs.call_off(connection, job.need_id, reason="The need was resolved.", actor="service", now=NOW)
        assert jobs.cancel(connection, job_id, reason="An operator said so.", actor="ola", now=NOW).state is (
            JobState.CANCELLED
        )


def race(*acts: Any) -> list[Exception]:
    """Run all at once; return what they raised."""
    failures: list[Exception] = []
    start = threading.Barrier(len(acts))

    def run(act: Any) -> None:
        start.wait()
        try:
            act()
        except Exception as error:  # what the race is about
            failures.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_of_an_answer_and_its_time_out_exactly_one_wins(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        for name in ("near", "far"):
            make_technician(connection, id=name, name=name, latitude=59.9 if name == "near" else 59.8)
        needs = [need_of(make_need(connection, rule=f"rule_{number}")) for number in range(6)]
    clock.freeze(NOW + 3 * MINUTE)
    for need in needs:
        with database.transaction() as connection:
            job_id = plan(connection, need)

        def accept(job_id: int = job_id) -> None:
            with database.transaction() as connection:
                jobs.accept(connection, job_id, technician_id="near", actor="near", now=clock.now())

        failures = race(accept, DispatchRunner(database).run_once)
        with database.transaction() as connection:
            job = jobs.get(connection, job_id, technician_id=None)
            if failures:
                assert isinstance(failures[0], ConflictError)
                assert (job.state, job.technician_id) == (JobState.DISPATCHED, "far")
            else:
                assert (job.state, job.technician_id) == (JobState.ACCEPTED, "near")
            assert held(connection) == [job.technician_id]
            jobs.cancel(connection, job_id, reason="On to the next race.", actor="test", now=NOW)


def test_two_workers_never_ask_two_technicians_for_one_job(database: Database) -> None:
    with database.transaction() as connection:
        planned(connection, "near", "far", "farther")
    clock.freeze(NOW + 3 * MINUTE)
    assert race(DispatchRunner(database).run_once, DispatchRunner(database).run_once) == []
    with database.transaction() as connection:
        assert told(connection)[2:] == ["not_answered near", "dispatched far"]


def test_two_jobs_that_want_one_technician_at_once_get_one_each(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        for name in ("near", "far"):
            make_technician(connection, id=name, name=name, latitude=59.9 if name == "near" else 59.8)
        needs = [need_of(make_need(connection, rule=f"rule_{number}")) for number in range(2)]

    def plan_one(need: Need) -> None:
        with database.transaction() as connection:
            plan(connection, need)

    assert race(lambda: plan_one(needs[0]), lambda: plan_one(needs[1])) == []
    with database.transaction() as connection:
        assert held(connection) == ["far", "near"]


def test_a_broken_job_does_not_hold_up_the_others(database: Database) -> None:
    with database.transaction() as connection:
        first = planned(connection, "near", "far")
        second = plan(connection, need_of(make_need(connection, rule="silent")))
        connection.execute("ALTER TABLE job ADD CHECK (need_id > 1 OR state <> 'planned') NOT VALID")
    clock.freeze(NOW + 3 * MINUTE)
    assert DispatchRunner(database).run_once() == 1
    with database.transaction() as connection:
        assert jobs.get(connection, first, technician_id=None).technician_id == "near"
        assert jobs.get(connection, second, technician_id=None).technician_id != "far"
