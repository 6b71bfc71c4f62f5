"""Slots: who has which session at the broker, while processes come, go, die, and lose the database."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from iot_service import clock
from iot_service.db import Database
from iot_service.ingest import store
from iot_service.ingest.holders import new_holder
from iot_service.ingest.mqtt.plan import SessionPlan, draining, working
from iot_service.ingest.slots import LEASE, SlotKeeper
from iot_service.ingest.topics import client_id
from tests.factories import NOW
from tests.ingest.fake_sessions import FakeSessions
from tests.ingest.proxy import Proxy
from tests.ingest.publisher import wait_until
from tests.ingest.test_mqtt import behind

TOPICS = ("iot/v1/+/#",)
SPARKPLUG = SessionPlan("sparkplug", ("spBv1.0/#", "iot/v1/$ingest/sparkplug"))
SECOND = timedelta(seconds=1)


class Life:
    """Time that passes by hand: seconds of life, and the clock with them."""

    def __init__(self) -> None:
        self.seconds = 0.0
        clock.freeze(NOW)

    def __call__(self) -> float:
        return self.seconds

    def goes_on(self, seconds: float) -> None:
        self.seconds += seconds
        clock.freeze(NOW + timedelta(seconds=self.seconds))


class Process:
    """An ingest process as far as slots are concerned."""

    def __init__(
        self, database: Database, life: Life, *, share: str | None = "share", wanted: str | None = None,
        ordered: tuple[SessionPlan, ...] = (), holder: str | None = None,
    ) -> None:  # fmt: skip
        self.sessions = FakeSessions()
        self.keeper = SlotKeeper(
            database, self.sessions, topics=TOPICS, share=share, wanted=wanted, ordered=lambda: ordered, monotonic=life
        )
        if holder is not None:
            self.keeper._holder = holder

    @property
    def slots(self) -> list[str]:
        return sorted(self.sessions.opened)

    def step(self) -> list[str]:
        self.keeper.step()
        return self.slots


Start = Callable[..., Process]


@pytest.fixture
def life() -> Life:
    return Life()


@pytest.fixture
def start(database: Database, life: Life) -> Start:
    """Starts a process; by ``elsewhere`` it is one of another host, of which nobody knows if it runs."""

    def make(*, elsewhere: str | None = None, **options: object) -> Process:
        holder = f"{elsewhere} 7:aa:bb" if elsewhere else None
        return Process(database, life, holder=holder, **options)  # type: ignore[arg-type]  # whatever Process takes

    return make


def run(life: Life, seconds: float, *processes: Process) -> None:
    """Let processes take their steps, one every three seconds as they do in life."""
    for _ in range(int(seconds / 3)):
        life.goes_on(3)
        for process in processes:
            process.step()


def known(database: Database) -> list[str]:
    with database.transaction() as connection:
        return [slot.client_id for slot in store.slots(connection)]


def vouch(database: Database, slot: str) -> None:
    """The marker of a slot comes back, and is stored."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE ingest_slot SET caught_up_at = %s WHERE client_id = %s", [clock.now(), client_id(slot)]
        )


def dead_holder() -> str:
    """The name of a process of this system that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return new_holder().replace(f" {os.getpid()}:", f" {process.pid}:")


def test_processes_that_share_the_work_take_one_slot_each(start: Start) -> None:
    one, other = start(), start()
    assert (one.step(), other.step()) == (["1"], ["2"])
    assert (one.step(), other.step()) == (["1"], ["2"])
    assert one.sessions.opened["1"] == working("1", TOPICS, "share")


def test_without_a_share_the_second_one_stands_by_until_the_first_one_ends(start: Start) -> None:
    one, other = start(share=None), start(share=None)
    assert (one.step(), other.step()) == (["1"], [])
    assert one.sessions.opened["1"] == working("1", TOPICS, None)
    one.keeper.release()
    assert other.step() == ["1"]


def test_a_slot_that_is_asked_for_by_name_is_taken_or_waited_for(start: Start) -> None:
    one, other = start(wanted="left"), start(wanted="left")
    assert (one.step(), other.step()) == (["left"], [])
    one.keeper.release()
    assert other.step() == ["left"]


def test_a_released_slot_is_the_next_one_s_at_once(start: Start, database: Database) -> None:
    one, other = start(), start()
    one.step()
    other.step()
    one.keeper.release()
    assert start().step() == ["1"]
    assert known(database) == [client_id("1"), client_id("2")]


def test_who_renews_keeps_his_slot_for_as_long_as_he_likes(start: Start, life: Life) -> None:
    one, other = start(share=None, elsewhere="a"), start(share=None, elsewhere="b")
    one.step()
    other.step()
    run(life, 60, one, other)
    assert (one.slots, other.slots) == (["1"], [])


def test_a_process_that_is_started_again_on_the_same_host_goes_on_with_the_slot_of_the_dead_one(start: Start) -> None:
    one = start()
    one.keeper._holder = dead_holder()
    assert one.step() == ["1"]
    assert start().step() == ["1"]


def test_of_a_holder_of_another_host_nobody_knows_that_he_is_dead_before_his_lease_has_run_out(
    start: Start, life: Life
) -> None:
    start(share=None, elsewhere="a").step()
    other = start(share=None)
    other.step()
    run(life, LEASE.total_seconds() - 3, other)
    assert other.slots == []
    run(life, 6, other)
    assert other.slots == ["1"]


def test_two_hosts_or_containers_of_one_name_do_not_take_each_other_for_dead(start: Start) -> None:
    host = new_holder().split(" ")[0]
    start(share=None, elsewhere=f"{host} another-boot/4026531836").step()
    assert start(share=None).step() == []


def test_the_slot_of_one_that_is_gone_for_good_is_emptied_then_forgotten(
    start: Start, life: Life, database: Database
) -> None:
    one, other = start(elsewhere="a"), start()
    one.step()
    other.step()
    run(life, 27, other)
    assert other.slots == ["2"], "he may yet come back"
    run(life, 6, other)
    assert other.slots == ["1", "2"]
    assert other.sessions.opened["1"] == draining("1", TOPICS, "share")
    run(life, 30, other)
    assert other.sessions.forgotten == {}, "not everything that waited in it is stored"
    vouch(database, "1")
    stored = clock.now()
    run(life, 3, other)
    assert (other.slots, other.sessions.forgotten) == (["2"], {"1": stored})
    assert known(database) == [client_id("2")]


def test_the_slot_of_one_that_died_here_is_emptied_after_seconds_in_which_he_may_be_started_again(
    start: Start, life: Life
) -> None:
    one, other = start(), start()
    other.step()
    one.keeper._holder = dead_holder()
    one.step()
    run(life, 6, other)
    assert other.slots == ["1"]
    run(life, 3, other)
    assert other.slots == ["1", "2"]


def test_a_slot_stays_known_until_the_broker_could_be_told_to_forget_it(
    start: Start, life: Life, database: Database
) -> None:
    one, other = start(elsewhere="a"), start()
    one.step()
    other.step()
    run(life, 33, other)
    other.sessions.connected = False
    vouch(database, "1")
    run(life, 9, other)
    assert known(database) == [client_id("1"), client_id("2")]
    other.sessions.connected = True
    run(life, 3, other)
    assert known(database) == [client_id("2")]


def test_one_who_comes_back_when_his_slot_was_taken_over_leaves_its_session_and_takes_another_slot(
    start: Start, life: Life
) -> None:
    one, other = start(elsewhere="a"), start()
    one.step()
    other.step()
    run(life, 33, other)
    assert one.step() == ["3"]
    assert other.step() == ["1", "2"]


def test_only_one_of_many_empties_a_slot(start: Start, life: Life) -> None:
    gone, one, other = start(elsewhere="a"), start(), start()
    for process in (gone, one, other):
        process.step()
    run(life, 60, one, other)
    assert sorted(one.slots + other.slots) == ["1", "2", "3"]


def test_a_slot_that_somebody_empties_is_not_worked_in_before_it_is_given_up(
    start: Start, life: Life, database: Database
) -> None:
    one, other = start(wanted="a", elsewhere="a"), start(wanted="b")
    one.step()
    other.step()
    run(life, 33, other)
    back = start(wanted="a")
    assert back.step() == []
    vouch(database, "a")
    run(life, 3, other, back)
    assert (other.slots, back.slots) == (["b"], ["a"])
    assert back.sessions.opened["a"] == working("a", TOPICS, "share")


def test_what_must_stay_in_order_is_in_one_hand_and_passes_to_the_next(
    start: Start, life: Life, database: Database
) -> None:
    one, other = start(ordered=(SPARKPLUG,), elsewhere="a"), start(ordered=(SPARKPLUG,))
    assert (one.step(), other.step()) == (["1", "sparkplug"], ["2"])
    run(life, 18, other)
    assert other.slots == ["2", "sparkplug"]
    assert other.sessions.opened["sparkplug"] == SPARKPLUG, "it is gone on with, not emptied"
    one.step()
    assert one.slots == ["1"]


def test_after_an_absence_of_the_database_everybody_has_the_time_to_renew(start: Start, life: Life) -> None:
    one, other = start(elsewhere="a"), start(elsewhere="b")
    one.step()
    other.step()
    life.goes_on(600)
    one.keeper.not_renewed()
    other.keeper.not_renewed()
    newcomer = start(elsewhere="c")
    assert newcomer.step() == ["3"]
    run(life, 6, newcomer, other)
    run(life, 60, one, other, newcomer)
    assert (one.slots, other.slots, newcomer.slots) == (["1"], ["2"], ["3"])


def test_when_the_database_comes_back_nobody_loses_his_slot_to_one_who_asks_first(start: Start, life: Life) -> None:
    one, other = start(share=None, elsewhere="a"), start(share=None, elsewhere="b")
    one.step()
    run(life, 30, one, other)
    life.goes_on(60)
    for process in (one, other):
        process.keeper.not_renewed()
    assert (other.step(), one.step()) == ([], ["1"])
    run(life, 60, other, one)
    assert (one.slots, other.slots) == (["1"], [])


def test_a_keeper_goes_on_when_the_database_is_back(database: Database, life: Life) -> None:
    sessions, stop = FakeSessions(), threading.Event()
    with Proxy(urlsplit(database.url).port or 5432) as proxy, behind(proxy, database) as far:
        keeper = SlotKeeper(far, sessions, topics=TOPICS, share=None)
        proxy.cut()
        thread = threading.Thread(target=keeper.run, args=(stop,))
        thread.start()
        proxy.mend()
        wait_until(lambda: sessions.opened)
        stop.set()
        thread.join()
        keeper.release()
    with database.transaction() as connection:
        (slot,) = store.slots(connection)
    assert slot.holder is None


def test_who_cannot_renew_leaves_his_sessions_when_his_lease_has_run_out_and_takes_them_up_again(
    start: Start, life: Life
) -> None:
    one = start(elsewhere="a", ordered=(SPARKPLUG,))
    one.step()
    life.goes_on(LEASE.total_seconds() - 1)
    one.keeper.not_renewed()
    assert one.slots == ["1", "sparkplug"]
    life.goes_on(2)
    one.keeper.not_renewed()
    assert one.slots == []
    assert one.step() == ["1", "sparkplug"]


def test_on_a_clock_that_runs_faster_a_lease_lasts_as_long_as_in_life(database: Database) -> None:
    clock.run(anchor=NOW, speed=60.0)
    try:
        SlotKeeper(database, FakeSessions(), topics=TOPICS, share=None).step()
        with database.transaction() as connection:
            (slot,) = store.slots(connection)
        assert slot.leased_until is not None
        assert slot.leased_until - clock.now() > 13 * timedelta(minutes=1)
    finally:
        clock.run(anchor=NOW, speed=1.0)
