"""The score of the Numenta Anomaly Benchmark."""

from __future__ import annotations

from math import exp

import pytest

from iot_service.anomaly.nab import nab_score, probation

WINDOWS = [(2000, 2099), (3000, 3099)]


def sigmoid(position: float) -> float:
    return 2 / (1 + exp(5 * position)) - 1


def test_nothing_is_0_and_the_beginning_of_every_window_is_100() -> None:
    assert nab_score(10_000, WINDOWS, []) == 0
    assert nab_score(10_000, WINDOWS, [2000, 3000]) == pytest.approx(100)
    assert nab_score(10_000, WINDOWS, [2000, 2050, 2090, 3000]) == pytest.approx(100)
    assert nab_score(10_000, [], [5]) is None


def test_a_later_detection_earns_less_and_a_false_one_costs_by_how_far_behind_a_window_it_is() -> None:
    middle = sigmoid(-50 / 100) / sigmoid(-1)
    assert nab_score(10_000, WINDOWS, [2050, 3000]) == pytest.approx(100 * (middle + 1 + 2) / 4)
    assert nab_score(10_000, WINDOWS, [1500]) == pytest.approx(-100 * 0.11 / 4)
    near = 0.11 * sigmoid(33 / 99)
    assert nab_score(10_000, WINDOWS, [2132]) == pytest.approx(100 * near / 4)
    assert nab_score(10_000, WINDOWS, [9000]) == pytest.approx(-100 * 0.11 / 4)


def test_what_stands_in_the_probation_does_not_count() -> None:
    assert (probation(1000), probation(100_000)) == (150, 750)
    assert nab_score(10_000, [(100, 200), *WINDOWS], [10, 150, 2000, 3000]) == pytest.approx(100)
