"""What `doctor` finds about telemetry in, and what it says to do."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from iot_service import clock
from iot_service.config import load_settings
from iot_service.db import Database
from iot_service.ingest.store import Slot, lease_slot
from iot_service.ingest.topics import client_id
from iot_service.products.catalog import load_catalog
from iot_service.registry.credentials import rotate
from iot_service.wiring.doctor import examine
from iot_service.wiring.doctor_ingest import formats_finding, logins_finding, slot_finding
from tests.factories import NOW, make_home
from tests.registry.conftest import SAID

HOLDER = "edge-host 93af-77/4026531836 4711:0af3:77"
SECOND = timedelta(seconds=1)


def slot(name: str = "1", *, age: timedelta, leased_until: datetime | None, holder: str | None = HOLDER) -> Slot:
    return Slot(client_id(name), NOW - age, holder, leased_until)


def test_formats_that_are_on_are_named_and_wrong_names_and_files_are_told(tmp_path: Path) -> None:
    catalog = load_catalog()
    on = formats_finding(load_settings(formats="tasmota,sparkplug"), catalog)
    assert (on.ok, on.detail) == (True, "JSON and SenML on iot/v1/{device}/telemetry, tasmota, sparkplug")
    unknown = formats_finding(load_settings(formats="tasmoto"), catalog)
    assert (unknown.ok, unknown.detail) == (False, "IOT_FORMATS: there is no format 'tasmoto'; did you mean 'tasmota'?")
    (tmp_path / "cold.yaml").write_text(
        "name: cold\nmessages:\n  - topic: iot/{device}/x\n    values: {a: {metric: b}}\n"
    )
    faulty = formats_finding(load_settings(sources_dir=tmp_path), catalog)
    assert not faulty.ok
    assert "cold.yaml:3" in faulty.detail


@pytest.mark.parametrize(
    ("age", "leased_for", "ok", "said"),
    [
        (2, 10, True, "process 4711 on edge-host holds it, everything up to 2 s ago is stored"),
        (30, -5, True, "nobody holds it, everything up to 30 s ago is stored"),
        (
            61,
            10,
            False,
            "process 4711 on edge-host holds it, but stands still: only everything up to 61 s ago",
        ),
        (3600, -100, False, "nobody holds it, only everything up to 3600 s ago is stored; start `iot-service ingest`"),
    ],
)
def test_a_slot_that_stands_still_is_not_well_and_it_is_said_what_to_do(
    age: int, leased_for: int, ok: bool, said: str
) -> None:
    found = slot_finding(slot(age=age * SECOND, leased_until=NOW + leased_for * SECOND), NOW)
    assert (found.what, found.ok) == ("ingest slot 1", ok)
    assert found.detail.startswith(said)


def test_a_slot_that_was_released_is_held_by_nobody() -> None:
    found = slot_finding(slot("sparkplug", age=90 * SECOND, leased_until=None, holder=None), NOW)
    assert (found.what, found.ok) == ("ingest slot sparkplug", False)
    assert found.detail.startswith("nobody holds it")


def test_a_broker_that_cannot_learn_who_may_connect_is_told_of() -> None:
    own = load_settings(mqtt_url="mqtt://broker")
    lost = logins_finding(own, 7)
    assert lost is not None
    assert not lost.ok
    assert "7 devices and gateways have secrets" in lost.detail
    assert "IOT_BROKER_HOOK_SECRET" in lost.detail
    assert logins_finding(own, 0) is None
    assert logins_finding(load_settings(), 7) is None
    asking = own.model_copy(update={"broker_hook_secret": SecretStr("what the broker shows")})
    refused = logins_finding(asking, 7)
    assert refused is not None
    assert (refused.ok, "IOT_MQTT_PASSWORD" in refused.detail) == (False, True)
    let_in = logins_finding(asking.model_copy(update={"mqtt_password": SecretStr("x")}), 7)
    assert let_in is not None
    assert let_in.ok


def test_doctor_has_a_line_for_each_slot_and_for_formats(database: Database, database_url: str, tmp_path: Path) -> None:
    clock.freeze(NOW)
    with database.transaction() as connection:
        make_home(connection)
        rotate(connection, "freezer-1", **SAID)
        for name in ("1", "2"):
            lease_slot(
                connection, client_id(name), holder=HOLDER, dead=[], until=NOW + 15 * SECOND, now=NOW, ordered=False
            )
    settings = load_settings(database_url=database_url, data_dir=tmp_path, mqtt_url="mqtt://127.0.0.1:1")
    found = {finding.what: finding for finding in examine(settings)}
    assert found["formats"].ok
    assert found["ingest slot 1"].ok
    assert found["ingest slot 2"].ok
    assert not found["broker logins"].ok
    clock.freeze(NOW + timedelta(minutes=2))
    assert not {finding.what: finding for finding in examine(settings)}["ingest slot 2"].ok
