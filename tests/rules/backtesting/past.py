"""Needs and backtests for tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from iot_service.model.need import Severity
from iot_service.model.reading import Sample
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.backtesting.curves import Curves, read_metrics
from iot_service.rules.backtesting.findings import FoundNeed
from iot_service.rules.backtesting.run import Backtest, Subject, backtest
from tests.rules.telemetry import START, compiled, rule

MINUTE = timedelta(minutes=1)
RULES = (
    rule(
        "temperature_high", severity="critical", title={"nb": "For varm", "en": "Freezer too warm"},
        when="temperature > setpoint + alarm_offset", clear="temperature <= setpoint + band", clear_for="5m",
        **{"for": "10m"},
    ),
    rule("silent", absent_for="15m", absent=["temperature"]),
    rule("power_lost", when="power < 0.5"),
)  # fmt: skip
"""Rules of a freezer that stay what they are."""


def need(opened: float, resolved: float | None, **over: Any) -> FoundNeed:
    """A need that opened and resolved so many minutes after the start."""
    values: dict[str, Any] = {
        "rule": "warm", "severity": Severity.HIGH, "opened": START + opened * MINUTE, "why": "Too warm",
        "evidence": {}, "resolved": None if resolved is None else START + resolved * MINUTE,
    }  # fmt: skip
    return FoundNeed(**{**values, **over})


def judged(
    samples: Sequence[Sample],
    rules: Iterable[RuleSpec] = RULES,
    *,
    since: float = 0,
    until: float | None = None,
    batch: int = 10_000,
    curves: bool = False,
    **over: Any,
) -> Backtest:
    """A backtest of a freezer, from and to so many minutes after the start (the end: that of ``samples``)."""
    product = compiled("freezer", rules)
    ids = [rule.id for rule in product.rules]
    begin = START + since * MINUTE
    end = samples[-1].ts if until is None else START + until * MINUTE
    subject = over.pop("subject", None) or Subject("freezer-1", dict(product.model.parameters))
    return backtest(
        product, over.pop("asked", ids), subject, cut(samples, batch), since=begin, until=end,
        silence_until=over.pop("silence_until", end),
        curves=Curves(read_metrics(product, ids), begin, end) if curves else None, **over,
    )  # fmt: skip


def cut(samples: Sequence[Sample], size: int) -> list[list[Sample]]:
    """``samples`` in batches of about ``size``, each complete up to its last instant."""
    batches: list[list[Sample]] = [[]]
    for sample in samples:
        if len(batches[-1]) >= size and batches[-1][-1].ts != sample.ts:
            batches.append([])
        batches[-1].append(sample)
    return batches


def found(result: Backtest) -> list[tuple[str, float, float | None]]:
    """The needs: rule, and the minutes after the start at which they opened and resolved."""
    return [
        (need.rule, (need.opened - START) / MINUTE, None if need.resolved is None else (need.resolved - START) / MINUTE)
        for need in result.needs
    ]
