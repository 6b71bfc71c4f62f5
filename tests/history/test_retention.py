"""What product models say about keeping, and what it means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from iot_service.history.retention import Keep, keep_of, kept_since, without_minutes
from iot_service.products.catalog import load_catalog
from iot_service.products.model import ProductModel, Retention
from tests.factories import NOW

DAY = timedelta(days=1)
DEFAULT = 100 * DAY


def product(**retention: object) -> ProductModel:
    freezer = load_catalog().products["freezer"]
    return ProductModel.model_validate({**freezer.model_dump(by_alias=True), "retention": retention})


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({}, Keep(DEFAULT, DEFAULT, None, None)),
        ({"readings": "2y"}, Keep(730 * DAY, 730 * DAY, None, None)),
        ({"minutes": "0s"}, Keep(DEFAULT, timedelta(0), None, None)),
        ({"minutes": "10d", "hours": "20d"}, Keep(DEFAULT, DEFAULT, DEFAULT, None)),
        ({"readings": "30d", "hours": "1y", "days": "2y"}, Keep(30 * DAY, 30 * DAY, 365 * DAY, 730 * DAY)),
    ],
)
def test_what_is_coarser_is_kept_at_least_as_long(said: dict[str, str], meant: Keep) -> None:
    assert keep_of(product(**said), DEFAULT) == meant


def test_a_rollup_that_goes_before_its_readings_is_refused() -> None:
    with pytest.raises(ValidationError, match="minutes must be kept as long as readings"):
        Retention.model_validate({"readings": "2y", "minutes": "1y"})


def test_what_is_kept_begins_at_a_midnight() -> None:
    since = kept_since("freezer", Keep(10 * DAY, timedelta(0), 30 * DAY, None), NOW)
    assert (since.readings, since.minutes) == (datetime(2026, 11, 11, tzinfo=UTC), None)
    assert (since.hours, since.days) == (datetime(2026, 10, 22, tzinfo=UTC), None)


def test_products_that_report_seldom_have_no_minutes() -> None:
    assert without_minutes(load_catalog()) == ["coffee_machine"]
