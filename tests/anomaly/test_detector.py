"""The anomaly detector: what it finds, that it is quiet else, and that it goes on where it stopped."""

from __future__ import annotations

import json
import random
from datetime import timedelta

import pytest

from iot_service.anomaly.assessment import assess
from iot_service.anomaly.detector import AnomalyDetector
from iot_service.anomaly.recording import read_series, read_windows
from tests.anomaly.series_of_kinds import KINDS, START
from tests.recordings import recording

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_anomaly_is_found_and_little_else(kind: str) -> None:
    readings, windows = KINDS[kind]
    found = assess(readings, windows)
    assert found.recall == 1
    assert found.false_per_week <= 0.5
    assert all(detection.explanation for detection in found.detections)


def test_noise_a_walk_a_counter_and_a_constant_are_quiet() -> None:
    chance = random.Random(2)
    walk, count = 100.0, 0.0
    detectors = {name: AnomalyDetector() for name in ("noise", "walk", "counter", "constant")}
    episodes = dict.fromkeys(detectors, 0)
    for place in range(30 * 144):
        walk += chance.gauss(0, 0.3)
        count += chance.random() < 0.1
        values = {"noise": chance.gauss(50, 5), "walk": walk, "counter": count, "constant": 3.0}
        for name, value in values.items():
            episodes[name] += detectors[name].take(START + 10 * place * MINUTE, value).begins
    assert episodes["constant"] == 0
    assert all(count <= 2 for count in episodes.values()), episodes


def test_it_goes_on_exactly_where_it_stopped() -> None:
    readings = KINDS["load"][0][:2000]
    whole, parted = AnomalyDetector(), AnomalyDetector()
    for place, reading in enumerate(readings):
        if place % 97 == 0:
            parted = AnomalyDetector(json.loads(json.dumps(parted.to_json())))
        assert whole.take(reading.at, reading.value) == parted.take(reading.at, reading.value)
    assert len(json.dumps(whole.to_json())) < 16_000


def test_a_gap_of_months_and_readings_out_of_order_do_it_no_harm() -> None:
    detector, chance = AnomalyDetector(), random.Random(3)
    for place in range(3000):
        detector.take(START + place * MINUTE, chance.gauss(20, 2))
    later = START + timedelta(days=200)
    assert detector.take(START, 1e9).score == 0
    assert not any(detector.take(later + place * MINUTE, chance.gauss(20, 2)).begins for place in range(3000))


def test_the_failures_of_a_machine_are_marked_before_their_windows_end() -> None:
    file = recording("machine/machine_temperature_system_failure.csv")
    readings = read_series(file)
    windows = read_windows(recording("machine/anomaly_windows.json"), file, readings)
    found = assess(readings, windows)
    assert {2, 3} <= {detection.window for detection in found.detections}
    assert found.false_per_week <= 1
