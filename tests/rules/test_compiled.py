"""Rules of one product, ready to be judged."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from iot_service.errors import StopError
from iot_service.products.catalog import Catalog
from iot_service.rules.compiled import compile_catalog, compile_product
from tests.rules.telemetry import SHIPPED, compiled, rule


def test_the_shipped_rules_compile() -> None:
    assert {name: len(product.rules) for name, product in compile_catalog(SHIPPED).items()} == {
        "car": 11,
        "coffee_machine": 4,
        "freezer": 9,
    }


def test_a_rule_is_found_by_what_it_reads_also_through_its_lets() -> None:
    product = compiled("car")
    weak = next(place for place, each in enumerate(product.rules) if each.id == "battery_weak")
    for name in ("engine_speed", "battery_voltage", "crank_voltage"):
        assert weak in product.by_input[name]
    assert "speed" not in product.by_input
    assert "samples" not in product.by_input, "a let is not an input"


def test_a_product_knows_how_soon_a_reading_can_make_something_due() -> None:
    product = compiled("car")
    assert product.soonest["coolant_temperature"] == timedelta(minutes=1)
    assert product.soonest["battery_voltage"] == timedelta(milliseconds=1475)
    assert "odometer" not in product.ages, "it stands until the next"


@pytest.mark.parametrize(
    ("over", "field", "problem"),
    [
        ({"when": "temprature > 1"}, ("when",), "did you mean 'temperature'?"),
        ({"when": "temperature + 1"}, ("when",), "a condition (true or false) is needed"),
        ({"clear": "temperature <"}, ("clear",), "not an expression"),
        ({"let": {"mean": "avg(temp, 10m)"}, "when": "mean > 1"}, ("let", "mean"), "there is no metric 'temp'"),
        ({"let": {"mean": "avg(temperature, 10m)"}}, ("let", "mean"), "is never used"),
        ({"let": {"door": "1 + 1"}, "when": "door > 1"}, ("let", "door"), "already is a name of the product"),
        ({"when": "'Boiling' in events"}, ("when",), "events last an instant"),
        (
            {"let": {"a": "b + 1", "b": "temperature + 1"}, "when": "a > b"},
            ("let", "a"),
            "there is no 'b'",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_field(over: dict[str, Any], field: tuple[str, ...], problem: str) -> None:
    product, problems = compile_product(SHIPPED.products["freezer"], [rule("bad", **over), rule("good")])
    assert [each.id for each in product.rules] == ["good"]
    assert problems[0].rule == "bad"
    assert problems[0].field == field
    assert problem in problems[0].message


def test_an_event_that_the_product_does_not_have_is_found() -> None:
    bad = rule("bad", when="'DripTray' in events", clear="'DeviceDescaled' in events")
    _, problems = compile_product(SHIPPED.products["coffee_machine"], [bad])
    assert problems[0].message == "there is no event 'DripTray'; did you mean 'DripTrayFull'?"


def test_a_wrong_catalog_stops_with_all_its_problems() -> None:
    freezer = SHIPPED.products["freezer"].model_copy(update={"in_service_when": "temprature < 1"})
    rules = {"freezer": {"a": rule("a", when="x > 1"), "b": rule("b", when="y > 1")}}
    with pytest.raises(StopError) as stop:
        compile_catalog(Catalog(products={"freezer": freezer}, services={}, rules=rules))
    lines = str(stop.value).splitlines()
    assert [line.split(": ")[1] for line in lines] == ["in_service_when", "rules.a.when", "rules.b.when"]
