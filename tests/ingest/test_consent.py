"""What a customer has not agreed to is not kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from iot_service.config import Settings
from iot_service.db import Database
from iot_service.ingest.fields import compile_fields
from iot_service.ingest.limits import TimeLimits
from iot_service.ingest.micros import to_micros
from iot_service.ingest.payloads import read_telemetry
from iot_service.ingest.store import find_devices
from iot_service.products.catalog import load_catalog
from tests.factories import insert, make_customer, make_device

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CAR = compile_fields(load_catalog(), TimeLimits.of(Settings()))["car"]


def payload(**values: object) -> bytes:
    return json.dumps({"ts": NOW.timestamp() * 1000, "values": values}).encode()


def test_a_position_without_consent_is_let_go_whatever_it_is_and_counted() -> None:
    assert CAR.without_location is not None
    message = payload(**{"latitude": 61.1, "Vehicle.CurrentLocation.Longitude": 10.7, "speed": 80})
    found = read_telemetry(message, CAR.without_location, received=to_micros(NOW), retained=False)
    assert [(metric, value) for metric, _, value, _ in found.readings] == [("speed", 80.0)]
    assert (found.faults, found.withheld) == ([], 2)
    odd = read_telemetry(payload(latitude="61 north"), CAR.without_location, received=to_micros(NOW), retained=False)
    assert (odd.faults, odd.withheld) == ([], 1)
    agreed = read_telemetry(message, CAR, received=to_micros(NOW), retained=False)
    assert {metric for metric, *_ in agreed.readings} == {"latitude", "longitude", "speed"}


def test_the_consent_of_its_customer_decides_for_a_device(database: Database) -> None:
    with database.transaction() as connection:
        make_customer(connection, id="kari")
        make_device(connection, id="car-1", product="car", customer_id="kari", site_id=None)
        assert find_devices(connection, ["car-1"])["car-1"].location is False
        insert(
            connection, "consent", customer_id="kari", purpose="location", granted_at=NOW, wording="Yes", source="test"
        )
        assert find_devices(connection, ["car-1"])["car-1"].location is True
