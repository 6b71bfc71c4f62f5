"""The names that products know."""

from __future__ import annotations

import pytest

from iot_service.ingest.fields import compile_fields
from iot_service.products.catalog import Catalog
from iot_service.products.model import Metric, ProductModel, ReportedText, Text

NAME = Text(nb="Bil", en="Car")


def product(**metrics: Metric) -> Catalog:
    texts = {"trouble_codes": ReportedText(aliases=("Vehicle.Diagnostics.DTCList",))}
    model = ProductModel(id="car", name=NAME, metrics=metrics, attributes=texts)
    return Catalog(products={"car": model}, services={}, rules={})


def test_a_metric_is_known_by_its_flat_name_and_its_names_in_standards() -> None:
    metric = Metric(unit="days", minimum=-10, maximum=700, aliases=("Vehicle.T",), scale={"Vehicle.T": 0.5})
    fields = compile_fields(product(time_to_service=metric))["car"]
    flat, standard = fields.by_name["time_to_service"], fields.by_name["Vehicle.T"]
    assert (flat.name, flat.scale, flat.low, flat.high, flat.unit) == ("time_to_service", 1.0, -10, 700, "days")
    assert (standard.name, standard.scale) == ("time_to_service", 0.5)
    assert fields.by_name["Vehicle.Diagnostics.DTCList"].name == "trouble_codes"
    assert not fields.by_name["trouble_codes"].is_metric
    assert fields.known == "time_to_service, trouble_codes"


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_no_number_that_is_not_finite_is_ever_plausible(value: float) -> None:
    field = compile_fields(product(speed=Metric(unit="km/h")))["car"].by_name["speed"]
    assert not field.low <= value <= field.high
