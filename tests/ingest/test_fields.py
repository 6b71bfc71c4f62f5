"""The names that products know."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from iot_service.ingest.fields import compile_fields
from iot_service.ingest.payloads import read_telemetry
from iot_service.products.catalog import Catalog
from iot_service.products.model import Metric, ProductModel, ReportedText, Retention, Text
from tests.ingest.examples import LIMITS, NOW, RECEIVED

NAME = Text(nb="Bil", en="Car")


def product(*, kept: timedelta | None = None, **metrics: Metric) -> Catalog:
    texts = {"trouble_codes": ReportedText(aliases=("Vehicle.Diagnostics.DTCList",))}
    model = ProductModel(id="car", name=NAME, metrics=metrics, attributes=texts, retention=Retention(readings=kept))
    return Catalog(products={"car": model}, services={}, rules={})


def test_a_metric_is_known_by_its_flat_name_and_its_names_in_standards() -> None:
    metric = Metric(unit="days", minimum=-10, maximum=700, aliases=("Vehicle.T",), scale={"Vehicle.T": 0.5})
    fields = compile_fields(product(time_to_service=metric), LIMITS)["car"]
    flat, standard = fields.by_name["time_to_service"], fields.by_name["Vehicle.T"]
    assert (flat.name, flat.scale, flat.low, flat.high, flat.unit) == ("time_to_service", 1.0, -10, 700, "days")
    assert (standard.name, standard.scale) == ("time_to_service", 0.5)
    assert fields.by_name["Vehicle.Diagnostics.DTCList"].name == "trouble_codes"
    assert not fields.by_name["trouble_codes"].is_metric
    assert fields.known == "time_to_service, trouble_codes"


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_no_number_that_is_not_finite_is_ever_plausible(value: float) -> None:
    field = compile_fields(product(speed=Metric(unit="km/h")), LIMITS)["car"].by_name["speed"]
    assert not field.low <= value <= field.high


@pytest.mark.parametrize(
    ("kept", "days", "refused_by"),
    [
        (None, 364, None),
        (None, 366, "the 365 days that readings are kept (IOT_RETENTION)"),
        (timedelta(days=7), 6, None),
        (timedelta(days=7), 8, "the 7 days that readings are kept (retention.readings of car)"),
        (timedelta(days=3650), 3000, None),
        (timedelta(days=3650), 3651, "the 3650 days that readings are kept (retention.readings of car)"),
    ],
)
def test_a_reading_may_be_as_old_as_its_product_is_kept(
    kept: timedelta | None, days: int, refused_by: str | None
) -> None:
    fields = compile_fields(product(kept=kept, speed=Metric(unit="km/h")), LIMITS)["car"]
    millis = (NOW - timedelta(days=days)).timestamp() * 1000
    payload = json.dumps({"ts": millis, "values": {"speed": 1}}).encode()
    found = read_telemetry(payload, fields, received=RECEIVED, retained=False)
    if refused_by is None:
        assert [reading[0] for reading in found.readings] == ["speed"]
    else:
        assert refused_by in found.faults[0].detail
