from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from iot_service import clock
from iot_service.db import Connection, Database, Jsonb
from iot_service.db.events import record
from iot_service.model.event import Event, EventType
from tests.console.app import console_app
from tests.factories import NOW, insert, make_device, make_home, make_need

SCRIPT = "<script>alert(1)</script>"
PAGES = ("/console/", "/console/devices", "/console/devices/freezer-1", "/console/dead-letters")


def fill(connection: Connection) -> None:
    """Everything that comes from outside says SCRIPT."""
    make_home(connection, name=f"Fryser {SCRIPT}")
    make_device(connection, id="freezer-2", name="Quiet one")
    need = make_need(connection, reason=SCRIPT)
    event = Event(EventType.NEED_OPENED, NOW, str(need["id"]), SCRIPT, device_id="freezer-1", need_id=need["id"])
    record(connection, event)
    for minute in range(20):
        ts = NOW - timedelta(minutes=minute)
        insert(connection, "reading", device_id="freezer-1", metric="temperature", ts=ts, value=-70.0, received_at=ts)
    insert(connection, "attribute", device_id="freezer-1", name=SCRIPT, ts=NOW, value=Jsonb([SCRIPT]), received_at=NOW)
    insert(
        connection, "dead_letter", received_at=NOW, topic=f"iot/v1/{SCRIPT}/telemetry", device_id="freezer-1",
        payload=SCRIPT.encode(), reason=SCRIPT, detail=SCRIPT,
    )  # fmt: skip


@pytest.fixture
def browser(database: Database) -> Iterator[TestClient]:
    clock.freeze(NOW)
    with database.transaction() as connection:
        fill(connection)
    with TestClient(console_app(database), base_url="http://127.0.0.1") as client:
        yield client


def texts(html: str) -> list[str]:
    """What a page shows, element by element."""
    (elements,) = re.findall(r"parseElements\(String\.raw`(.*?)`\)", html, re.DOTALL)
    for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&#96;", "`"), ("&#36;", "$"), ("&amp;", "&")):
        elements = elements.replace(entity, sign)
    return [element["text"] for element in json.loads(elements).values() if element.get("text")]


@pytest.mark.parametrize("path", PAGES)
def test_nothing_that_came_from_outside_becomes_markup(browser: TestClient, path: str) -> None:
    html = browser.get(path).text
    assert SCRIPT not in html
    assert "<b>Operat" not in html
    assert any(SCRIPT in text for text in texts(html))


@pytest.mark.parametrize("path", [*PAGES, "/console/devices/nobody"])
def test_a_page_needs_nothing_from_the_network(browser: TestClient, path: str) -> None:
    html = browser.get(path).text
    addresses = re.findall(
        r"""(?:src|href)="([^"]+)"|url\(["']?([^"')]+)|import\(["']([^"']+)|: ?"(https?:[^"]+)""", html
    )
    foreign = {part for found in addresses for part in found if part.startswith(("http", "//"))}
    assert foreign <= {"http://www.w3.org/2000/svg"}


def test_the_front_page_shows_figures_needs_and_events(browser: TestClient) -> None:
    shown = texts(browser.get("/console/").text)
    for text in (
        "Open needs",
        "1 critical",
        "Devices in service",
        "2",
        "Acknowledge",
        "Snooze…",
        "Withdraw…",
        "need opened",
    ):
        assert text in shown


def test_the_devices_page_finds_by_what_is_typed(browser: TestClient) -> None:
    shown = texts(browser.get("/console/devices", params={"q": "quiet", "state": "in_service"}).text)
    assert "Quiet one" in shown
    assert "1 device" in shown
    assert "No device matches." in texts(browser.get("/console/devices", params={"q": "\0zzz", "page": -4}).text)


def test_the_page_of_a_device_shows_its_curve_with_the_need_on_it(browser: TestClient) -> None:
    html = browser.get("/console/devices/freezer-1", params={"span": "1h", "metric": "nonsense"}).text
    assert "markArea" in html
    assert any(text.startswith("20 readings, lowest -70, highest -70 °C") for text in texts(html))


def test_the_page_of_a_device_says_that_maintenance_mutes_it(browser: TestClient, database: Database) -> None:
    with database.transaction() as connection:
        insert(
            connection, "maintenance_window", device_id="freezer-1", starts_at=NOW, ends_at=NOW + timedelta(hours=2),
            reason="compressor swap", created_by="operator:9", created_at=NOW,
        )  # fmt: skip
    shown = texts(browser.get("/console/devices/freezer-1").text)
    assert {"muted: maintenance", "compressor swap", "by operator:9"} <= set(shown)


@pytest.mark.parametrize("query", [{"span": "never"}, {"metric": "'; --"}, {"span": "all"}, {"span": "30d"}])
def test_a_made_up_question_about_a_curve_gets_an_answer(browser: TestClient, query: dict[str, str]) -> None:
    assert browser.get("/console/devices/freezer-1", params=query).status_code == 200


def test_a_device_that_reported_nothing_has_a_page_too(browser: TestClient) -> None:
    assert "No readings yet." in texts(browser.get("/console/devices/freezer-2").text)


def test_a_device_that_does_not_exist_is_not_found(browser: TestClient) -> None:
    assert browser.get("/console/devices/nobody").status_code == 404


def test_times_are_in_the_zone_that_the_browser_named_with_utc_beside_them(browser: TestClient) -> None:
    browser.cookies.set("iot_zone", "Europe/Oslo")
    html = browser.get("/console/").text
    assert "13:00:00 Europe/Oslo" in texts(html)
    assert "2026-11-21 12:00:00 UTC" in html


@pytest.mark.parametrize("path", PAGES)
def test_without_a_guard_that_names_an_operator_the_console_stays_shut(database: Database, path: str) -> None:
    with TestClient(console_app(database, operator=None)) as client:
        assert client.get(path).status_code == 401
