"""Telemetry of one device for tests: samples in memory, and the same as stored rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from iot_service.db import Connection, Jsonb
from iot_service.model.device import ServiceState
from iot_service.model.reading import Sample, SampleKind
from iot_service.products.catalog import Catalog, load_catalog
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.compiled import CompiledProduct, compile_product
from iot_service.rules.fold import DeviceFold
from iot_service.rules.series import parse_series
from iot_service.rules.state import DeviceState
from iot_service.rules.windows import Window, Windows
from tests.factories import insert

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SHIPPED: Catalog = load_catalog()


def reading(metric: str, at: datetime, value: float, *, received: datetime | None = None) -> Sample:
    return Sample(SampleKind.READING, metric, at, received or at, value)


def event(name: str, at: datetime) -> Sample:
    return Sample(SampleKind.EVENT, name, at, at, "{}")


def series(interval: timedelta = timedelta(minutes=1), start: datetime = START, /, **metrics: str) -> list[Sample]:
    """One message per interval with the readings of all ``metrics``, each in the notation of rule tests."""
    columns = {name: parse_series(text) for name, text in metrics.items()}
    return [
        reading(name, start + place * interval, value)
        for place in range(max(map(len, columns.values())))
        for name, values in sorted(columns.items())
        if place < len(values) and (value := values[place]) is not None
    ]


def compiled(product: str, rules: Iterable[RuleSpec] | None = None) -> CompiledProduct:
    """A shipped product with ``rules``, or with its own."""
    chosen = SHIPPED.rules[product].values() if rules is None else rules
    result, problems = compile_product(SHIPPED.products[product], chosen)
    assert problems == []
    return result


def rule(rule_id: str = "warm", **over: Any) -> RuleSpec:
    """A rule of the freezer, with defaults that make sense together."""
    values: dict[str, Any] = {
        "id": rule_id, "kind": "fault", "severity": "high", "title": {"nb": "For varm", "en": "Too warm"},
    }  # fmt: skip
    if "absent_for" not in over:
        values["when"] = "temperature > -60"
    return RuleSpec.model_validate({**values, **over})


def new_fold(
    product: CompiledProduct,
    *,
    service_state: ServiceState = ServiceState.IN_SERVICE,
    state: DeviceState | None = None,
    parameters: Mapping[str, float] | None = None,
) -> DeviceFold:
    """A device of which nothing was heard yet, or one that is taken up at ``state``, with empty windows."""
    windows = Windows(Window(key) for key in product.windows)
    facts = {**product.model.parameters, **(parameters or {})}
    return DeviceFold(product, state or DeviceState(service_state), windows, facts)


def happened(fold: DeviceFold, start: datetime = START) -> list[tuple[str, str | None, float]]:
    """What came of it: kind, rule, and the minutes after ``start``."""
    return [(o.kind.value, o.rule, (o.at - start).total_seconds() / 60) for o in fold.outcomes]


def store(
    connection: Connection, device_id: str, samples: Sequence[Sample], *, received: datetime | None = None
) -> None:
    """Store ``samples`` as ingest does, in one batch; the first of what has the same key stands."""
    newest: Sample | None = None
    for sample in samples:
        received_at = received or sample.received_at
        columns: dict[str, Any] = {"device_id": device_id, "ts": sample.ts, "received_at": received_at}
        if sample.kind is SampleKind.READING:
            connection.execute(
                "INSERT INTO reading (device_id, metric, ts, value, received_at)"
                " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                [device_id, sample.name, sample.ts, sample.value, received_at],
            )
        elif sample.kind is SampleKind.EVENT:
            insert(connection, "device_event", name=sample.name, data=Jsonb({}), **columns)
        else:
            insert(connection, "attribute", name=sample.name, value=Jsonb(sample.value), **columns)
        if newest is None or sample.ts >= newest.ts:
            newest = sample
    if newest is not None:
        insert(
            connection,
            "touched",
            device_id=device_id,
            oldest_ts=min(sample.ts for sample in samples),
            newest_ts=newest.ts,
            received_at=received or newest.received_at,
        )
