"""`rules unknown` and `doctor`: devices on which rules cannot be judged, by name."""

from __future__ import annotations

from pydantic import SecretStr

from iot_service import clock
from iot_service.config import Settings
from iot_service.db import Connection, Database
from iot_service.products.catalog import Catalog
from iot_service.rules.runner import RuleRunner
from iot_service.rules.why import Why
from iot_service.wiring.doctor import examine
from iot_service.wiring.rules_unknown import unknown_rules
from tests.factories import make_home
from tests.rules.telemetry import SHIPPED, START, rule, series, store
from tests.rules.test_runner import connection, run

__all__ = ["connection"]  # the fixture


def test_devices_on_which_rules_cannot_be_judged_are_named(
    database: Database, connection: Connection, database_url: str
) -> None:
    settings = Settings(database_url=SecretStr(database_url))
    assert unknown_rules(settings, device_id=None, why=None, limit=9) == "every rule can be judged on every device"
    hot = rule("hot", when="ambient > 30.0")
    short = rule("short", when="[1, 2][int(temperature)] > 1")
    catalog = Catalog(
        products=SHIPPED.products, services=SHIPPED.services, rules={"freezer": {"hot": hot, "short": short}}
    )
    make_home(connection)
    store(connection, "freezer-1", series(temperature="7"))
    run(database, START, RuleRunner(database, catalog))
    clock.freeze(START)
    lines = unknown_rules(settings, device_id="freezer-1", why=None, limit=9).splitlines()
    assert lines == [
        "freezer-1  freezer/hot  ambient has no value",
        "freezer-1  freezer/short  cannot be computed: index out of bounds: 7",
    ]
    assert "short" not in unknown_rules(settings, device_id=None, why=Why.MISSING, limit=9)
    (finding,) = [each for each in examine(settings) if each.what == "rules"]
    assert not finding.ok
    assert "freezer-1 (short: index out of bounds: 7)" in finding.detail
