"""Where the past of a device comes from, the database or a recording, so that any version of rules can judge it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from iot_service.db import Database
from iot_service.errors import InvalidInputError
from iot_service.model.device import ServiceState
from iot_service.model.reading import Sample
from iot_service.products.catalog import Catalog
from iot_service.products.documents import suggestion
from iot_service.products.facts import named_facts
from iot_service.products.overrides import Override
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.backtesting.curves import Curves, read_metrics
from iot_service.rules.backtesting.run import Backtest, Subject, backtest, run_in
from iot_service.rules.backtesting.store import read_samples, read_subject
from iot_service.rules.compiled import CompiledProduct, compile_product, supplied_fact
from iot_service.rules.privacy import withheld
from iot_service.rules.state import DeviceState
from iot_service.rules.whereabouts import Whereabouts
from iot_service.wiring.backtest_recordings import Recording


class Past(Protocol):
    """The past of one device over a span, from ``since`` to ``until`` (UTC)."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def changed_rules(self) -> Sequence[Override]:
        """What is otherwise for the device than rules say."""

    @property
    def since(self) -> datetime:
        """Where the span begins."""

    @property
    def until(self) -> datetime:
        """Where it ends."""

    @property
    def silence_until(self) -> datetime | None:
        """Up to when it is known that nothing came after the telemetry; None where it is not."""

    def subject(self, product: CompiledProduct) -> Subject:
        """Return the device as it was where its telemetry begins."""

    def batches(self, product: CompiledProduct) -> Iterable[Sequence[Sample]]:
        """Return its telemetry, from a run-in on."""


@dataclass(frozen=True, slots=True)
class StoredPast:
    """A device of the database. ``overrides`` are parameters that take the place of its own.

    Times are shown as those of ``shown_in``, or (None) of the device's place.
    """

    database: Database
    name: str
    since: datetime
    until: datetime
    silence_until: datetime | None
    overrides: Mapping[str, float]
    shown_in: ZoneInfo | None = None
    changed_rules: Sequence[Override] = ()

    def _start(self, product: CompiledProduct) -> datetime:
        return self.since - run_in(product)

    def subject(self, product: CompiledProduct) -> Subject:
        """Return the device as the database has it."""
        with self.database.transaction() as connection:
            subject = read_subject(connection, self.name, product, start=self._start(product))
        shown_in = self.shown_in or subject.shown_in
        return replace(subject, facts={**subject.facts, **self.overrides}, shown_in=shown_in)

    def batches(self, product: CompiledProduct) -> Iterator[list[Sample]]:
        """Read its telemetry in pieces."""
        start = self._start(product)
        return read_samples(self.database, self.name, product.watched, start=start, until=self.until)


@dataclass(frozen=True, slots=True)
class RecordedPast:
    """A recording. It is judged from its beginning on; ``commissioning``: the device was not in service yet there.

    Whoever has the file may look at all of it, so rules know of locations.
    """

    recording: Recording
    since: datetime
    until: datetime
    zone: ZoneInfo
    overrides: Mapping[str, float]
    commissioning: bool = False
    silence_until: datetime | None = None

    @property
    def name(self) -> str:
        """Whose recording it is."""
        return self.recording.name

    @property
    def changed_rules(self) -> Sequence[Override]:
        """None."""
        return ()

    def subject(self, product: CompiledProduct) -> Subject:
        """Return a device with the parameters of its product."""
        state = ServiceState.COMMISSIONING if self.commissioning else ServiceState.IN_SERVICE
        facts = {**product.model.parameters, **self.overrides}
        context = Whereabouts(str(self.zone), location=True).context(product.model)
        return Subject(self.recording.name, facts, (), DeviceState(state), context)

    def batches(self, product: CompiledProduct) -> Iterator[list[Sample]]:
        """Read the file, up to the end of the span."""
        watched = frozenset(product.watched)
        for batch in self.recording.batches():
            end = batch[-1].ts > self.until
            kept = [
                sample
                for sample in batch
                if sample.ts <= self.until and (sample.kind is not sample.kind.READING or sample.name in watched)
            ]
            yield kept
            if end:
                return


def judge(
    past: Past,
    catalog: Catalog,
    product: str,
    rules: Collection[str],
    *,
    picture: bool = False,
    tell: Callable[[datetime], None] = lambda _: None,
) -> Backtest:
    """Backtest ``rules`` of ``product`` as they are in ``catalog``."""
    compiled = compiled_for(catalog, product, rules)
    subject = past.subject(compiled)
    curves = None
    if picture:
        hidden = withheld(compiled.model, subject.context)
        shown = [name for name in read_metrics(compiled, rules) if name not in hidden]
        curves = Curves(shown, past.since, past.until)
    return backtest(
        compiled, rules, subject, past.batches(compiled),
        since=past.since, until=past.until, silence_until=past.silence_until, curves=curves, tell=tell,
    )  # fmt: skip


def compiled_for(catalog: Catalog, product: str, rules: Collection[str]) -> CompiledProduct:
    """Return ``product`` with ``rules``, and with those others that can hold their needs back."""
    specs = catalog.rules[product]
    compiled, problems = compile_product(catalog.products[product], _with_inhibitors(specs, rules))
    if problems:
        raise InvalidInputError("\n".join(f"{problem.rule}: {problem.message}" for problem in problems))
    return compiled


def _with_inhibitors(specs: Mapping[str, RuleSpec], rules: Collection[str]) -> list[RuleSpec]:
    needed = set(rules)
    while True:
        more = {name for name, spec in specs.items() if not needed.isdisjoint(spec.inhibits)} - needed
        if not more:
            return [spec for name, spec in specs.items() if name in needed]
        needed |= more


def check_overrides(overrides: Mapping[str, float], catalog: Catalog, product: str) -> None:
    """Raise InvalidInputError for a name that is no parameter and no fact of ``product``."""
    model = catalog.products[product]
    known = [*model.parameters, *map(supplied_fact, model.consumables), *sorted(named_facts(model)), "lead_days"]
    for name in overrides:
        if name not in known:
            raise InvalidInputError(f"there is no parameter '{name}'{suggestion(name, known)}", field="--set")
