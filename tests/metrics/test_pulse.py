"""Liveness and readiness tell the truth."""

from __future__ import annotations

import pytest

from iot_service.metrics.pulse import Pulse


class Watch:
    """A clock that is set by hand."""

    at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def pulse(watch: Watch) -> Pulse:
    pulse = Pulse(now=watch)
    pulse.expect("rules", ready_within=10, live_within=600)
    return pulse


def test_a_process_that_begins_lives_and_is_not_ready(pulse: Pulse) -> None:
    assert pulse.not_live() == []
    assert pulse.not_ready() == ["rules has never worked yet"]


def test_a_process_whose_parts_work_is_ready(pulse: Pulse, watch: Watch) -> None:
    pulse.worked("rules")
    watch.at = 9
    assert pulse.not_ready() == []


def test_without_its_database_it_lives_and_is_not_ready(pulse: Pulse, watch: Watch) -> None:
    pulse.worked("rules")
    for watch.at in range(0, 3600, 5):
        pulse.beat("rules")
    assert pulse.not_live() == []
    assert pulse.not_ready() == ["rules has not worked for 3595 s"]


def test_a_loop_that_hangs_in_one_call_is_soon_not_ready_and_much_later_not_alive(pulse: Pulse, watch: Watch) -> None:
    pulse.worked("rules")
    watch.at = 11
    assert pulse.not_ready() == ["rules has not worked for 11 s"]
    assert pulse.not_live() == []
    watch.at = 601
    assert pulse.not_live() == ["rules has not moved for 601 s"]


def test_a_condition_that_does_not_hold_keeps_it_from_being_ready(pulse: Pulse) -> None:
    connected = False
    pulse.require("connected to the broker", lambda: connected)
    pulse.worked("rules")
    assert pulse.not_ready() == ["connected to the broker does not hold"]
    connected = True
    assert pulse.not_ready() == []
