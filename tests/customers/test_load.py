from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iot_service.customers import consent
from iot_service.customers.load import InitialStock, LastService, LoadError, LoadReport, load_file
from iot_service.db import Database
from iot_service.model.customer import Mandate, Purpose, Strategy
from iot_service.model.need import NeedKind
from iot_service.products.catalog import Catalog, load_catalog
from tests.factories import NOW, insert

DEMO = Path(__file__).parent.parent.parent / "simulators" / "demo.yaml"
SMALL = """\
customers:
  - {id: anna, name: Anna Berg, phone: "+47 900 00 001"}
sites:
  - {id: home, customer_id: anna, name: Hjemme, address: Storgata 1, latitude: 59.9, longitude: 10.7}
devices:
  - {id: coffee-1, product: coffee_machine, customer_id: anna, site_id: home, name: Kaffemaskin}
workshops:
  - id: oslo
    name: Verksted
    address: Verkstedveien 2
    latitude: 59.9
    longitude: 10.7
    products: [car]
    opening_hours: {mon: [["08:00", "16:00"]]}
    bays: [Bay 1, Bay 2]
technicians:
  - {id: kari, name: Kari, skills: [car], latitude: 59.9, longitude: 10.7, workshop_id: oslo}
subscriptions:
  - {id: caps, device_id: coffee-1, consumable: capsules, pack_size: 40, target_level: 200, cancel_window: 24h,
     lead_time: 3d, price: 19900, initial_stock: 120}
"""


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def load(database: Database, catalog: Catalog, text: str) -> LoadReport:
    with database.transaction() as connection:
        return load_file(text, connection, catalog, NOW)


def problems(database: Database, catalog: Catalog, text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(LoadError) as caught:
        load(database, catalog, text)
    return [(problem.line, problem.field, problem.message) for problem in caught.value.problems]


def test_the_demo_file_loads_and_a_second_time_changes_nothing(database: Database, catalog: Catalog) -> None:
    with database.transaction() as connection:
        report = load_file(DEMO, connection, catalog, NOW)
    assert set(report.created) == {"customers", "sites", "devices", "workshops", "technicians", "subscriptions"}
    assert report.initial_stock

    with database.transaction() as connection:
        for stock in report.initial_stock:
            what = {"device_id": stock.device_id, "consumable": stock.consumable}
            insert(connection, "supply", **what, at=NOW, supplied=stock.quantity, reason="initial")
        events = connection.execute("SELECT count(*) AS n FROM event").fetchone()
        again = load_file(DEMO, connection, catalog, NOW + timedelta(days=1))
        assert again.nothing_changed
        assert again.unchanged == report.created
        assert connection.execute("SELECT count(*) AS n FROM event").fetchone() == events


def test_a_phone_number_is_kept_in_its_international_form(database: Database, catalog: Catalog) -> None:
    load(database, catalog, SMALL)
    with database.transaction() as connection:
        row = connection.execute("SELECT phone FROM customer WHERE id = 'anna'").fetchone()
    assert row == {"phone": "+4790000001"}


def test_a_device_begins_in_commissioning_where_its_product_knows_a_normal_range(
    database: Database, catalog: Catalog
) -> None:
    load(database, catalog, SMALL + "\n")
    freezer = SMALL.replace("coffee-1, product: coffee_machine", "freezer-1, product: freezer").split("workshops:")[0]
    load(database, catalog, freezer)
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT id, service_state, (SELECT count(*) FROM rule_state WHERE device_id = id) AS states, "
            "(SELECT min(type) FROM event WHERE device_id = device.id AND type LIKE 'device%%') AS event "
            "FROM device ORDER BY id", {}
        ).fetchall()  # fmt: skip
    assert [tuple(row.values()) for row in rows] == [
        ("coffee-1", "in_service", 1, "device.in_service"),
        ("freezer-1", "commissioning", 1, "device.commissioning"),
    ]


def test_what_a_file_says_anew_is_changed_and_only_that(database: Database, catalog: Catalog) -> None:
    load(database, catalog, SMALL)
    report = load(
        database, catalog, SMALL.replace("pack_size: 40", "pack_size: 50").replace("[Bay 1, Bay 2]", "[Bay 2, Bay 3]")
    )
    assert report.created == {}
    assert report.changed == {"workshops": 1, "subscriptions": 1}
    with database.transaction() as connection:
        bays = connection.execute("SELECT name, active FROM resource WHERE kind = 'bay' ORDER BY name").fetchall()
        events = connection.execute("SELECT reason FROM event WHERE type = 'subscription.changed' ORDER BY id")
        assert [row["reason"] for row in events] == ["the subscription was created", "the subscription was changed"]
    assert [tuple(row.values()) for row in bays] == [("Bay 1", False), ("Bay 2", True), ("Bay 3", True)]


def test_a_file_never_brings_back_what_the_customer_changed_since(database: Database, catalog: Catalog) -> None:
    text = """\
customers:
  - id: anna
    name: Anna
    consents: [{purpose: service_data, wording: Yes, source: contract}]
    strategies: {service: automate}
    mandates: [{kind: service, max_price: 500000, cancel_window: 24h}]
""".replace("wording: Yes", 'wording: "Yes"')
    load(database, catalog, text)
    with database.transaction() as connection:
        agreed = consent.agreement(connection, "anna", now=NOW)
        assert agreed.consents == {Purpose.SERVICE_DATA}
        assert agreed.mandates == {NeedKind.SERVICE: Mandate(NeedKind.SERVICE, 500000, timedelta(hours=24))}
        consent.revoke(connection, "anna", Purpose.SERVICE_DATA, actor="customer:anna", now=NOW)
        consent.choose_strategy(connection, "anna", NeedKind.SERVICE, Strategy.RESPOND, actor="customer:anna", now=NOW)
        consent.revoke_mandate(connection, "anna", NeedKind.SERVICE, actor="customer:anna", now=NOW)
    assert load(database, catalog, text).nothing_changed
    with database.transaction() as connection:
        agreed = consent.agreement(connection, "anna", now=NOW)
    assert (agreed.consents, agreed.mandates) == (frozenset(), {})
    assert agreed.strategies == {NeedKind.SERVICE: Strategy.RESPOND}


def test_a_stock_that_is_known_is_not_set_again(database: Database, catalog: Catalog) -> None:
    assert load(database, catalog, SMALL).initial_stock == (InitialStock("coffee-1", "capsules", 120.0),)
    with database.transaction() as connection:
        insert(connection, "supply", device_id="coffee-1", consumable="capsules", at=NOW, supplied=1, reason="initial")
    assert load(database, catalog, SMALL).initial_stock == ()


def test_every_problem_is_told_at_once_with_its_line_and_what_would_be_right(
    database: Database, catalog: Catalog
) -> None:
    text = """\
customers:
  - id: anna
    name: Anna
    phone: "90000001"
    locale: se
  - id: bo
    name: Bo
    time_zone: Europe/Olso
    colour: red
  - id: cecilie
    name: Cecilie
    phone: +4790000003
devices:
  - {id: fridge-1, product: fridge, customer_id: cecilie2, name: Kjøleskap}
  - {id: car-1, product: car, customer_id: bo, name: Bil}
  - {id: car-2, product: car, name: Bil}
cars: []
"""
    found = problems(database, catalog, text)
    assert [(line, field) for line, field, _ in found] == [
        (4, "customers.0.phone"),
        (5, "customers.0.locale"),
        (8, "customers.1.time_zone"),
        (9, "customers.1.colour"),
        (12, "customers.2.phone"),
        (14, "devices.0.product"),
        (16, "devices.2.customer_id"),
        (17, "cars"),
    ]
    said = [message for _, _, message in found]
    assert "write it like +4790000001" in said[0]
    assert said[1] == "Input should be 'nb' or 'en', not 'se'"
    assert "did you mean Europe/Oslo?" in said[2]
    assert said[3].startswith("unknown key")
    assert said[4] == "4790000003 is read as a number; put it in quotes"
    assert "known are car, coffee_machine, freezer" in said[5]
    assert said[6] == "is missing"
    with database.transaction() as connection:
        assert connection.execute("SELECT count(*) AS n FROM customer").fetchone() == {"n": 0}


@pytest.mark.parametrize(
    ("wrong", "right", "field", "message"),
    [
        ("consumable: capsules", "consumable: beans", "subscriptions.0.consumable", "its consumables are: capsules"),
        ("target_level: 200", "target_level: 20", "subscriptions.0.target_level", "at least one pack"),
        ("cancel_window: 24h", "cancel_window: soon", "subscriptions.0.cancel_window", "write for example"),
        ('["08:00", "16:00"]', '["16:00", "08:00"]', "workshops.0.opening_hours", "write hours in order"),
        ("mon:", "monday:", "workshops.0.opening_hours", "is not a weekday"),
        ("workshop_id: oslo", "workshop_id: bergen", "technicians.0.workshop_id", "create it first"),
        ("site_id: home", "site_id: cabin", "devices.0.site_id", "has no site"),
        ("name: Kaffemaskin", "name: K, parameters: {setpoint: 1}", "devices.0.parameters.setpoint", "no parameter"),
        ("products: [car]", "products: [boat]", "workshops.0.products", "no product model"),
        ("latitude: 59.9, longitude: 10.7}\ndev", "latitude: 95, longitude: 10.7}\ndev", "sites.0.latitude", "90"),
        ("id: caps,", "id: my caps,", "subscriptions.0.id", "must match"),
    ],
)
def test_a_wrong_value_names_its_field(
    database: Database, catalog: Catalog, wrong: str, right: str, field: str, message: str
) -> None:
    assert wrong in SMALL
    found = problems(database, catalog, SMALL.replace(wrong, right, 1))
    assert [entry[1] for entry in found] == [field]
    assert message in found[0][2]


def test_an_id_that_stands_twice_and_a_file_that_is_no_yaml_are_told(database: Database, catalog: Catalog) -> None:
    double = 'customers:\n  - {id: anna, name: Anna}\n  - {id: anna, name: "Anna B"}\n'
    assert problems(database, catalog, double)[0][:2] == (3, "customers.1.id")
    assert "not YAML" in problems(database, catalog, "customers: [\n")[0][2]
    assert "cannot be read" in problems(database, catalog, "/no/such/file.yaml")[0][2]
    assert "must have keys" in problems(database, catalog, "- a\n- b\n")[0][2]


def test_a_device_keeps_its_product_and_its_customer(database: Database, catalog: Catalog) -> None:
    load(database, catalog, SMALL)
    other = (
        "customers:\n  - {id: bo, name: Bo}\ndevices:\n  - {id: coffee-1, product: car, customer_id: bo, name: Bil}\n"
    )
    assert problems(database, catalog, other)[0][:2] == (4, "devices.0.product")


SERVICED = """\
customers:
  - {id: anna, name: Anna Berg}
devices:
  - id: car-1
    product: car
    customer_id: anna
    name: Elbilen
    serviced:
      annual_service: {at: 2025-11-03, readings: {odometer: 31200}}
"""


def test_a_device_that_was_serviced_before_tells_when_and_at_what(database: Database, catalog: Catalog) -> None:
    report = load(database, catalog, SERVICED)
    at = datetime(2025, 11, 3, tzinfo=UTC)
    assert report.serviced == (LastService("car-1", "annual_service", at, {"odometer": 31200.0}),)
    later = load(database, catalog, SERVICED.replace("2025-11-03", "2025-11-03T16:30:00+01:00"))
    assert later.serviced[0].at == datetime(2025, 11, 3, 15, 30, tzinfo=UTC)
    assert later.nothing_changed, "whoever counts the services knows whether they are new"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("annual_service:", "anual_service:", "a car has no plan for 'anual_service'; did you mean 'annual_service'?"),
        ("odometer", "odometr", "the plan has no counter 'odometr'; did you mean 'odometer'?"),
        ("31200", "far", "Input should be a valid number, unable to parse string as a number, not 'far'"),
    ],
)
def test_a_service_that_cannot_be_is_told(
    database: Database, catalog: Catalog, old: str, new: str, problem: str
) -> None:
    ((_, _, message),) = problems(database, catalog, SERVICED.replace(old, new))
    assert message == problem
