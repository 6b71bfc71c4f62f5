"""What the shipped rules find in recordings of real products."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from iot_service import clock
from iot_service.commerce.stock import set_initial
from iot_service.config import load_settings
from iot_service.db import Database
from iot_service.products.catalog import load_catalog
from simulators.mapping import load_mapping
from simulators.recording import read_messages
from simulators.replay import replay
from tests.factories import make_customer, make_device, make_site, make_subscription
from tests.recordings import recording
from tests.stories.running import RunningService, wait_for
from tests.stories.stepped import SteppedService


class Replayed:
    """One device that a recording was replayed as, through the broker, to the end."""

    def __init__(self, service: RunningService, file: Path, mapping: str, product: str, **how: object) -> None:
        self.service = service
        key = uuid.uuid4().hex[:10]
        self.device = f"{product}-{key}"
        with service.database.transaction() as connection:
            make_customer(connection, id=key, phone=None, email=None)
            make_site(connection, id=key, customer_id=key)
            make_device(
                connection, id=self.device, product=product, customer_id=key, site_id=key,
                service_state="commissioning" if product == "freezer" else "in_service",
                parameters={"setpoint": -35.0} if product == "freezer" else {},
            )  # fmt: skip
        assert service.settings.mqtt_url is not None
        self.started = clock.now()
        report = replay(file, self.device, load_mapping(mapping), url=service.settings.mqtt_url, **how)  # type: ignore[arg-type]
        assert report.acknowledged == report.messages > 0
        self.wait_until_judged()

    def wait_until_judged(self) -> None:
        """Wait until the rules have folded the newest reading."""
        wait_for(
            lambda: self.service.rows(
                "SELECT 1 FROM rule_state WHERE device_id = %(id)s AND evaluated_until >="
                " (SELECT max(ts) FROM reading WHERE device_id = %(id)s) AND NOT EXISTS"
                " (SELECT 1 FROM touched WHERE device_id = %(id)s)",
                id=self.device,
            ),
            seconds=90,
            what=f"the rules to have judged {self.device}",
        )

    def needs(self) -> list[tuple[str, timedelta]]:
        """Rules that opened a need, with how long before the end of the recording."""
        return [
            (row["rule"], row["ago"])
            for row in self.service.rows(
                "SELECT rule, (SELECT max(ts) FROM reading r WHERE r.device_id = n.device_id) - opened_at AS ago"
                " FROM need n WHERE device_id = %(id)s ORDER BY opened_at, rule",
                id=self.device,
            )
        ]


@pytest.mark.parametrize(
    ("name", "expected"), [("long10", ["battery_weak"]), ("live1", []), ("live10", []), ("idle22", [])]
)
def test_a_weak_battery_is_found_in_the_one_car_that_has_it_and_nothing_else(
    service: RunningService, name: str, expected: list[str]
) -> None:
    replayed = Replayed(service, recording(f"car/{name}.csv"), "car_obd", "car")
    assert [rule for rule, _ in replayed.needs()] == expected


def test_a_cold_room_in_normal_operation_has_no_temperature_fault(service: RunningService) -> None:
    replayed = Replayed(service, recording("freezer/asset_135_1570_sample.csv"), "cold_room", "freezer")
    assert "temperature_high" not in [rule for rule, _ in replayed.needs()]
    state = service.rows("SELECT service_state FROM device WHERE id = %(id)s", id=replayed.device)
    assert state == [{"service_state": "in_service"}]


@pytest.mark.soak_on_timescale
def test_however_a_recording_is_sent_it_gives_the_same_needs(service: RunningService) -> None:
    file = recording("car/long10.csv")
    ways: list[dict[str, object]] = [
        {},
        {"speed": 1000.0},
        {"shuffle_within": timedelta(seconds=1)},
        {"twice": True},
    ]
    found = [Replayed(service, file, "car_obd", "car", **way).needs() for way in ways]
    assert [rule for rule, _ in found[0]] == ["battery_weak"]
    assert all(needs == found[0] for needs in found), found


def steps(start: datetime, end: datetime, every: timedelta) -> Iterator[datetime]:
    while start < end:
        yield start
        start += every


@pytest.mark.soak_on_timescale
def test_the_coffee_machine_never_runs_out_and_never_holds_too_much(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    catalog = load_catalog()
    file = recording("coffee/vending_machine_2024.csv")
    drinks = list(read_messages(file, "coffee-1", load_mapping("coffee_sales"), shift_to=None))
    start = drinks[0].ts - timedelta(minutes=1)
    clock.freeze(start)
    with database.transaction() as connection:
        make_customer(connection, id="office", phone=None, email=None)
        make_site(connection, id="office", customer_id="office")
        make_device(
            connection, id="coffee-1", product="coffee_machine", customer_id="office", site_id="office", parameters={}
        )
        make_subscription(connection, customer_id="office")
    service = SteppedService(database, catalog, load_settings())
    service.at(
        start, "iot/v1/coffee-1/telemetry", b'{"ts": %d, "values": {"CapsuleCounter": 0}}' % (start.timestamp() * 1000)
    )
    with database.transaction() as connection:
        set_initial(connection, "coffee-1", "capsules", 120, catalog=catalog, actor="test", now=start)
    times: list[tuple[datetime, bytes]] = [(drink.ts, drink.body()) for drink in drinks]
    times += [(at, b"") for at in steps(start, drinks[-1].ts, timedelta(hours=6))]
    for at, payload in sorted(times):
        service.at(at, "iot/v1/coffee-1/telemetry" if payload else "", payload)
    with database.transaction() as connection:
        [held] = connection.execute(
            "SELECT min(supplied - used) AS lowest, max(supplied - used) AS highest FROM ("
            " SELECT (SELECT max(value) FROM reading WHERE metric = 'CapsuleCounter' AND ts <= moment) AS used,"
            " (SELECT supplied FROM supply WHERE at <= moment ORDER BY at DESC, id DESC LIMIT 1) AS supplied"
            " FROM (SELECT ts AS moment FROM reading UNION SELECT at FROM supply) AS moments) AS levels"
        ).fetchall()
        [orders] = connection.execute("SELECT count(*) AS made FROM supply_order WHERE state <> 'cancelled'").fetchall()
    with capsys.disabled():
        print(
            f"\ncoffee machine over {(drinks[-1].ts - start).days} days: stock from {held['lowest']:.0f} to"
            f" {held['highest']:.0f} portions, {orders['made']} orders"
        )
    assert held["lowest"] > 0
    assert held["highest"] <= 200
    assert orders["made"] > 10
