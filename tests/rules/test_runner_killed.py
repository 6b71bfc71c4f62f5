"""A worker that is killed at any moment, again and again: timers, counts, totals and windows go on where they were."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from iot_service import clock
from iot_service.db import Connection, Database
from iot_service.model.reading import Sample, SampleKind
from iot_service.products.catalog import Catalog
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.runner import RuleRunner
from tests.factories import make_device, make_home
from tests.rules.rule_sets import MODEL, PRODUCT
from tests.rules.telemetry import reading, store
from tests.rules.test_runner import connection

__all__ = ["connection"]  # the fixture
MINUTE = timedelta(minutes=1)
_ROOT = Path(__file__).parents[2]
RULES: dict[str, dict[str, Any]] = {
    "waits": {"when": "temperature > 5", "for": "45m", "keep_for": "20m"},
    "repeats": {"when": "door > 0.5", "for": "90s", "repeat": "3 times within 2h", "keep_for": "5m"},
    "grows": {
        "when": "temperature > 3",
        "levels": [
            {"severity": "high", "for": "20m"},
            {"severity": "critical", "when": "temperature > 9", "for": "9m"},
        ],
    },
    "held": {"let": {"t": "time_true(power < 0.5, 3h, 1m)"}, "when": "t > 40"},
    "in_all": {"let": {"t": "total_time(temperature > 5, 1m)"}, "when": "t > 200"},
    "on_average": {"let": {"mean": "avg(temperature, 2h)"}, "when": "mean > 5.5", "clear": "mean < 4.5"},
    "middle": {"let": {"m": "median(temperature, 1h)"}, "when": "m > 6"},
    "fast": {"let": {"r": "rate(cups, 1h, 1h)"}, "when": "r > 30", "for": "10m"},
    "switched": {"when": "changed(mode) && previous(mode) == 'eco'", "keep_for": "25m"},
    "silent": {"absent_for": "7m", "absent": ["door"]},
    "behind": {"when": "temperature > 1", "for": "5m", "clear": "temperature < 0"},
    "first": {"when": "power < 0.5", "for": "10m", "inhibits": ["behind"]},
}
_WORKER = """
import sys, time
from pathlib import Path
from iot_service.db import Database
from tests.rules.test_runner_killed import catalog
from iot_service.rules.runner import RuleRunner
with Database(sys.argv[1]) as database:
    runner = RuleRunner(database, catalog(), samples_at_once=50)
    print("ready", flush=True)
    while True:
        if not runner.run_once():
            time.sleep(0.002)
"""


def catalog() -> Catalog:
    """A kiosk with rules over all notions that wait, count or remember."""
    about = {"kind": "fault", "severity": "normal", "title": {"nb": "Galt", "en": "Wrong"}}
    specs = {name: RuleSpec.model_validate({"id": name, **about, **rule}) for name, rule in RULES.items()}
    return Catalog(products={PRODUCT: MODEL}, services={}, rules={PRODUCT: specs})


def twelve_hours(start: datetime) -> list[list[Sample]]:
    """What a kiosk says each minute of half a day."""
    chance = random.Random(7)
    temperature, power, cups = 2.0, 1.0, 0.0
    messages: list[list[Sample]] = []
    for minute in range(720):
        at = start + minute * MINUTE
        if chance.random() < 0.04:
            temperature = chance.choice([-1.0, 2.0, 4.0, 7.0, 11.0])
        power = 1.0 - power if chance.random() < 0.02 else power
        cups += chance.choice([0, 0, 1, 2])
        said = [reading("temperature", at, temperature), reading("power", at, power), reading("cups", at, cups)]
        if minute % 60 < 45:
            said.append(reading("door", at, float(minute % 15 < 3)))
        if minute % 50 == 0:
            said.append(Sample(SampleKind.ATTRIBUTE, "mode", at, at, ("eco", "off")[minute // 50 % 2]))
        messages.append(said)
    return messages


@pytest.fixture
def worker(database_url: str) -> Iterator[list[subprocess.Popen[str]]]:
    """The place for a worker, which is ended in any case."""
    running: list[subprocess.Popen[str]] = []
    yield running
    for process in running:
        process.kill()
        process.communicate()


def start(url: str) -> subprocess.Popen[str]:
    """A worker, as soon as it works."""
    process = subprocess.Popen([sys.executable, "-c", _WORKER, url], cwd=_ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def needs_of(connection: Connection, device: str, until: datetime) -> list[dict[str, Any]]:
    """The needs of ``device`` that opened up to ``until``, as they stood then."""
    return connection.execute(
        "SELECT rule, opened_at, reason, evidence, CASE WHEN closed_at <= %(until)s THEN closed_at END AS closed_at"
        " FROM need WHERE device_id = %(device)s AND opened_at <= %(until)s ORDER BY opened_at, rule",
        {"device": device, "until": until},
    ).fetchall()


def test_a_worker_that_is_killed_at_any_moment_finds_what_one_that_is_not_does(
    database: Database, database_url: str, connection: Connection, worker: list[subprocess.Popen[str]]
) -> None:
    make_home(connection, id="kiosk-1", product=PRODUCT, parameters={})
    make_device(connection, id="kiosk-2", product=PRODUCT, parameters={})
    now = clock.now()
    messages = twelve_hours(now.astimezone(UTC) - timedelta(days=2))
    last = messages[-1][0].ts
    chance = random.Random(3)
    worker.append(start(database_url))
    for place in range(0, len(messages), 12):
        batch = [sample for message in messages[place : place + 12] for sample in message]
        with database.transaction() as other:
            store(other, "kiosk-1", batch, received=clock.now())
        time.sleep(chance.random() * 0.03)
        if place % 300 == 288:
            worker[0].kill()
            worker[0].communicate()
            worker[0] = start(database_url)
    deadline = time.monotonic() + 60
    while (
        connection.execute(
            "SELECT 1 FROM rule_state WHERE device_id = 'kiosk-1' AND evaluated_until >= %s", [last]
        ).fetchone()
        is None
    ):
        assert time.monotonic() < deadline, "the worker has stopped judging"
        time.sleep(0.05)
    worker[0].kill()
    store(connection, "kiosk-2", [sample for message in messages for sample in message], received=clock.now())
    runner = RuleRunner(database, catalog())
    while runner.run_once():
        pass
    killed, whole = needs_of(connection, "kiosk-1", last), needs_of(connection, "kiosk-2", last)
    assert {need["rule"] for need in whole} == RULES.keys(), "each of the rules had something to find"
    assert killed == whole
