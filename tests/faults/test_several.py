"""Several ingest processes, one of which is killed and does not come back."""

from __future__ import annotations

from tests.faults.world import World


def test_of_two_that_share_the_work_one_is_gone_for_good_and_leaves_no_session_behind(world: World) -> None:
    world.start("ingest-1", "ingest-2", IOT_MQTT_SHARE="share", IOT_LATENESS=world.lateness)
    world.start("worker")
    world.wait_for(lambda: len(world.slots()) == 2, "both to listen")
    (gone,) = (slot for slot, pid in world.slots().items() if pid == world.processes.pid("ingest-1"))
    world.load()
    world.goes_on()
    world.processes.kill("ingest-1")
    world.caught_up()
    world.wait_for(lambda: gone not in world.all_slots(), "its slot to be given up")
    assert not world.session_left(gone)
    world.goes_on()
    world.everything_once()


def test_one_stands_by_and_takes_over_when_the_other_is_gone(world: World) -> None:
    world.start("ingest-1", "ingest-2", "worker")
    world.load()
    world.wait_for(lambda: world.processes.said("action=slots.standby") == 1, "the other one to stand by")
    (working,) = (name for name in ("ingest-1", "ingest-2") if world.processes.pid(name) in world.slots().values())
    world.goes_on()
    world.processes.kill(working)
    world.caught_up()
    assert len(world.slots()) == 1
    world.everything_once()
