"""Out of service and back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iot_service.db import Connection, Database
from iot_service.errors import ConflictError, InvalidInputError, NotFoundError
from iot_service.model.device import ServiceState
from iot_service.rules.service_state import set_service_state
from tests.factories import make_home
from tests.rules import test_runner
from tests.rules.telemetry import SHIPPED, START, reading, series, store
from tests.rules.test_runner import found, run

MINUTE = timedelta(minutes=1)
connection = test_runner.connection


@pytest.fixture
def warm(database: Database, connection: Connection) -> Connection:
    """A freezer in service that is too warm, with an open need."""
    make_home(connection)
    store(connection, "freezer-1", series(temperature="-55x12"))
    run(database, START + 12 * MINUTE)
    assert [need[1] for need in found(connection)] == ["open"]
    return connection


def change(connection: Connection, state: ServiceState, minutes: int) -> ServiceState:
    return set_service_state(
        connection,
        "freezer-1",
        state,
        reason="Being moved",
        actor="operator 1",
        now=START + minutes * MINUTE,
        catalog=SHIPPED,
    )


def test_out_of_service_its_needs_are_withdrawn_and_nothing_is_judged(database: Database, warm: Connection) -> None:
    assert change(warm, ServiceState.OUT_OF_SERVICE, 13) is ServiceState.OUT_OF_SERVICE
    store(warm, "freezer-1", series(MINUTE, START + 13 * MINUTE, temperature="20x60"))
    run(database, START + 100 * MINUTE)
    assert [need[1] for need in found(warm)] == ["withdrawn"]
    types = warm.execute("SELECT type, reason FROM event ORDER BY id").fetchall()
    assert [row["type"] for row in types] == ["need.opened", "need.withdrawn", "device.out_of_service"]
    assert types[1]["reason"] == "Being moved"


def test_back_in_service_it_first_has_to_reach_its_range(database: Database, warm: Connection) -> None:
    change(warm, ServiceState.OUT_OF_SERVICE, 13)
    store(warm, "freezer-1", series(MINUTE, START + 13 * MINUTE, temperature="20x30"))
    run(database, START + 43 * MINUTE)
    assert change(warm, ServiceState.IN_SERVICE, 44) is ServiceState.COMMISSIONING
    store(warm, "freezer-1", series(MINUTE, START + 45 * MINUTE, temperature="20x20 -68x6 20x12"))
    run(database, START + 85 * MINUTE)
    assert [need[:3] for need in found(warm)][1:] == [("temperature_high", "open", 83)]


def test_a_product_without_a_range_is_in_service_again_as_soon_as_the_rules_run(
    database: Database, connection: Connection
) -> None:
    make_home(connection, id="car-1", product="car", service_state="out_of_service", parameters={})
    store(connection, "car-1", [reading("coolant_temperature", START, 130.0)])
    run(database, START)
    state = set_service_state(
        connection, "car-1", ServiceState.IN_SERVICE, reason="Repaired", actor="operator 1", now=START + MINUTE
    )
    assert state is ServiceState.COMMISSIONING, "without a catalog it is not known whether there is a range"
    run(database, START + 2 * MINUTE)
    device = connection.execute("SELECT service_state FROM device").fetchone()
    assert device == {"service_state": "in_service"}


def test_the_same_temperature_opens_a_new_need_in_a_new_service(database: Database, warm: Connection) -> None:
    change(warm, ServiceState.OUT_OF_SERVICE, 13)
    change(warm, ServiceState.IN_SERVICE, 14)
    store(warm, "freezer-1", series(MINUTE, START + 15 * MINUTE, temperature="-69x6 -55x12"))
    run(database, START + 40 * MINUTE)
    assert [need[1] for need in found(warm)] == ["withdrawn", "open"]


def test_what_makes_no_sense_is_refused(database: Database, warm: Connection) -> None:
    with pytest.raises(ConflictError, match="in service already"):
        change(warm, ServiceState.IN_SERVICE, 13)
    with pytest.raises(InvalidInputError, match="reason"):
        set_service_state(warm, "freezer-1", ServiceState.RETIRED, reason="", actor="a", now=START)
    with pytest.raises(NotFoundError):
        set_service_state(warm, "none", ServiceState.RETIRED, reason="r", actor="a", now=START)
    change(warm, ServiceState.RETIRED, 13)
    with pytest.raises(ConflictError, match="retired"):
        change(warm, ServiceState.IN_SERVICE, 14)
    assert [need[1] for need in found(warm)] == ["withdrawn"]
