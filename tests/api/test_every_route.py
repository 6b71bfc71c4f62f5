"""Every route, called by everybody: a route that is not in the table fails, so nobody adds one without deciding."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from httpx import Response
from psycopg import sql
from starlette.routing import Mount
from starlette.testclient import TestClient

from iot_service import clock
from iot_service.api.principal import Role
from iot_service.console.mount import mount_console
from iot_service.db import Database
from iot_service.links import LinkPurpose, Person
from iot_service.products.catalog import Catalog
from tests.api.callers import Callers, Headers
from tests.factories import NOW
from tests.world import World, make_world

IN = 0
"""Past the door: whatever the endpoint answers then, but not 401, 403, 404, 405, 5xx or the way to the login."""

CALLERS = ("nobody", "other customer", "technician", "device", "integration", "operator")
Outcome = tuple[int, int, int, int, int, int]

READ: Outcome = (401, 403, 403, 401, 200, 200)
WRITE: Outcome = (401, 403, 403, 401, IN, IN)
OPERATORS_READ: Outcome = (401, 403, 403, 401, 403, 200)
OPERATORS_WRITE: Outcome = (401, 403, 403, 401, 403, IN)
INBOX: Outcome = (401, 200, 200, 401, 403, 403)
BROKERS: Outcome = (401, 401, 401, 401, 401, 401)
PUBLIC: Outcome = (200, 200, 200, 200, 200, 200)
LINK: Outcome = (404, 404, 404, 404, 404, 404)
CONSOLE: Outcome = (303, 303, 303, 303, 303, 200)
CONSOLE_FILES: Outcome = (303, 303, 303, 303, 303, 404)

TABLE: dict[str, Outcome] = {
    "GET /v1/openapi.json": PUBLIC,
    "GET /healthz": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /health/live": PUBLIC,
    "GET /health/ready": PUBLIC,
    "GET /metrics": OPERATORS_READ,
    "GET /static/style.css": PUBLIC,
    "GET /": (303, 303, 303, 303, 303, 303),
    "GET /login": (200, 200, 200, 200, 200, 303),
    "POST /login": (403, 403, 403, 403, 403, 403),
    "POST /logout": (303, 303, 303, 303, 303, 403),
    "GET /l/{token}": LINK,
    "POST /l/{token}": LINK,
    "GET /v1/customers": READ,
    "GET /v1/customers/{customer_id}": READ,
    "PUT /v1/customers/{customer_id}": WRITE,
    "GET /v1/customers/{customer_id}/agreement": READ,
    "GET /v1/customers/{customer_id}/consents": READ,
    "POST /v1/customers/{customer_id}/consents": WRITE,
    "DELETE /v1/customers/{customer_id}/consents/{purpose}": (401, 403, 403, 401, 404, 404),
    "PUT /v1/customers/{customer_id}/strategies/{kind}": WRITE,
    "POST /v1/customers/{customer_id}/mandates": WRITE,
    "DELETE /v1/customers/{customer_id}/mandates/{kind}": (401, 403, 403, 401, 404, 404),
    "GET /v1/sites": READ,
    "GET /v1/sites/{site_id}": READ,
    "PUT /v1/sites/{site_id}": WRITE,
    "GET /v1/devices": READ,
    "GET /v1/devices/{device_id}": READ,
    "PUT /v1/devices/{device_id}": WRITE,
    "PUT /v1/devices/{device_id}/service_state": WRITE,
    "GET /v1/devices/{device_id}/readings": READ,
    "GET /v1/devices/{device_id}/twin": READ,
    "GET /v1/devices/{device_id}/dead_letters": READ,
    "GET /v1/devices/{device_id}/rules": READ,
    "GET /v1/device_groups": OPERATORS_READ,
    "GET /v1/device_groups/{group_id}": (401, 403, 403, 401, 403, 404),
    "PUT /v1/device_groups/{group_id}": OPERATORS_WRITE,
    "DELETE /v1/device_groups/{group_id}": (401, 403, 403, 401, 403, 404),
    "GET /v1/rule_overrides": OPERATORS_READ,
    "PUT /v1/rule_overrides/{scope}/{scope_id}/{product}/{rule}": OPERATORS_WRITE,
    "PUT /v1/rule_overrides/{scope}/{scope_id}/{product}": OPERATORS_WRITE,
    "DELETE /v1/rule_overrides/{scope}/{scope_id}/{product}/{rule}": (401, 403, 403, 401, 403, 404),
    "DELETE /v1/rule_overrides/{scope}/{scope_id}/{product}": (401, 403, 403, 401, 403, 404),
    "GET /v1/devices/{device_id}/commands": READ,
    "GET /v1/devices/{device_id}/facts": READ,
    "POST /v1/devices/{device_id}/services": WRITE,
    "POST /v1/devices/{device_id}/commands": WRITE,
    "GET /v1/commands/{command_id}": READ,
    "POST /v1/commands/{command_id}/cancel": WRITE,
    "GET /v1/dead_letters": READ,
    "POST /v1/dead_letters/{letter_id}/replay": OPERATORS_WRITE,
    "POST /v1/devices/{device_id}/telemetry": (401, 403, 403, IN, IN, IN),
    "POST /v1/devices/{device_id}/events": (401, 403, 403, IN, IN, IN),
    "GET /v1/workshops": READ,
    "GET /v1/workshops/{workshop_id}": READ,
    "PUT /v1/workshops/{workshop_id}": WRITE,
    "GET /v1/technicians": READ,
    "GET /v1/technicians/{technician_id}": READ,
    "PUT /v1/technicians/{technician_id}": WRITE,
    "GET /v1/subscriptions": READ,
    "GET /v1/subscriptions/{subscription_id}": READ,
    "PUT /v1/subscriptions/{subscription_id}": WRITE,
    "GET /v1/subscriptions/{subscription_id}/stock": READ,
    "PUT /v1/subscriptions/{subscription_id}/stock": WRITE,
    "GET /v1/maintenance": OPERATORS_READ,
    "POST /v1/maintenance": OPERATORS_WRITE,
    "GET /v1/maintenance/{maintenance_id}": (401, 403, 403, 401, 403, 404),
    "DELETE /v1/maintenance/{maintenance_id}": (401, 403, 403, 401, 403, 404),
    "GET /v1/needs": READ,
    "GET /v1/needs/{need_id}": READ,
    "POST /v1/needs/{need_id}/acknowledge": WRITE,
    "POST /v1/needs/{need_id}/snooze": WRITE,
    "POST /v1/needs/{need_id}/withdraw": WRITE,
    "GET /v1/appointments": READ,
    "GET /v1/appointments/{appointment_id}": READ,
    "GET /v1/appointments/{appointment_id}/alternatives": READ,
    "POST /v1/appointments/{appointment_id}/move": WRITE,
    "POST /v1/appointments/{appointment_id}/cancel": WRITE,
    "POST /v1/appointments/{appointment_id}/complete": WRITE,
    "GET /v1/proposals": READ,
    "GET /v1/proposals/{proposal_id}": READ,
    "POST /v1/proposals/{proposal_id}/accept": WRITE,
    "POST /v1/proposals/{proposal_id}/decline": WRITE,
    "GET /v1/jobs": READ,
    "GET /v1/jobs/{job_id}": READ,
    "POST /v1/jobs/{job_id}/advance": WRITE,
    "POST /v1/jobs/{job_id}/cancel": WRITE,
    "GET /v1/orders": READ,
    "GET /v1/orders/{order_id}": READ,
    "POST /v1/orders/{order_id}/ship": WRITE,
    "POST /v1/orders/{order_id}/deliver": WRITE,
    "POST /v1/orders/{order_id}/cancel": WRITE,
    "GET /v1/events": READ,
    "GET /v1/events/{event_id}": READ,
    "GET /v1/events/live": READ,
    "GET /v1/inbox": INBOX,
    "GET /v1/inbox/live": INBOX,
    "POST /v1/inbox/{message_id}/read": (401, 404, 404, 401, 403, 403),
    "GET /v1/rules": OPERATORS_READ,
    "GET /v1/rules/{product}/{rule}": (401, 403, 403, 401, 403, 404),
    "PUT /v1/rules/{product}/{rule}": OPERATORS_WRITE,
    "DELETE /v1/rules/{product}/{rule}": (401, 403, 403, 401, 403, 404),
    "POST /v1/rules/{product}/{rule}/mode": OPERATORS_WRITE,
    "GET /v1/rules/{product}/{rule}/versions": (401, 403, 403, 401, 403, 404),
    "GET /v1/rules/{product}/{rule}/shadow_needs": (401, 403, 403, 401, 403, 404),
    "GET /v1/tokens": OPERATORS_READ,
    "POST /v1/tokens": OPERATORS_WRITE,
    "DELETE /v1/tokens/{token_id}": OPERATORS_WRITE,
    "POST /v1/devices": WRITE,
    "POST /v1/devices/import": WRITE,
    "POST /v1/devices/{device_id}/rotate": WRITE,
    "GET /v1/registrations": READ,
    "GET /v1/registrations/{device_id}": READ,
    "POST /v1/registrations/{device_id}/disable": WRITE,
    "POST /v1/registrations/{device_id}/enable": WRITE,
    "POST /v1/registrations/{device_id}/move": WRITE,
    "POST /v1/registrations/{device_id}/aliases": WRITE,
    "DELETE /v1/registrations/{device_id}/aliases/{alias:path}": (401, 403, 403, 401, 404, 404),
    "GET /v1/gateways": OPERATORS_READ,
    "POST /v1/gateways": OPERATORS_WRITE,
    "GET /v1/gateways/{gateway_id}": (401, 403, 403, 401, 403, 404),
    "PUT /v1/gateways/{gateway_id}/topics": OPERATORS_WRITE,
    "POST /v1/gateways/{gateway_id}/rotate": OPERATORS_WRITE,
    "POST /v1/gateways/{gateway_id}/disable": OPERATORS_WRITE,
    "POST /v1/gateways/{gateway_id}/enable": OPERATORS_WRITE,
    "GET /v1/claim_keys": OPERATORS_READ,
    "POST /v1/claim_keys": OPERATORS_WRITE,
    "DELETE /v1/claim_keys/{claim_key_id}": (401, 403, 403, 401, 403, 404),
    "POST /v1/claim": (IN,) * 6,
    "POST /v1/broker/auth": BROKERS,
    "POST /v1/broker/acl": BROKERS,
    "POST /v1/broker/vernemq": BROKERS,
    "POST /v1/broker/rabbitmq/{question}": BROKERS,
    "POST /v1/broker/go_auth/{question}": BROKERS,
    "GET /console/": CONSOLE,
    "GET /console/devices": CONSOLE,
    "GET /console/devices/{device_id}": CONSOLE,
    "GET /console/dead-letters": CONSOLE,
    "GET /console/favicon.ico": CONSOLE,
    "GET /console/_nicegui_ws/": CONSOLE_FILES,
    "GET /console/_nicegui/static/": CONSOLE_FILES,
    "GET /console/_nicegui/libraries/{key:path}": CONSOLE_FILES,
    "GET /console/_nicegui/components/{key:path}": CONSOLE_FILES,
    "GET /console/_nicegui/resources/{key}/{path:path}": CONSOLE_FILES,
    "GET /console/_nicegui/dynamic_resources/{name}": CONSOLE_FILES,
    "GET /console/_nicegui/esm/{key}/{path:path}": CONSOLE_FILES,
}
"""What each route answers to nobody, another customer, a technician, a device, an integration and an operator."""


def plain(path: str) -> str:
    """A path without the console library's version."""
    return re.sub(r"/_nicegui/[0-9.]+/", "/_nicegui/", path)


def routes_of(routes: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every (method, path) of an application, those of mounted ones too; a mount of files counts as one route."""
    for route in iter_route_contexts(list(routes)):
        original = getattr(route, "original_route", route)
        if isinstance(original, Mount):
            inner = list(original.routes)
            if inner:
                yield from routes_of(inner, prefix + original.path)
            else:
                yield "GET", f"{prefix}{original.path}/"
            continue
        for method in sorted((route.methods or {"GET"}) - {"HEAD"}):
            yield method, prefix + (route.path or "")


@pytest.fixture
def everything(app: FastAPI, database: Database, catalog: Catalog) -> FastAPI:
    mount_console(app, database, catalog)
    return app


@pytest.fixture
def world(database: Database, catalog: Catalog) -> World:
    clock.freeze(NOW)
    with database.transaction() as connection:
        return make_world(connection, catalog)


@pytest.fixture
def browser(everything: FastAPI) -> Iterator[TestClient]:
    with TestClient(everything, raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


@pytest.mark.usefixtures("browser")
def test_the_table_lists_every_route_and_no_other(everything: FastAPI) -> None:
    found = {f"{method} {plain(path)}" for method, path in routes_of(everything.routes)}
    assert found == set(TABLE)


def test_every_address_of_the_api_is_documented() -> None:
    text = (Path(__file__).parent.parent.parent / "docs" / "api.md").read_text(encoding="utf-8")
    paths = {key.split(" ")[1] for key in TABLE if " /v1/" in key}
    assert [path for path in sorted(paths) if f"`{path}`" not in text] == []


def address(path: str, world: World) -> str:
    """The address of anna's thing that a path is about."""
    values = {
        "customer_id": "anna", "site_id": "anna-home", "device_id": "freezer-1", "workshop_id": "oslo",
        "technician_id": "kari", "subscription_id": "capsules-1", "need_id": world.need, "purpose": "marketing",
        "kind": "service", "appointment_id": world.appointment, "proposal_id": world.proposal, "job_id": world.job,
        "order_id": world.order, "event_id": world.event, "message_id": world.message, "token_id": 1,
        "command_id": world.command,
        "token": "nonsense", "gateway_id": "none", "claim_key_id": 1, "alias": "none", "question": "user",
        "letter_id": 1, "maintenance_id": 1, "product": "freezer", "rule": "none",
        "scope": "device", "scope_id": "freezer-1", "group_id": "none",
        "key": "x", "path": "x", "name": "x",
    }  # fmt: skip
    return re.sub(r"\{(\w+)(:path)?\}", lambda match: str(values[match[1]]), path)


def dump(database: Database) -> str:
    """All that customers, technicians and operators have, as one text."""
    tables = (
        "customer site device consent strategy_choice mandate workshop technician resource need appointment proposal "
        "job job_request resource_booking subscription supply_order supply notification event api_token command"
    )
    with database.transaction() as connection:
        query = sql.SQL("SELECT * FROM {} ORDER BY 1, 2")
        rows = [connection.execute(query.format(sql.Identifier(table))).fetchall() for table in tables.split()]
    return repr(rows)


def as_expected(answer: Response, expected: int) -> bool:
    if expected == IN:
        to_login = answer.status_code == 303 and answer.headers["location"].startswith("/login")
        return answer.status_code < 500 and answer.status_code not in {401, 403, 404, 405} and not to_login
    return answer.status_code == expected


def walk(
    browser: TestClient, app: FastAPI, world: World, headers: Headers, caller: str, *, only: Sequence[str] = ()
) -> list[str]:
    """Call every route as one caller; return what went otherwise than the table says, or showed anna's name."""
    wrong = []
    for method, path in routes_of(app.routes):
        expected = TABLE[f"{method} {plain(path)}"][CALLERS.index(caller)]
        if only and method not in only:
            continue
        answer = browser.request(method, address(path, world), headers=headers)
        if not as_expected(answer, expected):
            wrong.append(f"{caller}: {method} {path}: {answer.status_code}, expected {expected}: {answer.text[:200]}")
        if caller not in {"integration", "operator"} and re.search("Anna Berg|Hemmelig|Storgata", answer.text):
            wrong.append(f"{caller}: {method} {path} shows anna's data")
    return wrong


@pytest.mark.parametrize("caller", CALLERS[:4])
def test_who_has_no_business_there_sees_and_changes_nothing(
    browser: TestClient, everything: FastAPI, world: World, callers: Callers, database: Database, caller: str
) -> None:
    headers: dict[str, Headers] = {
        "nobody": {},
        "other customer": callers.customer("bo"),
        "technician": {"Authorization": f"Bearer {callers.link(LinkPurpose.HOME, 0, 'per', Person.TECHNICIAN)}"},
        "device": callers.device("freezer-1"),
    }
    before = dump(database)
    assert walk(browser, everything, world, headers[caller], caller) == []
    assert dump(database) == before


def test_an_integration_works_with_data_but_makes_no_tokens(
    browser: TestClient, everything: FastAPI, world: World, callers: Callers
) -> None:
    assert walk(browser, everything, world, callers.integration, "integration") == []


def test_an_operator_gets_everywhere_but_into_peoples_own_pages(
    browser: TestClient, everything: FastAPI, world: World, callers: Callers
) -> None:
    callers.token(Role.INTEGRATION)
    headers, csrf_token = callers.session()
    reading = walk(browser, everything, world, headers, "operator", only=("GET",))
    writing = walk(
        browser, everything, world, headers | {"X-CSRF-Token": csrf_token}, "operator", only=("POST", "PUT", "DELETE")
    )
    assert reading + writing == []


def test_an_operators_session_alone_changes_nothing(
    browser: TestClient, everything: FastAPI, world: World, callers: Callers, database: Database
) -> None:
    """Another site can make a browser send the cookie, but not the session's token. (Some look at no cookie at all.)"""
    headers, _ = callers.session()
    before = dump(database)
    for method, path in routes_of(everything.routes):
        if method != "GET" and path.startswith("/v1/") and path != "/v1/claim" and TABLE[f"{method} {path}"] != BROKERS:
            answer = browser.request(method, address(path, world), headers=headers)
            assert answer.status_code == 403, f"{method} {path}"
    assert dump(database) == before


ACTIONS = ("accept", "decline", "cancel", "move", "book", "order", "read", "en_route", "on_site", "complete")


def test_another_persons_link_to_annas_things_shows_and_changes_nothing(
    browser: TestClient, world: World, callers: Callers, database: Database
) -> None:
    things = {
        LinkPurpose.APPOINTMENT: world.appointment,
        LinkPurpose.PROPOSAL: world.proposal,
        LinkPurpose.ORDER: world.order,
        LinkPurpose.NOTIFICATION: world.message,
        LinkPurpose.JOB: world.job,
    }
    people = [(name, Person.CUSTOMER) for name in ("bo", "kari", "nobody")]
    people += [(name, Person.TECHNICIAN) for name in ("per", "kari", "anna")]
    before = dump(database)
    for person_id, person in people:
        for purpose, subject in things.items():
            if (person_id, person, purpose) == ("kari", Person.TECHNICIAN, LinkPurpose.JOB):
                continue  # she is asked
            page = f"/l/{callers.link(purpose, subject, person_id, person)}"
            answers = [browser.get(page)] + [browser.post(page, data={"action": action}) for action in ACTIONS]
            assert {answer.status_code for answer in answers} == {404}, (person_id, purpose)
            assert not any("Hemmelig" in answer.text or "Storgata" in answer.text for answer in answers)
    home = f"/l/{callers.link(LinkPurpose.HOME, 0, 'bo')}"
    assert browser.get(home).status_code == 200
    assert "Hemmelig" not in browser.get(home).text
    starts_at = "2026-11-24T09:00:00+00:00"
    for action in ("book", "order"):
        form = {"action": action, "need": str(world.need), "starts_at": starts_at}
        assert browser.post(home, data=form).status_code == 404
    assert dump(database) == before
