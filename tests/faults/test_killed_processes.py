"""SIGKILL of our own processes at random moments, under load."""

from __future__ import annotations

from tests.faults.world import World


def test_ingest_and_worker_are_killed_again_and_again(world: World) -> None:
    world.start("ingest", "worker")
    world.load()
    for _ in range(world.scale.faults):
        world.goes_on()
        world.kill_and_restart(*world.chance.choice([("ingest",), ("worker",), ("worker", "ingest")]))
        assert set(world.slots()) == {"1"}, "whoever is started again takes the slot that he had"
    world.caught_up()
    world.everything_once()
