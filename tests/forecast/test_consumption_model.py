"""How long a stock lasts, from single uses in the time zone of the device."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iot_service.forecast.consumption_model import ConsumptionModel
from tests.forecast.series import uses

OSLO = ZoneInfo("Europe/Oslo")
EVENTS = [(use.replace(tzinfo=OSLO), 1.0) for use in uses(lambda *_: 8, days=40, seed=1)]
END = datetime(2024, 4, 10, tzinfo=OSLO)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, len(EVENTS)), max_size=5))
def test_batches_make_no_difference(cuts: list[int]) -> None:
    whole, cut = ConsumptionModel(OSLO), ConsumptionModel(OSLO)
    whole.update(EVENTS)
    bounds = [0, *sorted(cuts), len(EVENTS)]
    for first, last in pairwise(bounds):
        cut.update(EVENTS[first:last])
    assert cut.days_until_used_up(30, END) == whole.days_until_used_up(30, END)


def test_the_order_within_a_day_makes_no_difference() -> None:
    shuffled = list(EVENTS)
    Random(2).shuffle(shuffled)
    shuffled.sort(key=lambda event: event[0].date())
    one, other = ConsumptionModel(OSLO), ConsumptionModel(OSLO)
    one.update(EVENTS)
    other.update(shuffled)
    assert one.days_until_used_up(30, END) == other.days_until_used_up(30, END)


def test_days_are_those_of_the_devices_time_zone() -> None:
    late = [(datetime(2024, 3, day, 23, 30, tzinfo=UTC), 10.0) for day in range(1, 25)]
    oslo, utc = ConsumptionModel(OSLO), ConsumptionModel(UTC)
    oslo.update(late)
    utc.update(late)
    noon = datetime(2024, 3, 25, 12, tzinfo=UTC)
    here, there = oslo.days_until_used_up(5, noon), utc.days_until_used_up(5, noon)
    assert here is not None
    assert there is not None
    assert there.p50 == pytest.approx(0.5, abs=0.05)
    assert here.p50 > 0.4


def test_at_night_the_stock_lasts_until_the_morning() -> None:
    model = ConsumptionModel(UTC)
    model.update((datetime(2024, 3, 1, 9, tzinfo=UTC) + timedelta(days=day, minutes=6 * use), 1.0)
                 for day in range(60) for use in range(40))  # fmt: skip
    evening = model.days_until_used_up(10, datetime(2024, 4, 30, 18, tzinfo=UTC))
    assert evening is not None
    assert 0.62 < evening.p10 < evening.p90 < 0.75


def test_amounts_are_counted_in_portions() -> None:
    cups, litres = ConsumptionModel(OSLO), ConsumptionModel(OSLO, portion=0.25)
    cups.update(EVENTS)
    litres.update((at, 0.25) for at, _ in EVENTS)
    assert litres.days_until_used_up(7.5, END) == cups.days_until_used_up(30, END)


def test_a_use_of_a_complete_day_is_refused() -> None:
    model = ConsumptionModel(OSLO)
    model.update(EVENTS)
    with pytest.raises(ValueError, match="complete already"):
        model.update(EVENTS[:1])


def test_nothing_is_known_before_one_day_is_complete() -> None:
    model = ConsumptionModel(OSLO)
    assert model.days_until_used_up(30, END) is None
    model.update(EVENTS[:1])
    assert model.days_until_used_up(30, EVENTS[0][0]) is None


def test_a_portion_must_be_above_nothing() -> None:
    with pytest.raises(ValueError, match="portion"):
        ConsumptionModel(UTC, portion=0)
