"""What no honest client sends is refused in words, and never ends in an error of ours."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from iot_service import clock
from iot_service.db import ClashError, Database
from iot_service.links import LinkPurpose
from iot_service.products.catalog import Catalog
from tests.api.callers import Callers
from tests.factories import NOW
from tests.world import World, make_world

BEYOND = "9999-12-31T23:59:59-14:00"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def world(database: Database, catalog: Catalog) -> World:
    clock.freeze(NOW)
    with database.transaction() as connection:
        return make_world(connection, catalog)


@pytest.mark.parametrize(
    "address",
    [
        "/v1/customers/%00",
        "/v1/devices?customer_id=%00",
        "/v1/customers?cursor=AA",
        f"/v1/events?need_id={10**30}",
        "/v1/devices/car-1/readings?to=0001-01-01T00:00:00Z",
    ],
)
def test_an_address_that_no_database_understands_is_refused(
    client: TestClient, callers: Callers, world: World, address: str
) -> None:
    answer = client.get(address, headers=callers.integration)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "address", "content"),
    [
        ("PUT", "/v1/subscriptions/capsules-1/stock", '{"quantity": Infinity}'),
        ("PUT", "/v1/subscriptions/capsules-1/stock", '{"quantity": 1e999}'),
        (
            "PUT",
            "/v1/devices/f9",
            '{"id": "f9", "customer_id": "anna", "name": "n", "product": "freezer", "parameters": {"setpoint": NaN}}',
        ),
        ("PUT", "/v1/customers/zz", '{"id": "zz", "name": "z", "email": "a\\u0000b@example.com"}'),
        ("PUT", "/v1/customers/zz", '{"id": "zz", "name": "z", "phone": "+49151111111111111"}'),
        ("POST", "/v1/customers/anna/mandates", '{"kind": "service", "max_price": 1e25, "cancel_window": "1h"}'),
        (
            "POST",
            "/v1/customers/anna/consents",
            '{"purpose": "marketing", "wording": "a\\u0000", "source": "the shop"}',
        ),
    ],
)
def test_a_value_that_cannot_be_kept_is_refused(
    client: TestClient, callers: Callers, world: World, method: str, address: str, content: str
) -> None:
    answer = client.request(method, address, content=content, headers=callers.integration | JSON)
    assert (answer.status_code, answer.json()["title"]) == (422, "Unprocessable Entity")


@pytest.mark.parametrize(
    "body",
    [{"until": BEYOND, "reason": "a holiday"}, {"until": "2027-01-01T00:00:00Z", "reason": "a\0b"}],
)
def test_a_need_is_not_snoozed_beyond_all_bounds(
    client: TestClient, callers: Callers, world: World, database: Database, body: dict[str, Any]
) -> None:
    answer = client.post(f"/v1/needs/{world.need}/snooze", json=body, headers=callers.integration)
    assert answer.status_code == 422
    with database.transaction() as connection:
        assert connection.execute("SELECT 1 FROM event WHERE type = 'need.snoozed'").fetchall() == []


@pytest.mark.parametrize("reason", ["     ", "\n\n\n", "two\nlines"])
def test_a_reason_for_the_record_is_one_line_that_says_something(
    client: TestClient, callers: Callers, world: World, reason: str
) -> None:
    answer = client.post(f"/v1/jobs/{world.job}/cancel", json={"reason": reason}, headers=callers.integration)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "reason")


def test_a_visit_at_the_end_of_time_is_refused_on_the_page_and_in_the_interface(
    client: TestClient, callers: Callers, world: World
) -> None:
    appointment, home = callers.link(LinkPurpose.APPOINTMENT, world.appointment), callers.link(LinkPurpose.HOME, 0)
    move = client.post(
        f"/v1/appointments/{world.appointment}/move", json={"starts_at": BEYOND}, headers=callers.integration
    )
    moved = client.post(f"/l/{appointment}", data={"action": "move", "starts_at": BEYOND})
    booked = client.post(f"/l/{home}", data={"action": "book", "starts_at": BEYOND, "need": str(world.need)})
    assert [move.status_code, moved.status_code, booked.status_code] == [409, 409, 409]
    assert "more than a year ahead" in move.json()["detail"]


def test_two_who_make_the_same_thing_at_once_are_told_to_look_again(client: TestClient, callers: Callers) -> None:
    app: Any = client.app

    def clash() -> None:
        raise ClashError("Key (email)=(secret) exists")

    app.add_api_route("/clash", clash)
    answer = client.get("/clash")
    assert (answer.status_code, "secret" in answer.text) == (409, False)
