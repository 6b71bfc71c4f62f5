"""Tests of rules, as data: ``<product>.rules.test.yaml`` beside the rules, run through the very fold that is in use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BeforeValidator, Field, model_validator

from iot_service.durations import parse_duration
from iot_service.model.device import ServiceState
from iot_service.model.need import Severity
from iot_service.model.reading import Sample, SampleKind
from iot_service.products.catalog import Catalog
from iot_service.products.documents import Document, parse_document, read_text, suggestion, validate
from iot_service.products.durations import Duration, show_duration
from iot_service.products.facts import named_facts
from iot_service.products.model import Frozen
from iot_service.products.problems import Problem
from iot_service.rules.compiled import LEAD_DAYS, MAINTENANCE, CompiledProduct, compile_product, supplied_fact
from iot_service.rules.context import UTC_ZONE, DeviceContext
from iot_service.rules.fold import DeviceFold
from iot_service.rules.instants import FactChange
from iot_service.rules.lifecycle import Phase, has_need
from iot_service.rules.limits import LONGEST
from iot_service.rules.outcomes import Outcome
from iot_service.rules.reporting import severity
from iot_service.rules.series import parse_series
from iot_service.rules.state import DeviceState
from iot_service.rules.whereabouts import product_areas
from iot_service.rules.windows import EPOCH, Window, Windows


def _series(text: object) -> list[float | None]:
    if not isinstance(text, str):
        raise ValueError("put the series in quotes: without them, YAML reads 0x10 or -70 as a number")
    return parse_series(text)


Series = Annotated[list[float | None], BeforeValidator(_series, json_schema_input_type=str)]
"""A series in the notation of series.py."""


def _number_or_day(value: object) -> object:
    """Return a day as what facts hold: days since 1970-01-01."""
    with suppress(TypeError, ValueError):
        return (datetime.combine(date.fromisoformat(str(value)), time(), UTC) - EPOCH) / timedelta(days=1)
    return value


Fact = Annotated[float, BeforeValidator(_number_or_day, json_schema_input_type=float | date)]
"""The value of a fact; a day (2026-01-10) is taken as its beginning (UTC)."""


def _time_after_start(written: object) -> str:
    parse_duration(str(written))  # which says what is wrong with it
    return str(written)


class Happening(Frozen):
    """A device event, or with ``value`` an attribute, at a time after the start."""

    at: Duration
    """How long after the start."""
    name: str
    """The name of the event or attribute."""
    value: str | tuple[str, ...] | None = None
    """The value of an attribute: a text or a list of texts."""


class Expectation(Frozen):
    """At a time after the start, exactly the rules in ``open`` have an open need; the device is in this state."""

    at: Duration
    """How long after the start."""
    open: tuple[str, ...]
    """The rules that have an open need then, all of them."""
    severity: Mapping[str, Severity] = Field(default_factory=dict)
    """How bad the open needs are: rule → severity; those that are left out may be anything."""
    held_back: tuple[str, ...] | None = None
    """The rules whose need maintenance or another rule holds back; without: nobody asks."""
    service_state: ServiceState | None = None
    """Where the device stands then; without: nobody asks."""


class RuleTest(Frozen):
    """One device and its telemetry, and what must come of it."""

    name: str
    """What it shows, as a sentence."""
    start: AwareDatetime = datetime(2026, 1, 1, tzinfo=UTC)
    """When it begins, with the offset from UTC."""
    interval: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(minutes=1)
    """The time from one value of a series to the next."""
    zone: ZoneInfo = UTC_ZONE
    """The time zone of the place where the device stands, such as Europe/Oslo; it matters to schedules."""
    country: Annotated[str | None, Field(pattern="^[A-Z]{2}$")] = None
    """The country whose public holidays count, such as NO; without: none do."""
    location: bool = True
    """Whether the customer has agreed to the use of locations."""
    service_state: ServiceState = ServiceState.IN_SERVICE
    """Where the device stands at the start."""
    parameters: Mapping[str, float] = Field(default_factory=dict)
    """Numbers in the place of those of the product model."""
    facts: Mapping[str, Mapping[Annotated[str, BeforeValidator(_time_after_start)], Fact]] = Field(default_factory=dict)
    """Facts, such as capsules_supplied: how long after the start → the value from then on."""
    readings: Mapping[str, Series] = Field(default_factory=dict)
    """Metric → its series from the start, such as -70x10 -60+0.5x20 _x5 (from 1 value, so many times; _ is a gap)."""
    events: tuple[Happening, ...] = ()
    """Device events."""
    attributes: tuple[Happening, ...] = ()
    """Texts that the device reports."""
    expect: tuple[Expectation, ...] = Field(min_length=1)
    """What must be open at which times."""

    @model_validator(mode="after")
    def _ends(self) -> Self:
        """Timers are looked for ahead of the last instant, so that it must not be among the last that there are."""
        longest = max((len(series) for series in self.readings.values()), default=0)
        times = [*(each.at for each in (*self.events, *self.attributes)), *(each.at for each in self.expect)]
        times += [parse_duration(text) for steps in self.facts.values() for text in steps]
        try:
            _ = self.start + max(times) + longest * self.interval + 3 * LONGEST
        except OverflowError:
            raise ValueError("it goes on beyond the year 9990") from None
        return self


class TestFile(Frozen):
    """All tests of one product's rules."""

    __test__ = False  # not a test class of pytest

    product: str
    """The product model whose rules are tested."""
    tests: tuple[RuleTest, ...]
    """The tests, each with a device of its own."""


@dataclass(frozen=True, slots=True)
class TestResult:
    """How one test went; ``failures`` say what was expected and what came instead."""

    __test__ = False

    name: str
    line: int
    failures: tuple[str, ...]
    outcomes: tuple[Outcome, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything came as expected."""
        return not self.failures


@dataclass(frozen=True, slots=True)
class TestReport:
    """How the tests of one file went. ``problems`` are what kept it from being run at all."""

    __test__ = False

    file: str
    results: tuple[TestResult, ...] = ()
    problems: tuple[Problem, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether the file could be run and every test passed."""
        return not self.problems and all(result.passed for result in self.results)


def run_test_file(path: Path, catalog: Catalog) -> TestReport:
    """Run the tests in the file at ``path`` against the rules of ``catalog``."""
    document = parse_document(str(path), read_text(path))
    file, problems = validate(document, TestFile)
    if file is None:
        return TestReport(str(path), problems=tuple(problems))
    problems = list(name_problems(document, file, catalog))
    if problems:
        return TestReport(str(path), problems=tuple(problems))
    product, _ = compile_product(catalog.products[file.product], catalog.rules[file.product].values())
    results = tuple(
        _result(product, test, document.line(("tests", place, "name"))) for place, test in enumerate(file.tests)
    )
    return TestReport(str(path), results)


def name_problems(document: Document, file: TestFile, catalog: Catalog) -> Iterable[Problem]:
    """Yield every name in ``file`` that ``catalog`` does not know."""
    model = catalog.products.get(file.product)
    if model is None:
        yield document.problem(
            ("product",), f"no product '{file.product}'{suggestion(file.product, list(catalog.products))}"
        )
        return
    rules = catalog.rules[file.product]
    facts = {LEAD_DAYS, MAINTENANCE, *model.parameters, *map(supplied_fact, model.consumables), *named_facts(model)}
    for place, test in enumerate(file.tests):
        at = ("tests", place)
        for key, used, known in (
            ("readings", test.readings, model.metrics),
            ("parameters", test.parameters, model.parameters),
            ("facts", test.facts, facts),
        ):
            for name in used:
                if name not in known:
                    yield document.problem((*at, key, name), f"no '{name}'{suggestion(name, list(known))}")
        for index, expectation in enumerate(test.expect):
            named = {"open": expectation.open, "severity": expectation.severity, "held_back": expectation.held_back}
            for key, names in named.items():
                for rule in names or ():
                    if rule not in rules:
                        message = f"no rule '{rule}'{suggestion(rule, list(rules))}"
                        yield document.problem((*at, "expect", index, key), message)


def run_test(product: CompiledProduct, test: RuleTest) -> tuple[list[Outcome], list[str]]:
    """Return what happens when ``test``'s telemetry is folded, and what was expected but did not come."""
    start = test.start
    changes = sorted(
        (
            FactChange(start + parse_duration(text), name, value)
            for name, steps in test.facts.items()
            for text, value in steps.items()
        ),
        key=lambda change: change.at,
    )
    samples = sorted(_samples(test), key=lambda sample: sample.ts)
    fold = DeviceFold(
        product,
        DeviceState(test.service_state),
        Windows(Window(key) for key in product.windows),
        {**product.model.parameters, **test.parameters},
        DeviceContext(
            zone=test.zone,
            country=test.country,
            areas=product_areas(product.model) if test.location else {},
            location=test.location,
        ),
    )
    failures: list[str] = []
    for expectation in sorted(test.expect, key=lambda expectation: expectation.at):
        at = start + expectation.at
        now = [sample for sample in samples if sample.ts <= at], [change for change in changes if change.at <= at]
        samples, changes = samples[len(now[0]) :], changes[len(now[1]) :]
        fold.advance(*now, quiet_until=at)
        failures += [f"at {show_duration(expectation.at)}: {failure}" for failure in _failures(fold, expectation)]
    return fold.outcomes, failures


def _failures(fold: DeviceFold, expected: Expectation) -> Iterable[str]:
    """Yield in what ``fold`` is not as it is ``expected`` to be."""
    rules = {rule.id: rule for rule in fold.product.rules if rule.parent is None}
    phases = {name: fold.state.rules[name].phase for name in rules if name in fold.state.rules}
    is_open = {name for name, phase in phases.items() if has_need(phase)}
    if is_open != set(expected.open):
        yield f"expected {_list(expected.open)} open, got {_list(is_open)}"
    for name, wanted in expected.severity.items():
        got = severity(fold.product, fold.state, rules[name]) if name in is_open else "not open"
        if got != wanted:
            yield f"expected {name} to be {wanted}, it is {got}"
    held_back = {name for name, phase in phases.items() if phase is Phase.HELD_BACK}
    if expected.held_back is not None and held_back != set(expected.held_back):
        yield f"expected {_list(expected.held_back)} held back, got {_list(held_back)}"
    if expected.service_state not in (None, fold.state.service_state):
        yield f"expected the device {expected.service_state}, it is {fold.state.service_state}"


def _samples(test: RuleTest) -> Iterable[Sample]:
    for name, series in test.readings.items():
        for place, value in enumerate(series):
            at = test.start + place * test.interval
            if value is not None:
                yield Sample(SampleKind.READING, name, at, at, value)
    for event in test.events:
        at = test.start + event.at
        yield Sample(SampleKind.EVENT, event.name, at, at, "{}")
    for attribute in test.attributes:
        at = test.start + attribute.at
        yield Sample(SampleKind.ATTRIBUTE, attribute.name, at, at, "" if attribute.value is None else attribute.value)


def _result(product: CompiledProduct, test: RuleTest, line: int) -> TestResult:
    outcomes, failures = run_test(product, test)
    return TestResult(test.name, line, tuple(failures), tuple(outcomes))


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
