"""The database stops, crashes, or cannot be reached, under load."""

from __future__ import annotations

from tests.faults.world import World
from tests.ingest.proxy import Proxy


def test_the_database_is_stopped_for_a_while_and_then_killed(world: World) -> None:
    world.start("ingest", "worker")
    world.load()
    world.goes_on()
    world.server.halt()
    world.goes_on(world.scale.away)
    world.server.restart()
    world.caught_up()
    world.goes_on()
    world.server.kill()
    world.server.restart()
    world.caught_up()
    world.everything_once()


def test_the_network_between_ingest_and_database_stalls_and_is_reset(world: World) -> None:
    with Proxy(world.server.port) as proxy:
        world.start("ingest", IOT_DATABASE_URL=world.through(proxy.port))
        world.start("worker")
        world.load()
        world.goes_on()
        proxy.stall()
        world.goes_on(world.scale.away)
        proxy.reset()
        world.goes_on(world.scale.away)
        proxy.mend()
        world.caught_up()
        world.everything_once()
