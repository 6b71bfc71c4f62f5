from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile

from simulators.coffee_machine import CoffeePlan, coffee_machine
from simulators.message import EVENT, TELEMETRY, Message
from simulators.samples import to_samples

MONDAY = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def _history(seed: str, plan: CoffeePlan, days: float) -> list[Message]:
    return list(takewhile(lambda m: m.ts < MONDAY + timedelta(days=days), coffee_machine(seed, MONDAY, plan)))


def _capsules(messages: list[Message]) -> list[tuple[datetime, float]]:
    return [(s.ts, float(s.value)) for s in to_samples(messages) if s.name == "CapsuleCounter"]  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_messages_in_order_of_time() -> None:
    messages = _history("1", CoffeePlan(), 3)
    assert messages == _history("1", CoffeePlan(), 3)
    assert messages != _history("2", CoffeePlan(), 3)
    assert all(earlier.ts <= later.ts for earlier, later in pairwise(messages))


def test_counters_only_rise_and_capsules_are_the_drinks_that_take_one() -> None:
    samples = list(to_samples(_history("1", CoffeePlan(), 14)))
    last: dict[str, float] = {}
    for sample in samples:
        if sample.name.endswith("Counter") or sample.name.startswith("BeverageCounter"):
            assert isinstance(sample.value, float)
            assert sample.value >= last.get(sample.name, 0.0)
            last[sample.name] = sample.value
    assert last["CapsuleCounter"] == last["BeverageCounterCoffee"] + last["BeverageCounterCoffeeAndMilk"]


def test_people_drink_on_workdays_and_before_lunch_more_than_after() -> None:
    drinks: Counter[tuple[bool, bool]] = Counter()
    for (_, before), (ts, after) in pairwise(_capsules(_history("1", CoffeePlan(remembers=timedelta(0)), 56))):
        drinks[ts.weekday() < 5, ts.hour < 11] += int(after - before)
    workdays = drinks[True, True] + drinks[True, False]
    assert 8 * 40 < workdays < 14 * 40
    assert drinks[False, True] + drinks[False, False] < workdays / 20
    assert drinks[True, True] > drinks[True, False]


def test_it_first_tells_the_counters_of_the_past_four_weeks_in_one_message() -> None:
    first, second = _history("1", CoffeePlan(), 1)[:2]
    past = json.loads(first.body())
    assert len(past) == 28 * 24
    assert past[0]["ts"] < past[-1]["ts"] <= first.ts.timestamp() * 1000 < second.ts.timestamp() * 1000
    counted = past[-1]["values"]["CapsuleCounter"]
    assert 100 < counted - past[0]["values"]["CapsuleCounter"] < 400
    assert second.topic_suffix == TELEMETRY
    assert json.loads(second.body())["values"]["CapsuleCounter"] == counted


def test_visitors_drink_what_the_plan_says_within_the_time_it_says() -> None:
    plan = CoffeePlan(rush_drinks=90, rush=timedelta(minutes=90), remembers=timedelta(0))
    used = [count for ts, count in _capsules(_history("1", plan, 1)) if ts <= MONDAY + timedelta(minutes=91)]
    assert 75 <= used[-1] - used[0] <= 95


def test_descaling_is_announced_becomes_overdue_and_is_done() -> None:
    plan = CoffeePlan(a_day=60, cups_to_descaling=30, remembers=timedelta(0))
    names = [json.loads(m.body())["name"] for m in _history("1", plan, 3) if m.topic_suffix == EVENT]
    about = [name for name in names if "escal" in name]
    assert about[:6] == [
        "DescalingIn20Cups",
        "DescalingIn15Cups",
        "DescalingIn10Cups",
        "DescalingIn5Cups",
        "DeviceDescalingOverdue",
        "DeviceDescaled",
    ]
    assert {"WaterTankEmpty", "DripTrayFull"} <= set(names)
