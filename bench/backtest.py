"""How long a backtest of a year takes beside plain CEL: 525,600 minutes of one freezer under 20 rules.

``python -m bench.backtest`` measures, in one run and on one core: *plain CEL*, the compiled program of each rule
executed once a minute over a dict of its variables that was made before, and nothing else (where a ``let`` is an
expression, that too); *backtest*, `backtest()` over the same samples from memory; and *stored*, the same
with the samples read in pieces from a database, where ``IOT_DATABASE_URL`` gives one. ``--json`` ends with one line of
JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import re
import resource
import struct
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from bench.rules_telemetry import FREEZER_20
from iot_service.db import Database
from iot_service.db.migrate import migrate
from iot_service.durations import parse_duration
from iot_service.model.reading import Sample, SampleKind
from iot_service.products.catalog import load_catalog
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.backtesting.run import Backtest, Subject, backtest
from iot_service.rules.backtesting.store import read_samples
from iot_service.rules.compiled import CompiledProduct, compile_product
from iot_service.rules.expressions import Expression, compile_expression
from iot_service.rules.windows import Window, window_key

START = datetime(2025, 1, 1, tzinfo=UTC)
DEVICE = "bench-backtest"
_MINUTES_A_DAY = 1440
_WINDOW = re.compile(r"(\w+)\((\w+), (\w+)\)")
_MINUTE = timedelta(minutes=1)
_PG_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_console = Console(stderr=True, highlight=False)


def compiled() -> CompiledProduct:
    """Return the freezer with the 20 rules of `bench.rules`."""
    common = {"kind": "fault", "severity": "normal", "title": {"nb": "Feil", "en": "Fault"}}
    specs = [RuleSpec.model_validate({"id": name, **common, **rule}) for name, rule in FREEZER_20.items()]
    product, problems = compile_product(load_catalog().products["freezer"], specs)
    if problems:
        raise SystemExit(str(problems))
    return product


def days(count: int) -> Iterator[list[Sample]]:
    """Yield the samples of each day: five metrics a minute, and the battery once an hour.

    The compressor runs by turns, the door is opened some twenty times a day, and about once a month the compressor
    stands still for three hours. The room is warmer by day and in summer.
    """
    chance = random.Random(1)
    temperature, running, fault_until, door_until = -70.0, 0.0, -1, -1
    reading = SampleKind.READING
    for day in range(count):
        batch: list[Sample] = []
        for minute in range(day * _MINUTES_A_DAY, (day + 1) * _MINUTES_A_DAY):
            at = START + minute * _MINUTE
            fault_until = minute + 180 if chance.random() < 1 / 43_200 else fault_until
            door_until = minute + chance.randrange(1, 4) if chance.random() < 1 / 72 else door_until
            running = 1.0 if temperature > -68 else 0.0 if temperature < -72 else running
            running = 0.0 if minute < fault_until else running
            door = 1.0 if minute < door_until else 0.0
            temperature += -0.35 * running + 0.25 * (1 - running) + 3 * door + chance.gauss(0, 0.05)
            temperature -= 0.05 * (temperature + 70) if running and temperature > -68 else 0.0
            room = 21 + 3 * math.sin(minute / 1440 * math.tau) - 4 * math.cos(minute / 525_600 * math.tau)
            values = [
                ("ambient", round(room + chance.gauss(0, 0.1), 1)), ("compressor", running), ("door", door),
                ("power", 1.0), ("temperature", round(temperature, 2)),
            ]  # fmt: skip
            if minute % 60 == 0:
                values.append(("battery", round(12.9 + chance.gauss(0, 0.02), 2)))
            batch += [Sample(reading, name, at, at, value) for name, value in sorted(values)]
        yield batch


def plain_cel(batches: Iterable[Sequence[Sample]]) -> tuple[float, int]:
    """Return the CPU seconds that CEL alone takes for one evaluation a minute and rule, and how many those are.

    The variables are worked out beforehand, by code of this file, and only the evaluations are timed.
    """
    rules = [_PlainRule(rule) for rule in FREEZER_20.values()]
    values: dict[str, Any] = dict(load_catalog().products["freezer"].parameters)
    spent, made = 0.0, 0
    for batch in batches:
        evaluations: list[tuple[Any, dict[str, Any]]] = []
        for message in _messages(batch):
            for sample in message:
                values[sample.name] = sample.value
                for rule in rules:
                    rule.take(sample)
            for rule in rules:
                evaluations += rule.evaluations(values, message[0].ts)
        began = time.process_time()
        for program, variables in evaluations:
            program.execute(variables)
        spent += time.process_time() - began
        made += len(evaluations)
    return spent, made


class _PlainRule:
    """The condition of one rule, and its lets: windows, or expressions."""

    def __init__(self, rule: Mapping[str, Any]) -> None:
        model = load_catalog().products["freezer"]
        numbers = {*model.metrics, *model.parameters}
        self._windows: dict[str, tuple[str, Window]] = {}
        self._expressions: list[tuple[str, Expression]] = []
        for name, source in rule.get("let", {}).items():
            if call := _WINDOW.fullmatch(source):
                self._windows[name] = call[1], Window(window_key(call[2], parse_duration(call[3])))
            else:
                self._expressions.append((name, _compiled(source, numbers)))
            numbers.add(name)
        self._expressions.append(("", _compiled(rule["when"], numbers)))

    def take(self, sample: Sample) -> None:
        """Let the windows take a reading."""
        for _, window in self._windows.values():
            if window.key.metric == sample.name:
                assert isinstance(sample.value, float)
                window.add(sample.ts, sample.value)

    def evaluations(self, values: Mapping[str, Any], at: datetime) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Yield each program with its variables as they are ``at`` that instant, earlier lets among them."""
        scope = {
            **values,
            **{name: window.aggregate(function, at) for name, (function, window) in self._windows.items()},
        }
        for name, expression in self._expressions:
            variables = {needed: scope[needed] for needed in expression.names}
            if expression.finite:
                variables["finite"] = _finite
            yield expression.program, variables
            if name:
                scope[name] = expression.program.execute(variables)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("not finite")
    return value


def _compiled(source: str, numbers: Collection[str]) -> Expression:
    expression, problems = compile_expression(source, numbers=numbers)
    if expression is None:
        raise SystemExit(f"{source}: {problems}")
    return expression


def _messages(batch: Sequence[Sample]) -> Iterator[list[Sample]]:
    message: list[Sample] = []
    for sample in batch:
        if message and message[0].ts != sample.ts:
            yield message
            message = []
        message.append(sample)
    yield message


def judged(product: CompiledProduct, batches: Iterable[Sequence[Sample]], count: int) -> tuple[float, Backtest]:
    """Return the CPU seconds of a backtest of ``count`` days, without those of ``batches``, and what it found."""
    preparing = 0.0

    def prepared() -> Iterator[Sequence[Sample]]:
        nonlocal preparing
        began = time.process_time()
        for batch in batches:
            preparing += time.process_time() - began
            yield batch
            began = time.process_time()
        preparing += time.process_time() - began

    began = time.process_time()
    result = _backtest(product, prepared(), count)
    return time.process_time() - began - preparing, result


def _backtest(product: CompiledProduct, batches: Iterable[Sequence[Sample]], count: int) -> Backtest:
    rules = [rule.id for rule in product.rules]
    until = START + timedelta(days=count)
    subject = Subject(DEVICE, dict(product.model.parameters))
    return backtest(product, rules, subject, batches, since=START, until=until, silence_until=until)


def store(url: str, batches: Iterable[Sequence[Sample]]) -> None:
    """Store the samples of the year as one device's, in place of any that were there."""
    migrate(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM reading WHERE device_id = %s", [DEVICE])
        for batch in batches:
            with (
                connection.cursor() as cursor,
                cursor.copy(
                    "COPY reading (device_id, metric, ts, value, received_at, ts_assumed) FROM STDIN (FORMAT binary)"
                ) as copy,
            ):
                copy.write(b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0) + b"".join(map(_row, batch)))
                copy.write(struct.pack(">h", -1))
        connection.execute("ANALYZE reading")


def _row(sample: Sample) -> bytes:
    device, metric = DEVICE.encode(), sample.name.encode()
    at = (sample.ts - _PG_EPOCH) // timedelta(microseconds=1)
    return (
        struct.pack(f">hi{len(device)}si{len(metric)}s", 6, len(device), device, len(metric), metric)
        + struct.pack(">iqidiqi?", 8, at, 8, sample.value, 8, at, 1, False)
    )  # fmt: skip


def stored(url: str, product: CompiledProduct, count: int) -> tuple[float, float, Backtest]:
    """Return CPU and wall seconds of a backtest that reads its samples from the database, and what it found."""
    with Database(url) as database:
        began, began_wall = time.process_time(), time.monotonic()
        until = START + timedelta(days=count)
        batches = read_samples(database, DEVICE, product.watched, start=START, until=until)
        result = _backtest(product, batches, count)
        return time.process_time() - began, time.monotonic() - began_wall, result


def main() -> None:
    """Measure, print a table, and with ``--json`` one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    count: int = arguments.days
    product = compiled()
    _console.print("backtest from memory …")
    took, result = judged(product, days(count), count)
    _console.print("plain CEL …")
    cel, evaluations = plain_cel(days(count))
    figures: dict[str, float] = {
        "minutes": count * _MINUTES_A_DAY, "rules": len(product.rules), "samples": result.samples,
        "needs": len(result.needs), "evaluations": evaluations, "cel_s": round(cel, 2), "backtest_s": round(took, 2),
        "ratio": round(took / cel, 3),
    }  # fmt: skip
    if url := os.environ.get("IOT_DATABASE_URL"):
        _console.print("backtest of what is stored …")
        store(url, days(count))
        cpu, wall, again = stored(url, product, count)
        assert again.needs == result.needs, "stored telemetry gives other needs than the same from memory"
        figures |= {"stored_s": round(cpu, 2), "stored_wall_s": round(wall, 2), "stored_ratio": round(cpu / cel, 3)}
    figures["rss_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    table = Table("figure", "value")
    for name, value in figures.items():
        table.add_row(name, f"{value:,}")
    Console().print(table)
    if arguments.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
