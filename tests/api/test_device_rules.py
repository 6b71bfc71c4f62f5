"""The rules of one device over HTTP say which of them cannot be judged."""

from __future__ import annotations

from starlette.testclient import TestClient

from iot_service.db import Database
from iot_service.rules.runner import RuleRunner
from tests.api.callers import Callers
from tests.factories import make_home
from tests.rules.telemetry import SHIPPED, START, series, store
from tests.rules.test_runner import run


def test_a_rule_that_cannot_be_judged_says_why(client: TestClient, callers: Callers, database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        store(connection, "freezer-1", series(power="1"))
    run(database, START, RuleRunner(database, SHIPPED))
    answer = client.get("/v1/devices/freezer-1/rules", headers=callers.operator)
    unknown = {rule["rule"]: rule["unknown"] for rule in answer.json()["rules"]}
    assert unknown["temperature_high"] == "temperature has no value"
    assert unknown["silent"] is None
