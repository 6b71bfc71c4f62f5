"""Rules over telemetry of the past, by the fold that judges live devices. Pure: telemetry comes as batches."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from iot_service.model.device import ServiceState
from iot_service.model.reading import Sample
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.backtesting.curves import Curves
from iot_service.rules.backtesting.findings import Findings, FoundNeed, Note, within
from iot_service.rules.compiled import CompiledProduct
from iot_service.rules.context import NOWHERE, DeviceContext
from iot_service.rules.fold import DeviceFold
from iot_service.rules.instants import FactChange
from iot_service.rules.state import DeviceState
from iot_service.rules.windows import Window, Windows

_LEAST_RUN_IN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Subject:
    """The device whose past it is, as it was where the telemetry begins.

    ``facts`` are its parameters and facts there, ``changes`` what they became later, in order of time. ``context``
    says where it stands; people see its times in the time zone of that, unless they are ``shown_in`` another.
    """

    name: str
    facts: Mapping[str, float]
    changes: Sequence[FactChange] = ()
    state: DeviceState = field(default_factory=lambda: DeviceState(ServiceState.IN_SERVICE))
    context: DeviceContext = NOWHERE
    shown_in: ZoneInfo | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that people see its times in."""
        return self.shown_in or self.context.zone


@dataclass(frozen=True, slots=True)
class Backtest:
    """What came of it, from ``since`` to ``until`` (UTC).

    ``rules`` are those that were asked about, ``needs`` those of theirs that were open within the span, in order of
    opening. ``samples`` is how many were judged, the run-in before ``since`` included; ``errors`` says of rules that
    could not be computed at some time why not, the first reason of each.
    """

    subject: Subject
    product: CompiledProduct
    rules: Mapping[str, RuleSpec]
    since: datetime
    until: datetime
    needs: Sequence[FoundNeed]
    notes: Sequence[Note]
    errors: Mapping[str, str]
    samples: int
    curves: Curves | None = None


def run_in(product: CompiledProduct) -> timedelta:
    """Return how long rules must look at telemetry before what they find depends on nothing older, as a rule."""
    spans = [key.length for key in product.windows] + list(product.ages.values())
    lengths = (getattr(tracked.let, "length", None) for tracked in product.tracks.values())
    spans += [length for length in lengths if length is not None]
    for rule in product.rules:
        spec = rule.spec
        spans += [spec.for_, spec.clear_for, spec.keep_for, spec.absent_for or timedelta(0)]
        spans += [spec.repeat.within] if spec.repeat is not None else []
    return _LEAST_RUN_IN + max(spans, default=timedelta(0))


def backtest(
    product: CompiledProduct,
    rules: Iterable[str],
    subject: Subject,
    batches: Iterable[Sequence[Sample]],
    *,
    since: datetime,
    until: datetime,
    silence_until: datetime | None,
    curves: Curves | None = None,
    tell: Callable[[datetime], None] = lambda _: None,
) -> Backtest:
    """Judge ``batches`` (each complete up to its last instant, all in order of time) by the rules of ``product``.

    Needs of ``rules`` are reported that were open from ``since`` to ``until`` (UTC); batches may begin earlier, as a
    run-in, and must end at ``until``. Nothing came after the last batch up to ``silence_until`` (None: that is not
    known, so nothing is taken for silence). ``curves`` is filled on the way. ``tell`` hears after each batch up to when
    all is judged.
    """
    asked = frozenset(rules)
    specs = {rule.id: rule.spec for rule in product.rules if rule.id in asked}
    windows = Windows(Window(key) for key in product.windows)
    fold = DeviceFold(product, subject.state, windows, subject.facts, subject.context)
    findings = Findings(specs)
    changes = [change for change in subject.changes if change.at <= until]
    count = 0
    for batch in batches:
        if batch:
            _judge(fold, findings, batch, changes)
            count += len(batch)
            if curves is not None:
                curves.add(batch)
            tell(batch[-1].ts)
    fold.advance((), changes, quiet_until=silence_until)
    findings.take(fold.outcomes)
    return Backtest(
        subject=subject,
        product=product,
        rules=specs,
        since=since,
        until=until,
        needs=within(findings.needs, since, until),
        notes=[note for note in findings.notes if since <= note.at <= until],
        errors={rule: message for rule, message in fold.errors.items() if rule in specs},
        samples=count,
        curves=curves,
    )


def _judge(fold: DeviceFold, findings: Findings, batch: Sequence[Sample], changes: list[FactChange]) -> None:
    """Judge a batch, with those of ``changes`` up to its end, which are taken out."""
    known = bisect_right(changes, batch[-1].ts, key=lambda change: change.at)
    fold.advance(batch, changes[:known])
    del changes[:known]
    findings.take(fold.outcomes)
    fold.outcomes = []
