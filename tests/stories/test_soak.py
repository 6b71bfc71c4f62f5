"""Long fault tests, for `make soak`: many kills at random moments, and still the same outcome."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import pytest

from iot_service.config import load_settings
from iot_service.engines.ports import free_port
from simulators.mapping import load_mapping
from simulators.replay import replay
from tests.servers.mosquitto import MosquittoServer
from tests.stories.running import wait_for
from tests.stories.test_killed import READINGS, judged, listening, outcome, prepared, recording, serving

KILLS = 8


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_again_and_again_at_random_moments_it_stores_and_finds_everything_once(
    server_url: str, fault_broker: MosquittoServer, tmp_path: Path, seed: int
) -> None:
    name = f"soak_{seed}"
    settings = load_settings(
        database_url=prepared(server_url, name), mqtt_url=fault_broker.url, port=free_port(),
        data_dir=tmp_path / name, secret_key="k" * 40, mqtt_slot=name,
    )  # fmt: skip
    log, chance = tmp_path / "service.log", random.Random(seed)
    with serving(settings, log):
        wait_for(lambda: listening(settings), seconds=60, what="ingest to listen")
    sender = threading.Thread(
        target=replay,
        args=(recording(tmp_path), "car-1", load_mapping("car_obd")),
        kwargs={"url": fault_broker.url, "speed": 30.0},
    )
    sender.start()
    for _ in range(KILLS):
        with serving(settings, log):
            time.sleep(chance.uniform(1.0, 9.0))
    with serving(settings, log):
        sender.join()
        began = time.monotonic()
        wait_for(lambda: judged(settings) and outcome(settings)[0] == READINGS, seconds=120, what="the end")
    print(f"caught up {time.monotonic() - began:.1f} s after the last message, {KILLS} kills")
    readings, needs = outcome(settings)
    assert readings == READINGS
    assert [rule for rule, _ in needs] == ["battery_weak"]
