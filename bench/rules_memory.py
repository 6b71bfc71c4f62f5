"""What a runner's memory takes for each device and rule: states, windows and folds of devices that are remembered."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import dataclass

from bench.rules_fold import new_device
from bench.rules_telemetry import RuleSet
from iot_service.rules.memory import Memory, Remembered


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes that one device of a set takes, in all and for each of its rules."""

    name: str
    device: float
    device_rule: float


def measure(chosen: RuleSet, devices: int) -> Size:
    """Remember ``devices``, each heard as long as the telemetry of ``chosen`` lasts, and return what one takes."""
    samples = [sample for message in chosen.devices[0] for sample in message]
    memory = Memory(devices)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(devices):
        windows, fold = new_device(chosen.product)
        fold.advance(samples)
        fold.goes_on(dict(chosen.product.model.parameters), ())
        place = fold.state.until, fold.state.received, 0
        memory.keep([(f"device-{number}", Remembered(str(number), place, windows, fold))])
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    device = (after - before) / devices
    return Size(chosen.name, device, device / len(chosen.product.rules))
