from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile

import pytest

from simulators.freezer import DoorOpening, FreezerPlan, freezer
from simulators.message import Message
from simulators.samples import to_samples

START = datetime(2026, 1, 12, 8, tzinfo=UTC)
SEEDS = ("1", "2", "3", "4", "5")


def _history(seed: str, plan: FreezerPlan, hours: float) -> list[Message]:
    return list(takewhile(lambda m: m.ts < START + timedelta(hours=hours), freezer(seed, START, plan)))


def _curve(messages: list[Message], metric: str = "temperature") -> list[tuple[timedelta, float]]:
    return [(s.ts - START, float(s.value)) for s in to_samples(messages) if s.name == metric]  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_messages_and_another_seed_others() -> None:
    plan = FreezerPlan(daily_use=True)
    assert _history("1", plan, 6) == _history("1", plan, 6)
    assert _history("1", plan, 6) != _history("2", plan, 6)


def test_messages_come_in_order_of_time_at_least_once_a_minute() -> None:
    times = [message.ts for message in _history("1", FreezerPlan(daily_use=True), 12)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) > timedelta(0)
    assert max(gaps) <= timedelta(minutes=1)


@pytest.mark.parametrize("setpoint", [-70.0, -80.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_freezer_in_good_order_stays_within_two_degrees_and_its_compressor_rests(seed: str, setpoint: float) -> None:
    messages = _history(seed, FreezerPlan(setpoint=setpoint), 24)
    assert all(abs(value - setpoint) < 2 for _, value in _curve(messages))
    running = [value for _, value in _curve(messages, "compressor")]
    assert 0.4 < sum(running) / len(running) < 0.8


@pytest.mark.parametrize("seed", SEEDS)
def test_a_door_open_for_30_s_warms_the_air_8_to_10_degrees_and_it_recovers_in_30_to_60_minutes(seed: str) -> None:
    opening = DoorOpening(timedelta(minutes=10), timedelta(seconds=30))
    undisturbed = dict(_curve(_history(seed, FreezerPlan(), 3)))
    before = undisturbed[max(at for at in undisturbed if at < timedelta(minutes=10))]
    curve = _curve(_history(seed, FreezerPlan(openings=(opening,)), 3))
    peak_at, peak = max(curve, key=lambda point: point[1])
    assert 7.5 < peak - before < 10.5
    assert peak_at - opening.after < timedelta(minutes=2)
    back = next(at for at, value in curve if at > peak_at and value <= -69.0)
    assert timedelta(minutes=15) < back - peak_at < timedelta(minutes=60)
    half = next(value for at, value in curve if at > peak_at + timedelta(minutes=10))
    assert half > -70 + 2, "it must not recover at once"


@pytest.mark.parametrize("seed", SEEDS)
def test_no_ordinary_use_keeps_the_air_10_degrees_too_warm_for_10_minutes(seed: str) -> None:
    since: timedelta | None = None
    for at, value in _curve(_history(seed, FreezerPlan(daily_use=True), 72)):
        since = (since or at) if value > -60 else None
        assert since is None or at - since < timedelta(minutes=10)


@pytest.mark.parametrize("seed", SEEDS)
def test_without_its_compressor_it_warms_by_10_degrees_in_35_to_50_minutes_and_goes_on(seed: str) -> None:
    failure = timedelta(minutes=5)
    messages = _history(seed, FreezerPlan(compressor_fails_after=failure), 4)
    curve = _curve(messages)
    crossed = next(at for at, value in curve if value > -60)
    assert timedelta(minutes=35) < crossed - failure < timedelta(minutes=50)
    assert all(value > -60 for at, value in curve if at > crossed + timedelta(minutes=2))
    assert not any(value for at, value in _curve(messages, "compressor") if at > failure)


def test_a_first_start_from_room_temperature_takes_hours() -> None:
    curve = _curve(_history("1", FreezerPlan(starts_warm=True), 12))
    assert curve[0][1] > 18
    reached = next(at for at, value in curve if value < -65)
    assert timedelta(hours=3) < reached < timedelta(hours=6)
