"""`rules rejudge`: what late readings would have changed, and that asking changes nothing."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from pydantic import SecretStr

from iot_service.config import Settings
from iot_service.db import Connection, Database
from iot_service.errors import InvalidInputError, NotFoundError
from iot_service.rules import needs
from iot_service.wiring.backtest_asked import Asked
from iot_service.wiring.rejudging import rejudge_command
from tests.factories import make_home
from tests.rules.telemetry import START, series, store
from tests.rules.test_runner import connection, found, run

__all__ = ["connection"]  # the fixture
MINUTE = timedelta(minutes=1)
ASKED = Asked(["freezer-1"], since="2026-11-21")
RULE = ["freezer/temperature_high"]


@pytest.fixture
def settings(database_url: str) -> Settings:
    """The shipped rules, and the test's database."""
    return Settings(database_url=SecretStr(database_url))


def test_a_need_that_late_readings_would_have_prevented_is_told_and_left_as_it_is(
    database: Database, connection: Connection, settings: Settings
) -> None:
    make_home(connection)
    warm = series(temperature="-55x25 -70x20")
    store(connection, "freezer-1", warm)
    run(database, START + 60 * MINUTE)
    judged = [("temperature_high", "resolved", 10, 31)]
    assert found(connection) == judged
    late = series(5 * MINUTE, START + 30 * 1000 * timedelta(milliseconds=1), temperature="-70x4")
    store(connection, "freezer-1", late, received=START + 61 * MINUTE)
    run(database, START + 61 * MINUTE)
    text = rejudge_command(settings, RULE, ASKED, as_json=False)
    assert "5 readings ever came too late to be judged" in text
    assert "only recorded: 1, only when judged again: 0, changed: 0, the same: 0" in text
    assert found(connection)[:1] == judged
    values = json.loads(rejudge_command(settings, RULE, ASKED, as_json=True))
    assert [need["rule"] for need in values["only_recorded"]] == ["temperature_high"]
    assert (values["only_again"], values["changed"], values["late_readings"]) == ([], [], 5)


def test_where_nothing_came_late_nothing_differs_nor_where_a_person_closed_the_need(
    database: Database, connection: Connection, settings: Settings
) -> None:
    make_home(connection)
    store(connection, "freezer-1", series(temperature="-70x3 -55x20 -70x20 -55x15"))
    run(database, START + 62 * MINUTE)
    need = connection.execute("SELECT id FROM need WHERE state = 'open' AND rule = 'temperature_high'").fetchone()
    assert need is not None
    needs.withdraw(connection, need["id"], reason="Being defrosted", actor="operator", now=START + 62 * MINUTE)
    text = rejudge_command(settings, RULE, ASKED, as_json=False)
    assert "only recorded: 0, only when judged again: 0, changed: 0, the same: 2" in text


def test_whose_past_it_is_must_be_said(database: Database, settings: Settings) -> None:
    assert database is not None
    with pytest.raises(InvalidInputError, match="one device"):
        rejudge_command(settings, RULE, Asked(), as_json=False)
    with pytest.raises(NotFoundError, match="no device 'x'"):
        rejudge_command(settings, RULE, Asked(["x"]), as_json=False)
