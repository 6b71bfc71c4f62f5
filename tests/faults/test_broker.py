"""The broker stops, crashes, or cannot be reached, under load."""

from __future__ import annotations

from tests.faults.world import World
from tests.ingest.proxy import Proxy


def test_the_broker_is_stopped_and_started_again(world: World) -> None:
    world.start("ingest", "worker")
    world.load(flickering=False)
    world.goes_on()
    world.broker.halt()
    world.goes_on(world.scale.away)
    world.broker.restart()
    world.caught_up()
    world.goes_on()
    world.everything_once()


def test_the_broker_is_killed(world: World) -> None:
    world.start("ingest", "worker")
    world.load(flickering=False)
    world.goes_on(2.0)
    world.broker.kill()
    world.broker.restart()
    world.caught_up()
    world.goes_on()
    lost = world.missing()
    print(f"a SIGKILL of the broker lost {len(lost)} messages")
    assert len(lost) <= world.scale.rate, "what was on its way to ingest in its last second at the most"


def test_the_network_between_ingest_and_broker_stalls_and_is_reset(world: World) -> None:
    with Proxy(world.broker.port) as proxy:
        world.start("ingest", IOT_MQTT_URL=f"mqtt://127.0.0.1:{proxy.port}")
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
