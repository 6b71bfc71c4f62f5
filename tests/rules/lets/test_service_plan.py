"""Service plans in rules: when a service is due, by which limit, and from where it is counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from iot_service.model.device import ServiceState
from iot_service.model.reading import Sample
from iot_service.products.model import ProductModel
from iot_service.products.rule_spec import RuleSpec
from iot_service.products.service_plan import ServicePlan
from iot_service.rules.compiled import CompiledProduct, compile_product
from iot_service.rules.fold import DeviceFold
from iot_service.rules.instants import FactChange
from iot_service.rules.outcomes import Outcome
from iot_service.rules.state import DeviceState, from_json, to_json
from iot_service.rules.windows import EPOCH, Window, Windows
from tests.rules.telemetry import reading

START = datetime(2026, 1, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)
LOADER = ProductModel.model_validate({
    "id": "loader",
    "name": {"nb": "Hjullaster", "en": "Wheel loader"},
    "metrics": {
        "running_hours": {"unit": "h", "counter": True},
        "starts": {"unit": "1", "counter": True},
        "load": {"unit": "t"},
    },
    "parameters": {"hours_between": 500},
    "plans": {
        "inspection": {"every": {"running_hours": "hours_between", "starts": 1000, "months": 12}},
        "licence": {"every": {"months": 6}},
    },
})  # fmt: skip


def product(
    when: str = "due < 30", let: str = "due_in(inspection)", model: ProductModel = LOADER, **over: Any
) -> CompiledProduct:
    values = {
        "id": "due", "kind": "service", "severity": "normal", "title": {"nb": "Service", "en": "Service due"},
        "let": {"due": let}, "when": when,
    }  # fmt: skip
    found, problems = compile_product(model, [RuleSpec.model_validate({**values, **over})])
    assert problems == []
    return found


def problems(let: str) -> list[str]:
    spec = RuleSpec.model_validate({
        "id": "due", "kind": "service", "severity": "normal", "title": {"nb": "Service", "en": "Service due"},
        "let": {"due": let}, "when": "due < 30",
    })  # fmt: skip
    return [problem.message for problem in compile_product(LOADER, [spec])[1]]


def fold(
    compiled: CompiledProduct, samples: Sequence[Sample], changes: Sequence[FactChange] = (), *, until: datetime
) -> list[Outcome]:
    """What comes of it in one go."""
    windows = Windows(Window(key) for key in compiled.windows)
    device = DeviceFold(compiled, DeviceState(ServiceState.IN_SERVICE), windows, compiled.model.parameters)
    device.advance(samples, changes, quiet_until=until)
    assert device.errors == {}
    return device.outcomes


def used(a_day: float, days: int, *, first: float = 0.0, metric: str = "running_hours") -> list[Sample]:
    """A counter that is reported once a day."""
    return [reading(metric, START + day * DAY, first + a_day * day) for day in range(days)]


def serviced(at: datetime, **counters: float) -> list[FactChange]:
    return [
        FactChange(at, "inspection_at", (at - EPOCH) / DAY),
        *(FactChange(at, f"inspection_{name}", value) for name, value in counters.items()),
    ]


def days(outcomes: Sequence[Outcome]) -> list[tuple[str, float]]:
    return [(outcome.kind.value, (outcome.at - START) / DAY) for outcome in outcomes]


def test_what_is_reached_first_counts_at_the_devices_own_pace() -> None:
    [opened] = fold(product(), used(8, 50), until=START + 50 * DAY)
    assert (opened.at - START) / DAY == 33, "264 of 500 hours at 8 a day: 29.5 days more"
    assert opened.reason.endswith(
        "by running_hours: 264 of 500 h since 2026-01-01, when it was first heard (no service is known)"
    )


def test_a_device_that_is_hardly_used_is_due_by_the_calendar_though_nothing_comes() -> None:
    [opened] = fold(product(), used(0.1, 20), until=START + 400 * DAY)
    assert (opened.at - START) / DAY == 336, "a year is 365 days: less than 30 are left"
    assert "by months: 11.0 of 12 months since 2026-01-01, when it was first heard" in opened.reason


def test_it_is_counted_from_the_last_service_with_its_own_reading() -> None:
    samples = used(8, 30, first=4000)
    [opened] = fold(product(), samples, serviced(START - 25 * DAY, running_hours=3800), until=START + 30 * DAY)
    assert (opened.at - START) / DAY == 8, "264 hours since 3,800"
    assert opened.reason.endswith("264 of 500 h since the last service on 2025-12-07")


def test_a_service_that_is_done_ends_the_need() -> None:
    samples, at = used(8, 60), START + 40 * DAY + timedelta(hours=3)
    outcomes = fold(product(), samples, serviced(at, running_hours=320.0), until=START + 60 * DAY)
    assert days(outcomes) == [("opened", 33), ("resolved", 40.125)]


def test_overdue_is_below_zero() -> None:
    compiled = product(when="due < -4")
    [opened] = fold(compiled, used(10, 60), until=START + 60 * DAY)
    assert (opened.at - START) / DAY == 55
    assert "overdue for 5 days by running_hours: 550 of 500 h" in opened.reason


def test_the_share_of_the_interval_is_that_of_the_nearest_limit() -> None:
    compiled = product(when="due >= 0.9", let="due_share(inspection)")
    outcomes = fold(compiled, used(10, 60), until=START + 60 * DAY)
    assert days(outcomes) == [("opened", 45)]


def test_a_chance_of_one_in_ten_comes_earlier_and_nine_in_ten_later() -> None:
    first, middle, last = (
        days(fold(product(let=f"due_in(inspection, {chance})"), used(8, 60), until=START + 60 * DAY))[0][1]
        for chance in (0.1, 0.5, 0.9)
    )
    assert first < middle < last


def test_a_counter_that_was_exchanged_goes_on_from_nothing() -> None:
    before = used(8, 20, first=4000)
    after = [reading("running_hours", START + day * DAY, 8.0 * (day - 20)) for day in range(20, 60)]
    outcomes = fold(product(), [*before, *after], until=START + 60 * DAY)
    assert days(outcomes) == [("opened", 54)], "272 hours on the new one"


def test_a_plan_by_the_calendar_alone_begins_with_any_reading() -> None:
    compiled = product(let="due_in(licence)")
    [opened] = fold(compiled, [reading("load", START, 3.0)], until=START + 200 * DAY)
    assert (opened.at - START) / DAY == 152, "1 July is 181 days after 1 January"


def test_a_limit_that_is_a_parameter_may_be_the_devices_own() -> None:
    changes = [FactChange(START, "hours_between", 300.0)]
    [opened] = fold(product(), used(8, 40), changes, until=START + 40 * DAY)
    assert (opened.at - START) / DAY == 8, "64 of 300 hours"


def test_a_limit_of_more_months_than_calendars_have_is_none() -> None:
    plans = LOADER.model_copy(update={"plans": {"licence": ServicePlan(every={"months": 1e9})}})
    assert fold(product(let="due_in(licence)", model=plans), [reading("load", START, 3.0)], until=START + 9 * DAY) == []


def test_without_a_reading_of_the_counter_and_a_service_nothing_is_known() -> None:
    assert fold(product(), [reading("load", START, 3.0)], until=START + 500 * DAY) == []


@pytest.mark.parametrize("cut", [1, 17, 33, 34, 49])
def test_a_restart_changes_nothing(cut: int) -> None:
    compiled, samples = product(), used(8, 50)
    whole = fold(compiled, samples, until=START + 50 * DAY)
    windows = Windows(Window(key) for key in compiled.windows)
    first = DeviceFold(compiled, DeviceState(ServiceState.IN_SERVICE), windows, compiled.model.parameters)
    first.advance(samples[:cut])
    kept = orjson.loads(orjson.dumps(to_json(first.state)))
    state = from_json(
        kept, service_state=first.state.service_state, until=first.state.until, received=first.state.received
    )
    second = DeviceFold(compiled, state, windows, compiled.model.parameters)
    second.advance(samples[cut:], quiet_until=START + 50 * DAY)
    assert [*first.outcomes, *second.outcomes] == whole


@pytest.mark.parametrize(
    ("let", "problem"),
    [
        ("due_in(inspections)", "the product has no plan for 'inspections'; did you mean 'inspection'?"),
        ("due_in(inspection, 0.4)", "the chance of due_in is 0.1, 0.5 or 0.9, got 0.4"),
        ("due_share(inspection, 0.5)", "due_share takes a service with a plan, such as due_share(annual_service)"),
    ],
)
def test_what_is_wrong_is_said(let: str, problem: str) -> None:
    assert problem in problems(let)
