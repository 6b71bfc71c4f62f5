"""What `bench.rules` folds: telemetry of simulated freezers and cars, and the sets of rules that are judged on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

from iot_service.ingest.fields import Field, compile_fields
from iot_service.ingest.limits import TimeLimits
from iot_service.model.reading import Sample, SampleKind
from iot_service.products.catalog import load_catalog
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.compiled import CompiledProduct, compile_product
from simulators.car import CarPlan, car
from simulators.freezer import FreezerPlan, freezer
from simulators.message import Message

START = datetime(2026, 11, 2, tzinfo=UTC)
_CATALOG = load_catalog()
_FIELDS = compile_fields(_CATALOG, TimeLimits(retention=10**15, ahead=10**9))

Telemetry = Sequence[Sequence[Sample]]
"""The messages of one device, in order of time; each is the samples that it brought."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One product with some rules, and the telemetry of devices to judge with them."""

    name: str
    product: CompiledProduct
    devices: Sequence[Telemetry]


def rule_sets(*, devices: int, hours: float) -> list[RuleSet]:
    """Return the sets: the shipped rules and 20 rules with windows, of freezers and of cars.

    Each has that many ``devices`` over so many ``hours``: doors that open, compressors that run and one that fails,
    trips with cold starts and warm engines.
    """
    freezers = [_samples("freezer", _freezer(number), hours) for number in range(devices)]
    cars = [_samples("car", _car(number), hours) for number in range(devices)]
    return [
        _rule_set("freezer, shipped", _shipped("freezer"), freezers),
        _rule_set("freezer, 20 rules", _compiled("freezer", FREEZER_20), freezers),
        _rule_set("car, shipped", _shipped("car"), cars),
        _rule_set("car, 20 rules", _compiled("car", CAR_20), cars),
    ]


def _rule_set(name: str, product: CompiledProduct, devices: Sequence[Telemetry]) -> RuleSet:
    """Leave out what no rule reads, as the runner does when it reads from the database."""
    kept = [[_watched(product, message) for message in telemetry] for telemetry in devices]
    return RuleSet(name, product, [[message for message in telemetry if message] for telemetry in kept])


def _watched(product: CompiledProduct, message: Sequence[Sample]) -> list[Sample]:
    return [sample for sample in message if sample.kind is not SampleKind.READING or sample.name in product.watched]


def _freezer(number: int) -> Iterator[Message]:
    failing = timedelta(hours=4) if number == 0 else None
    return freezer(f"bench-{number}", START, FreezerPlan(daily_use=True, compressor_fails_after=failing))


def _car(number: int) -> Iterator[Message]:
    voltage = 9.2 if number == 0 else 10.4
    return car(f"bench-{number}", START, CarPlan(busy=True, cranking_voltage=voltage, cooling_per_hour=0.2))


def _samples(product: str, messages: Iterator[Message], hours: float) -> Telemetry:
    fields = _FIELDS[product].by_name
    end = START + timedelta(hours=hours)
    return [list(_taken(fields, message)) for message in takewhile(lambda message: message.ts < end, messages)]


def samples_of(product: str, message: Message) -> Iterator[Sample]:
    """Yield what `message` of a device of `product` brings, under flat names and in our units."""
    yield from _taken(_FIELDS[product].by_name, message)


def _taken(fields: Mapping[str, Field], message: Message) -> Iterator[Sample]:
    assert isinstance(message.payload, Mapping)
    values = message.payload["values"]
    assert isinstance(values, Mapping)
    for sent, value in values.items():
        field = fields[sent]
        if field.is_metric:
            number = float(value) * field.scale
            yield Sample(SampleKind.READING, field.name, message.ts, message.ts, number)
        else:
            yield Sample(SampleKind.ATTRIBUTE, field.name, message.ts, message.ts, tuple(value))


def _shipped(product: str) -> CompiledProduct:
    return _chosen(product, _CATALOG.rules[product].values())


def _compiled(product: str, rules: Mapping[str, Mapping[str, Any]]) -> CompiledProduct:
    common = {"kind": "fault", "severity": "normal", "title": {"nb": "Feil", "en": "Fault"}}
    return _chosen(product, [RuleSpec.model_validate({"id": name, **common, **rule}) for name, rule in rules.items()])


def _chosen(product: str, rules: Iterable[RuleSpec]) -> CompiledProduct:
    compiled, problems = compile_product(_CATALOG.products[product], rules)
    if problems:
        raise SystemExit("\n".join(f"{problem.rule}: {problem.field}: {problem.message}" for problem in problems))
    return compiled


FREEZER_20: Mapping[str, Mapping[str, Any]] = {
    "too_warm": {
        "when": "temperature > setpoint + alarm_offset", "for": "10m", "clear": "temperature <= setpoint + band",
    },
    "much_too_warm": {"when": "temperature > setpoint + 2 * alarm_offset", "for": "2m"},
    "too_cold": {"when": "temperature < setpoint - band", "for": "10m"},
    "no_power": {"when": "power < 0.5", "for": "1m"},
    "warm_without_power": {"when": "power < 0.5 && temperature > setpoint + band"},
    "door_open": {"when": "door > 0.5", "for": "3m"},
    "door_open_and_warming": {
        "let": {"risen": "delta(temperature, 5m)"}, "when": "door > 0.5 && risen > 3", "for": "1m",
    },
    "warm_room": {"let": {"room": "avg(ambient, 1h)"}, "when": "room > 32", "clear": "room < 30"},
    "warm_on_average": {"let": {"mean": "avg(temperature, 10m)"}, "when": "mean > setpoint + alarm_offset"},
    "warm_for_hours": {"let": {"lowest": "min(temperature, 4h)"}, "when": "lowest > setpoint + band"},
    "swings": {
        "let": {"high": "max(temperature, 1h)", "low": "min(temperature, 1h)"}, "when": "high - low > 25", "for": "10m",
    },
    "compressor_never_rests": {
        "let": {"runs": "min(compressor, 2h)"}, "when": "runs > 0.5 && temperature > setpoint + 3",
    },
    "compressor_never_runs": {"let": {"runs": "max(compressor, 2h)"}, "when": "runs < 0.5"},
    "compressor_busy": {"let": {"share": "avg(compressor, 6h)"}, "when": "share > 0.9", "for": "30m"},
    "door_often_open": {"let": {"share": "avg(door, 1h)"}, "when": "share > 0.2", "clear": "share < 0.1"},
    "warms_fast": {
        "let": {"risen": "delta(temperature, 10m)", "seen": "count(temperature, 10m)"},
        "when": "seen >= 5 && risen / 10.0 > 1.0", "for": "5m",
    },
    "battery_low": {"when": "battery < 12", "for": "10m", "clear": "battery > 12.5"},
    "battery_falls": {"let": {"change": "delta(battery, 6h)"}, "when": "change < -0.5"},
    "leaks_cold": {
        "let": {"room": "avg(ambient, 1h)", "mean": "avg(temperature, 1h)", "gap": "room - mean"},
        "when": "gap < 40 && temperature > setpoint + band", "for": "15m",
    },
    "setpoint_odd": {"when": "setpoint > -20 || setpoint < -90", "for": "1m"},
}  # fmt: skip
CAR_20: Mapping[str, Mapping[str, Any]] = {
    "overheating": {"when": "coolant_temperature > coolant_limit", "for": "30s", "clear": "coolant_temperature < 100"},
    "hot_on_average": {"let": {"mean": "avg(coolant_temperature, 10m)"}, "when": "mean > 105"},
    "hot_and_slow": {"when": "coolant_temperature > 105 && speed < 20", "for": "1m"},
    "never_warms": {
        "let": {"highest": "max(coolant_temperature, 15m)", "driven": "min(speed, 10m)"},
        "when": "highest < 60 && driven > 30",
    },
    "speeding": {"when": "speed > 140", "for": "10s"},
    "fast_on_average": {"let": {"mean": "avg(speed, 30m)"}, "when": "mean > 115"},
    "revving": {"when": "engine_speed > 5500", "for": "5s"},
    "revving_cold": {"when": "engine_speed > 3500 && coolant_temperature < 40", "for": "20s"},
    "idles_long": {"let": {"moved": "max(speed, 10m)"}, "when": "engine_speed > 500 && moved < 1"},
    "overcharged": {"let": {"mean": "avg(battery_voltage, 1m)"}, "when": "mean > 15"},
    "does_not_charge": {"when": "engine_speed > 1000 && battery_voltage < 13", "for": "2m"},
    "weak": {
        "let": {"lowest": "min(battery_voltage, 10s)", "slowest": "min(engine_speed, 10s)"},
        "when": "engine_speed >= 500 && slowest < 50 && lowest < crank_voltage", "clear": "lowest > 11",
    },
    "voltage_swings": {
        "let": {"high": "max(battery_voltage, 5m)", "low": "min(battery_voltage, 5m)"},
        "when": "engine_speed > 500 && high - low > 3", "for": "1m",
    },
    "service_due": {"when": "distance_to_service <= service_distance"},
    "overdue": {"when": "distance_to_service < 0"},
    "ice": {"when": "outside_temperature < 3 && speed > 80", "for": "1m"},
    "winter": {
        "let": {"mean": "avg(outside_temperature, 24h)", "seen": "count(outside_temperature, 24h)"},
        "when": "winter_tyres_fitted == 0 && seen >= 10 && mean < 7", "clear": "mean > 12",
    },
    "gears_odd": {"when": "speed > 20 && engine_speed / speed > 150.0", "for": "20s"},
    "brakes_hard": {"let": {"change": "delta(speed, 20s)"}, "when": "change < -60"},
    "stalls": {"let": {"before": "max(engine_speed, 5s)"}, "when": "engine_speed < 100 && before > 400 && speed > 5"},
}  # fmt: skip
