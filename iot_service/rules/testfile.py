"""Tests of rules, as data: ``<product>.rules.test.yaml`` beside the rules, run through the very fold that is in use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator, Field

from iot_service.durations import parse_duration
from iot_service.model.device import ServiceState
from iot_service.model.reading import Sample, SampleKind
from iot_service.products.catalog import Catalog
from iot_service.products.documents import Document, parse_document, suggestion, validate
from iot_service.products.durations import Duration, show_duration
from iot_service.products.model import Frozen
from iot_service.products.problems import Problem
from iot_service.rules.compiled import CompiledProduct, compile_product
from iot_service.rules.fold import DeviceFold
from iot_service.rules.instants import FactChange
from iot_service.rules.outcomes import Outcome, OutcomeKind
from iot_service.rules.series import parse_series
from iot_service.rules.state import DeviceState
from iot_service.rules.windows import Window, Windows


def _series(text: object) -> list[float | None]:
    if not isinstance(text, str):
        raise ValueError("put the series in quotes: without them, YAML reads 0x10 or -70 as a number")
    return parse_series(text)


Series = Annotated[list[float | None], BeforeValidator(_series)]
"""A series in the notation of series.py."""


class Happening(Frozen):
    """A device event, or with ``value`` an attribute, at a time after the start."""

    at: Duration
    name: str
    value: str | tuple[str, ...] | None = None


class Expectation(Frozen):
    """At a time after the start, exactly the rules in ``open`` have an open need; the device is in this state."""

    at: Duration
    open: tuple[str, ...]
    service_state: ServiceState | None = None


class RuleTest(Frozen):
    """One device and its telemetry, and what must come of it.

    ``readings`` gives each metric's series (see series.py), one value per ``interval`` from ``start``. ``facts`` gives
    values by the time after the start from which they hold.
    """

    name: str
    start: AwareDatetime = datetime(2026, 1, 1, tzinfo=UTC)
    interval: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(minutes=1)
    service_state: ServiceState = ServiceState.IN_SERVICE
    parameters: Mapping[str, float] = Field(default_factory=dict)
    facts: Mapping[str, Mapping[str, float]] = Field(default_factory=dict)
    readings: Mapping[str, Series] = Field(default_factory=dict)
    events: tuple[Happening, ...] = ()
    attributes: tuple[Happening, ...] = ()
    expect: tuple[Expectation, ...] = Field(min_length=1)


class TestFile(Frozen):
    """All tests of one product's rules."""

    __test__ = False  # not a test class of pytest

    product: str
    tests: tuple[RuleTest, ...]


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
    document = parse_document(str(path), path.read_text(encoding="utf-8"))
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
    for place, test in enumerate(file.tests):
        at = ("tests", place)
        for key, used, known in (
            ("readings", test.readings, model.metrics),
            ("parameters", test.parameters, model.parameters),
        ):
            for name in used:
                if name not in known:
                    yield document.problem((*at, key, name), f"no '{name}'{suggestion(name, list(known))}")
        for index, expectation in enumerate(test.expect):
            for rule in expectation.open:
                if rule not in rules:
                    message = f"no rule '{rule}'{suggestion(rule, list(rules))}"
                    yield document.problem((*at, "expect", index, "open"), message)


def run_test(product: CompiledProduct, test: RuleTest) -> list[Outcome]:
    """Return what happens when ``test``'s telemetry is folded, up to the last time that it asks about."""
    start = test.start
    steady = {**product.model.parameters, **test.parameters}
    changes = sorted(
        (
            FactChange(start + parse_duration(text), name, value)
            for name, steps in test.facts.items()
            for text, value in steps.items()
        ),
        key=lambda change: change.at,
    )
    samples = sorted(_samples(test), key=lambda sample: sample.ts)
    windows = Windows(Window(key) for key in product.windows)
    fold = DeviceFold(product, DeviceState(test.service_state), windows, steady)
    fold.advance(samples, changes, quiet_until=start + max(expectation.at for expectation in test.expect))
    return fold.outcomes


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
        yield Sample(SampleKind.ATTRIBUTE, attribute.name, at, at, attribute.value or "")


def _result(product: CompiledProduct, test: RuleTest, line: int) -> TestResult:
    outcomes = run_test(product, test)
    failures: list[str] = []
    for expectation in test.expect:
        past = [outcome for outcome in outcomes if outcome.at <= test.start + expectation.at]
        shown = f"at {show_duration(expectation.at)}"
        is_open: set[str] = set()
        state = test.service_state
        for outcome in past:
            if outcome.kind is OutcomeKind.IN_SERVICE:
                state = ServiceState.IN_SERVICE
            elif outcome.rule is not None:
                (is_open.add if outcome.kind is OutcomeKind.OPENED else is_open.discard)(outcome.rule)
        if is_open != set(expectation.open):
            failures.append(f"{shown}: expected {_list(expectation.open)} open, got {_list(is_open)}")
        if expectation.service_state not in (None, state):
            failures.append(f"{shown}: expected the device {expectation.service_state}, it is {state}")
    return TestResult(test.name, line, tuple(failures), tuple(outcomes))


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
