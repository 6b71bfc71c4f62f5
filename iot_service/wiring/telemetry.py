"""`replay` and `simulate`: devices of our own, published over MQTT like anybody's."""

from __future__ import annotations

import threading
from pathlib import Path

from iot_service.config import Settings
from iot_service.errors import InvalidInputError, StopError
from iot_service.model.device import DEVICE_ID
from iot_service.wiring.installation import running_mqtt_url
from simulators.mapping import load_mapping
from simulators.publish import simulate
from simulators.replay import replay
from simulators.scenarios import SCENARIOS, find_scenario


def _broker(settings: Settings) -> str:
    url = settings.mqtt_url or running_mqtt_url(settings)
    if url is None:
        raise StopError("there is no broker: set IOT_MQTT_URL, or start `iot-service serve`, which brings one")
    return url


def _known_id(device: str) -> str:
    if DEVICE_ID.fullmatch(device) is None:
        raise InvalidInputError(
            "is no id of a device: letters, digits, - and _, up to 64, as in its topics", field=repr(device)
        )
    return device


def replay_command(
    settings: Settings,
    file: Path,
    device: str,
    mapping: str,
    *,
    speed: float | None,
    shift: bool,
    stop: threading.Event,
) -> str:
    """Publish ``file`` as ``device``, and return what was done in one sentence."""
    url = _broker(settings)
    report = replay(file, _known_id(device), load_mapping(mapping), url=url, speed=speed, shift=shift, stop=stop)
    lost = f", {report.refused} refused" if report.refused else ""
    unheard = f", {report.unheard} heard by nobody: does ingest run?" if report.unheard else ""
    return (
        f"{report.messages} messages with {report.readings} readings, {report.acknowledged} acknowledged{lost}{unheard}"
    )


def scenario_table() -> str:
    """Return the scenarios with what they do, one a line."""
    width = max(map(len, SCENARIOS))
    return "\n".join(f"{name:<{width}}  {scenario.description}" for name, scenario in sorted(SCENARIOS.items()))


def simulate_command(settings: Settings, pairs: list[str], *, seed: int, speed: float, stop: threading.Event) -> str:
    """Let each DEVICE=SCENARIO of ``pairs`` publish until ``stop``; return what was done in one sentence."""
    devices, scenarios = [], []
    for pair in pairs:
        device, sign, name = pair.partition("=")
        if not (device and sign):
            raise InvalidInputError("write DEVICE=SCENARIO, for example freezer-1=freezer_normal", field=pair)
        devices.append(_known_id(device))
        scenarios.append(find_scenario(name))
    counters = simulate(scenarios, devices, url=_broker(settings), seed=seed, speed=speed, stop=stop)
    return f"{counters.published} messages published, {counters.acknowledged} acknowledged"
