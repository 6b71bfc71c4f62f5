"""What is neither true nor false is kept with its reason, counted, and shown with the device's name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from iot_service.db import Connection, Database
from iot_service.model.reading import Sample, SampleKind
from iot_service.products.catalog import Catalog
from iot_service.products.model import ReportedText
from iot_service.rules.compiled import compile_product
from iot_service.rules.doubts import failing_devices, list_doubts
from iot_service.rules.fold import DeviceFold
from iot_service.rules.runner import RuleRunner
from iot_service.rules.state import from_json, to_json
from iot_service.rules.why import Why
from tests.factories import make_device, make_home
from tests.metrics.figures import figure
from tests.rules.telemetry import SHIPPED, START, happened, new_fold, reading, rule, series, store
from tests.rules.test_runner import connection, run

__all__ = ["connection"]  # the fixture
MINUTE = timedelta(minutes=1)
MODEL = SHIPPED.products["freezer"].model_copy(update={"attributes": {"codes": ReportedText()}})


def fold_of(*specs: dict[str, Any]) -> DeviceFold:
    """A freezer with these rules."""
    product, problems = compile_product(MODEL, [rule(f"rule{n}", **spec) for n, spec in enumerate(specs)])
    assert problems == []
    return new_fold(product)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"when": "temperature < setpoint + 1 && ambient > power"}, "ambient, power has no value"),
        ({"when": "ambient > 1 || temperature > 0"}, "ambient has no value"),
        ({"when": "previous(temperature) > 3"}, "previous(temperature) has no value"),
        ({"when": "temperature / door > 1"}, "temperature / door > 1 is not known, or not finite"),
        ({"let": {"w": "slope(door, 1h)"}, "when": "w > 1"}, "w is not known, or not finite"),
        ({"let": {"w": "temperature / door"}, "when": "w > 1"}, "w is not known, or not finite"),
        ({"when": "codes[7] == 'x'"}, "cannot be computed: index out of bounds: 7"),
        ({"when": "temperature > 0", "clear": "ambient < 1", "for": "1s"}, None),
        ({"when": "known(ambient) && ambient > 1"}, None),
        ({"when": "temperature > -100", "clear": "ambient < 1"}, "ambient has no value"),
    ],
)
def test_the_reason_is_kept_as_long_as_it_lasts(spec: dict[str, Any], why: str | None) -> None:
    fold = fold_of(spec)
    codes = Sample(SampleKind.ATTRIBUTE, "codes", START, START, ("a",))
    fold.advance([codes, reading("temperature", START, -70.0), reading("door", START, 0.0)])
    fold.advance([reading("temperature", START + MINUTE, -70.0)])
    assert [str(each) for each in fold.state.unknown.values()] == ([why] if why else [])


def test_what_is_known_again_is_forgotten_and_each_time_counts_once() -> None:
    fold = fold_of({"when": "ambient > 30.0"}, {"when": "temperature > 0"})
    fold.advance(series(temperature="-70x20", ambient="_ _ 20x3 _x15 21"))
    assert fold.state.unknown == {}
    assert fold.doubts.new == [("rule0", Why.MISSING), ("rule0", Why.MISSING)], "at first, and once outdated"


def test_the_reason_is_not_lost_with_a_run_that_looks_at_something_else(
    database: Database, connection: Connection
) -> None:
    bad = rule("bad", when="temperature < -100 || codes[3] == 'x'")
    unsure = rule("unsure", when="temperature / door > 1")
    rules = {"freezer": {"bad": bad, "unsure": unsure, "warm": rule(), "hot": rule("hot", when="ambient > 30.0")}}
    catalog = Catalog(products={"freezer": MODEL}, services=SHIPPED.services, rules=rules)
    make_home(connection)
    make_device(connection, id="freezer-2")
    labels = {"product": "freezer", "rule": "bad", "why": "failed"}
    before = figure("iot_rules_unknown_total", **labels)
    codes = Sample(SampleKind.ATTRIBUTE, "codes", START, START, ("a",))
    store(connection, "freezer-1", [codes, *series(temperature="-70", door="0")])
    runner = RuleRunner(database, catalog)
    run(database, START, runner)
    for minute in (1, 2):
        store(connection, "freezer-1", [reading("power", START + minute * MINUTE, 1.0)])
        run(database, START + minute * MINUTE, runner)
    store(connection, "freezer-1", [reading("temperature", START + 3 * MINUTE, -50.0)])
    run(database, START + 3 * MINUTE, RuleRunner(database, catalog))
    shown = [f"{doubt.device_id} {doubt.rule}: {doubt.unknown}" for doubt in list_doubts(connection)]
    assert shown == [
        "freezer-1 bad: cannot be computed: index out of bounds: 3",
        "freezer-1 hot: ambient has no value",
        "freezer-1 unsure: temperature / door > 1 is not known, or not finite",
    ]
    assert [doubt.rule for doubt in list_doubts(connection, why=Why.UNDEFINED)] == ["unsure"]
    assert list_doubts(connection, device_id="freezer-2") == []
    assert failing_devices(connection, limit=3) == [("freezer-1", "bad: index out of bounds: 3")]
    assert figure("iot_rules_unknown_total", **labels) == before + 1
    needs = connection.execute("SELECT rule FROM need").fetchall()
    assert needs == [{"rule": "warm"}], "the other rules go on"


@pytest.mark.parametrize(
    ("let", "why"),
    [
        ("avg(temperature, 1h)", "w is not known, or not finite"),
        ("sum(temperature, 1h)", "w is not known, or not finite"),
        ("delta(temperature, 1h)", "w is not known, or not finite"),
        ("stddev(temperature, 1h)", None),
        ("slope(temperature, 1h)", None),
        ("percentile(temperature, 1h, 90)", None),
        ("anomaly(temperature)", None),
    ],
)
def test_a_window_over_values_near_the_end_of_numbers_opens_nothing_and_stops_nothing(
    let: str, why: str | None
) -> None:
    fold = fold_of({"let": {"w": let}, "when": "w > 1 || w < -1"}, {"when": "power > 0.5"})
    huge = [1.7e308, 1.7e308] if "delta" not in let else [-1.7e308, 1.7e308]
    for place, value in enumerate([*huge, 1e160, -1e200]):
        fold.advance([reading("temperature", START + place * MINUTE, value)])
        if place == 1 and why:
            assert str(fold.state.unknown["rule0"]) == why
    saved = orjson.loads(orjson.dumps(to_json(fold.state)))
    state = from_json(saved, service_state=fold.state.service_state, until=fold.state.until, received=None)
    again = new_fold(fold.product, state=state)
    again.advance([reading("temperature", START + 5 * MINUTE, 1.0), reading("power", START + 5 * MINUTE, 1.0)])
    assert ("opened", "rule1", 5) in happened(again)


def test_a_rule_that_is_judged_no_more_is_in_doubt_no_more() -> None:
    fold = fold_of({"when": "ambient > 30.0"}, {"when": "temperature > 0"})
    fold.advance(series(temperature="-70"))
    assert list(fold.state.unknown) == ["rule0"]
    product, _ = compile_product(MODEL, [rule("rule1", when="temperature > 0")])
    again = new_fold(product, state=fold.state)
    assert again.state.unknown == {}
    assert happened(again) == []


def test_a_device_whose_state_cannot_be_kept_stops_no_other(database: Database, connection: Connection) -> None:
    make_home(connection)
    make_device(connection, id="freezer-2")
    catalog = Catalog(products=SHIPPED.products, services=SHIPPED.services, rules={"freezer": {"warm": rule()}})
    runner = RuleRunner(database, catalog)
    for device in ("freezer-1", "freezer-2"):
        store(connection, device, series(temperature="-70"))
    run(database, START, runner)
    kept = runner._memory.take("freezer-2")
    assert kept is not None
    kept.fold.state.previous["temperature"] = object()  # type: ignore[assignment]  # no state has such a value
    runner._memory.keep([("freezer-2", kept)])
    for device in ("freezer-1", "freezer-2"):
        store(connection, device, [reading("temperature", START + MINUTE, -50.0)])
    run(database, START + MINUTE, runner)
    needs = connection.execute("SELECT device_id FROM need").fetchall()
    assert needs == [{"device_id": "freezer-1"}]
    assert "TypeError" in dict(failing_devices(connection, limit=3))["freezer-2"]
    run(database, START + 3 * MINUTE, RuleRunner(database, catalog))
    assert connection.execute("SELECT count(*) AS needs FROM need").fetchone() == {"needs": 2}, "tried again"
