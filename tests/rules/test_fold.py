"""The fold: samples in order of their time become outcomes, however they are cut up."""

from __future__ import annotations

import json
from datetime import timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from iot_service.model.device import ServiceState
from iot_service.model.reading import Sample, SampleKind
from iot_service.rules.compiled import CompiledProduct, compile_product
from iot_service.rules.device_time import DeviceTime
from iot_service.rules.fold import DeviceFold
from iot_service.rules.instants import FactChange
from iot_service.rules.lifecycle import Phase, withdrawn
from iot_service.rules.outcomes import Outcome
from iot_service.rules.state import DeviceState, from_json, to_json
from iot_service.rules.windows import Window, Windows
from tests.rules.telemetry import SHIPPED, START, compiled, event, happened, new_fold, reading, rule, series

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def test_unknown_opens_nothing_and_closes_nothing() -> None:
    fold = new_fold(compiled("freezer", [rule(clear="ambient < 20")]))
    fold.advance(series(ambient="30x5"))
    assert happened(fold) == []
    fold.advance(series(MINUTE, START + 6 * MINUTE, temperature="-55"), quiet_until=START + 60 * MINUTE)
    assert happened(fold) == [("opened", "warm", 6)], "outdated readings do not close it"


def test_a_reading_becomes_outdated_at_its_exact_instant_and_what_waited_starts_anew() -> None:
    fold = new_fold(compiled("freezer", [rule(**{"for": "20m"})]))
    fold.advance([reading("temperature", START, -55.0)], quiet_until=START + 15 * MINUTE - SECOND)
    assert [state.phase for state in fold.state.rules.values()] == [Phase.PENDING]
    assert fold.next_due() == START + 15 * MINUTE
    fold.advance([], quiet_until=START + 60 * MINUTE)
    assert [state.phase for state in fold.state.rules.values()] == [Phase.INACTIVE]
    assert happened(fold) == []


def test_for_fires_between_two_messages_at_its_exact_instant() -> None:
    fold = new_fold(compiled("freezer", [rule(**{"for": "150s"})]))
    fold.advance([reading("temperature", START, -55.0), reading("temperature", START + 10 * MINUTE, -70.0)])
    assert happened(fold) == [("opened", "warm", 2.5), ("resolved", "warm", 10)]


def test_a_reading_at_the_very_instant_a_timer_falls_due_counts() -> None:
    fold = new_fold(compiled("freezer", [rule(**{"for": "5m"})]))
    fold.advance([reading("temperature", START, -55.0), reading("temperature", START + 5 * MINUTE, -70.0)])
    assert happened(fold) == []


def test_the_readings_of_one_message_are_judged_together() -> None:
    fold = new_fold(compiled("freezer", [rule(when="temperature > setpoint + 10")]))
    together = [reading("setpoint", START, -30.0), reading("temperature", START, -30.0)]
    fold.advance(together)
    assert happened(fold) == [], "-30 is above the default set point, but not above the one in the same message"


def test_a_metric_stands_in_for_the_parameter_of_its_name() -> None:
    fold = new_fold(compiled("freezer", [rule(when="temperature > setpoint + 10")]), parameters={"setpoint": -80.0})
    fold.advance([reading("temperature", START, -69.0)])
    assert happened(fold) == [("opened", "warm", 0)]


def test_what_is_not_finite_is_no_reading() -> None:
    fold = new_fold(compiled("freezer", [rule(when="temperature != -70")]))
    fold.advance([reading("temperature", START, float("inf")), reading("temperature", START + MINUTE, float("nan"))])
    assert happened(fold) == []
    assert fold.state.readings == {}


def test_a_fact_is_judged_at_its_own_instant() -> None:
    fold = new_fold(compiled("freezer", [rule(when="temperature > setpoint + 10")]))
    later = FactChange(START + 5 * MINUTE, "setpoint", -40.0)
    fold.advance([reading("temperature", START, -50.0), reading("temperature", START + 9 * MINUTE, -50.0)], [later])
    assert happened(fold) == [("opened", "warm", 0), ("resolved", "warm", 5)]


def test_events_last_one_instant() -> None:
    machine = compiled("coffee_machine")
    fold = new_fold(machine)
    fold.advance([event("DeviceDescalingOverdue", START), *series(CapsuleCounter="_ 5x5")])
    assert happened(fold) == [("opened", "descaling_overdue", 0)]
    assert fold.state.rules["descaling_overdue"].phase is Phase.OPEN


def test_absence_is_noticed_once_and_ends_with_a_reading() -> None:
    fold = new_fold(compiled("freezer", [rule("silent", absent_for="15m")]))
    fold.advance(series(temperature="-70 _x40 -70"), quiet_until=START + 50 * MINUTE)
    assert happened(fold) == [("opened", "silent", 15), ("resolved", "silent", 41)]
    assert "no reading of" in fold.outcomes[0].reason


def test_a_reading_of_another_metric_does_not_end_an_absence() -> None:
    fold = new_fold(compiled("freezer", [rule("silent", absent_for="15m", absent=("temperature",))]))
    fold.advance(series(temperature="-70", ambient="20x30"))
    assert happened(fold) == [("opened", "silent", 15)]


def test_a_rule_may_be_judged_while_the_device_is_commissioning() -> None:
    rules = [rule("always", **{"while": ("commissioning", "in_service")}), rule("usual")]
    fold = new_fold(compiled("freezer", rules), service_state=ServiceState.COMMISSIONING)
    fold.advance(series(temperature="20x3"))
    assert happened(fold) == [("opened", "always", 0)]


def test_a_device_comes_into_service_after_its_time_in_range_and_only_then_is_judged() -> None:
    fold = new_fold(compiled("freezer"), service_state=ServiceState.COMMISSIONING)
    fold.advance(series(temperature="20x30 -66x3 20 -66x4 20x30"), quiet_until=START + 70 * MINUTE)
    assert happened(fold) == [], "it left the range before 5 min were over, both times"
    again = new_fold(compiled("freezer"), service_state=ServiceState.COMMISSIONING)
    again.advance(series(temperature="20x30 -66x5 20x30"), quiet_until=START + 67 * MINUTE)
    assert happened(again)[0] == ("in_service", None, 36)
    assert happened(again)[1] == ("opened", "temperature_high", 47)


def test_a_product_without_a_range_is_in_service_with_its_first_reading() -> None:
    fold = new_fold(compiled("car"), service_state=ServiceState.COMMISSIONING)
    fold.advance(series(speed="50"))
    assert happened(fold) == [("in_service", None, 0)]


def test_a_window_that_runs_empty_is_judged_at_that_instant() -> None:
    busy = rule("busy", let={"n": "count(setpoint, 10m)"}, when="n >= 3")
    fold = new_fold(compiled("freezer", [busy]))
    fold.advance(series(setpoint="-70x2"), quiet_until=START + 60 * MINUTE)
    assert happened(fold) == [("opened", "busy", 2), ("resolved", "busy", 12)]


def test_a_withdrawn_rule_opens_again_only_after_it_has_cleared() -> None:
    fold = new_fold(compiled("freezer", [rule()]))
    samples = series(temperature="-55x5 -70 -55")
    fold.advance(samples[:2])
    fold.state.rules["warm"] = withdrawn(fold.state.rules["warm"], START)
    fold.advance(samples[2:])
    assert happened(fold) == [("opened", "warm", 0), ("opened", "warm", 7)]


def test_a_rule_that_is_new_is_judged_at_the_next_instant() -> None:
    fold = new_fold(compiled("freezer", [rule()]))
    fold.advance(series(temperature="-50", ambient="20"))
    both = compiled("freezer", [rule(), rule("new", when="temperature > -60")])
    later = new_fold(both, state=fold.state)
    later.advance([reading("ambient", START + MINUTE, 20.0)])
    assert happened(later) == [("opened", "new", 1)]


def test_late_samples_are_left_out_and_counted() -> None:
    fold = new_fold(compiled("freezer", [rule()]))
    assert fold.advance(series(temperature="-70x5")) == 0
    assert fold.advance(series(temperature="-50x3")) == 4
    assert happened(fold) == []


def test_a_rule_that_cannot_be_computed_says_so_and_the_others_go_on() -> None:
    model = SHIPPED.products["freezer"].model_copy(update={"attributes": {"codes": {}}})
    product, problems = compile_product(model, [rule("bad", when="codes[1] == 'x'"), rule()])
    assert problems == []
    fold = new_fold(product)
    fold.advance([Sample(SampleKind.ATTRIBUTE, "codes", START, START, ("a",)), reading("temperature", START, 0.0)])
    assert happened(fold) == [("opened", "warm", 0)]
    assert list(fold.errors) == ["bad"]


# Whatever the batches ----------------------------------------------------------------------------------------------

FREEZER = compiled("freezer")
CAR = compiled("car")
MACHINE = compiled("coffee_machine")


def outcomes(product: CompiledProduct, batches: list[list[Sample]], end: Sample, *, restart: bool) -> list[Outcome]:
    """Fold ``batches`` one by one; with ``restart`` each by a fold that knows only what was saved."""
    state = DeviceState(ServiceState.COMMISSIONING if product is FREEZER else ServiceState.IN_SERVICE)
    windows = Windows(Window(key) for key in product.windows)
    facts = {**product.model.parameters, "capsules_supplied": 1060.0}
    folded: list[Sample] = []
    result: list[Outcome] = []
    fold = DeviceFold(product, state, windows, facts)
    for batch in batches:
        if restart:
            saved = json.loads(json.dumps(to_json(fold.state)))
            state = from_json(saved, service_state=state.service_state, until=state.until, received=state.received)
            windows = Windows(Window(key) for key in product.windows)
            for sample in folded:
                if isinstance(sample.value, float):
                    windows.add(sample.name, sample.ts, sample.value)
            fold = DeviceFold(product, state, windows, facts)
        fresh = [sample for sample in batch if not state.is_past(sample.ts, sample.received_at)]
        fold.advance(batch)
        folded += fresh
        result += fold.outcomes if restart else []
    fold.outcomes = [] if restart else fold.outcomes
    fold.advance([], quiet_until=end.ts + timedelta(hours=1))
    return result + fold.outcomes


temperatures = st.lists(
    st.tuples(st.sampled_from([10, 60, 60, 240, 1200]), st.sampled_from([-70.0, -69.0, -61.0, -59.0, -50.0])),
    min_size=1,
    max_size=60,
)
starts = st.lists(
    st.tuples(
        st.sampled_from([0.4, 1, 1, 1, 5, 90]),
        st.sampled_from([0.0, 0.0, 250.0, 900.0]),
        st.sampled_from([8.0, 9.4, 10.8, 12.4, 14.1]),
    ),
    min_size=1,
    max_size=60,
)
drinks = st.lists(st.tuples(st.sampled_from([600, 3600, 20_000, 90_000]), st.integers(0, 4)), min_size=1, max_size=60)


def freezer_samples(steps: list[tuple[int, float]]) -> list[Sample]:
    at, samples = START, []
    for seconds, value in steps:
        at += timedelta(seconds=seconds)
        samples += [reading("temperature", at, value), reading("power", at, float(value < -55))]
    return samples


def car_samples(steps: list[tuple[float, float, float]]) -> list[Sample]:
    at, samples = START, []
    for seconds, rpm, volts in steps:
        at += timedelta(seconds=seconds)
        samples += [reading("engine_speed", at, rpm), reading("battery_voltage", at, volts)]
    return samples


def machine_samples(steps: list[tuple[int, int]]) -> list[Sample]:
    at, counter, samples = START, 1000, []
    for seconds, cups in steps:
        at += timedelta(seconds=seconds)
        counter += cups
        samples.append(reading("CapsuleCounter", at, float(counter)))
    return samples


cases = st.one_of(
    temperatures.map(lambda steps: (FREEZER, freezer_samples(steps))),
    starts.map(lambda steps: (CAR, car_samples(steps))),
    drinks.map(lambda steps: (MACHINE, machine_samples(steps))),
)


def shown(found: list[Outcome]) -> list[tuple[object, ...]]:
    return [(o.kind, o.rule, o.at, o.reason, o.evidence) for o in found]


@settings(max_examples=150, deadline=None)
@given(case=cases, cuts=st.lists(st.integers(0, 120), max_size=12))
def test_the_batches_and_the_restarts_between_them_change_nothing(
    case: tuple[CompiledProduct, list[Sample]], cuts: list[int]
) -> None:
    product, samples = case
    places = sorted({cut for cut in cuts if cut < len(samples) and (not cut or samples[cut].ts > samples[cut - 1].ts)})
    batches = [samples[a:b] for a, b in zip([0, *places], [*places, len(samples)], strict=True)]
    once = shown(outcomes(product, [samples], samples[-1], restart=False))
    assert shown(outcomes(product, batches, samples[-1], restart=False)) == once
    assert shown(outcomes(product, batches, samples[-1], restart=True)) == once


@settings(max_examples=60, deadline=None)
@given(case=cases, again=st.integers(1, 60))
def test_what_is_sent_twice_counts_once(case: tuple[CompiledProduct, list[Sample]], again: int) -> None:
    product, samples = case
    once = shown(outcomes(product, [samples], samples[-1], restart=False))
    assert shown(outcomes(product, [samples, samples], samples[-1], restart=False)) == once
    repeated = [batch for place in range(0, len(samples), 2 * again) for batch in (samples[: place + 2 * again],)]
    assert shown(outcomes(product, repeated, samples[-1], restart=True)) == once


@settings(max_examples=60, deadline=None)
@given(case=cases, random=st.randoms(use_true_random=False), size=st.integers(1, 9))
def test_shuffled_within_a_second_with_a_lateness_of_two_gives_the_same(
    case: tuple[CompiledProduct, list[Sample]], random: Random, size: int
) -> None:
    product, samples = case
    arrival = sorted(samples, key=lambda sample: sample.ts + timedelta(seconds=random.random()))
    once = shown(outcomes(product, [samples], samples[-1], restart=False))
    stored: list[Sample] = []
    batches: list[list[Sample]] = []
    folded_to = START
    for place in range(0, len(arrival), size):
        stored += arrival[place : place + size]
        newest = max(sample.ts for sample in stored)
        now = newest + timedelta(days=3)
        time = DeviceTime(newest, now, 2 * SECOND, SECOND, 30 * SECOND)
        ready = [sample for sample in stored if folded_to < sample.ts <= time.watermark(now)]
        batches.append(sorted(ready, key=lambda sample: (sample.ts, sample.name)))
        folded_to = max([folded_to, *(sample.ts for sample in ready)])
    batches.append(sorted((s for s in stored if s.ts > folded_to), key=lambda sample: (sample.ts, sample.name)))
    assert sum(map(len, batches)) == len(samples)
    assert shown(outcomes(product, batches, samples[-1], restart=True)) == once


def test_an_event_is_over_with_its_instant_wherever_the_samples_are_cut() -> None:
    machine = compiled("freezer", [rule(when="'alarm' in events", clear="power > 0.5")])
    samples = [reading("power", START, 1.0), event("alarm", START + MINUTE), reading("door", START + 2 * MINUTE, 0.0)]
    for cut in range(len(samples) + 1):
        state = DeviceState(ServiceState.IN_SERVICE)
        outcomes = []
        for part in (samples[:cut], samples[cut:]):
            fold = DeviceFold(machine, state, Windows(()), {})
            fold.advance(part)
            outcomes += fold.outcomes
        assert [(outcome.kind.value, outcome.at) for outcome in outcomes] == [
            ("opened", START + MINUTE),
            ("resolved", START + MINUTE),
        ]


def test_a_rule_on_an_absence_takes_no_clear_condition() -> None:
    spec = rule(absent_for="3m", absent=["temperature"], clear="door < 1.0")
    _, problems = compile_product(SHIPPED.products["freezer"], [spec])
    assert [problem.field for problem in problems] == [("clear",)]
    assert "leave 'clear' out" in problems[0].message
