from __future__ import annotations

from datetime import timedelta

from httpx import Response
from starlette.testclient import TestClient

from iot_service import clock
from iot_service.db import Database
from iot_service.links import LinkPurpose
from tests.api.callers import Callers
from tests.factories import NOW, make_customer, make_home

BODY = {"id": "anna", "name": "Anna"}


def test_nobody_gets_in_without_a_token(client: TestClient) -> None:
    for headers in ({}, {"Authorization": "Bearer iot_wrong"}, {"Authorization": "Basic YTpi"},
                    {"Authorization": "Bearer nonsense"}, {"Cookie": "iot_session=wrong"}):  # fmt: skip
        assert client.get("/v1/customers", headers=headers).status_code == 401


def test_a_token_ends_when_it_expires_or_is_revoked(client: TestClient, callers: Callers) -> None:
    operator = callers.operator
    asked = {"name": "erp", "role": "integration", "expires_at": (NOW + timedelta(days=1)).isoformat()}
    made = client.post("/v1/tokens", json=asked, headers=operator).json()
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert client.get("/v1/customers", headers=headers).status_code == 200
    clock.freeze(NOW + timedelta(days=1))
    assert client.get("/v1/customers", headers=headers).status_code == 401
    clock.freeze(NOW)
    assert client.delete(f"/v1/tokens/{made['id']}", headers=operator).json()["revoked_at"] is not None
    assert client.get("/v1/customers", headers=headers).status_code == 401


def test_a_tokens_text_is_shown_once_and_stored_nowhere(
    client: TestClient, callers: Callers, database: Database
) -> None:
    headers = callers.operator | {"Idempotency-Key": "once"}
    made = client.post("/v1/tokens", json={"name": "erp", "role": "integration"}, headers=headers).json()
    assert "token" not in client.get("/v1/tokens", headers=headers).json()["items"][0]
    with database.transaction() as connection:
        kept = connection.execute("SELECT count(*) AS n FROM idempotency").fetchone()
        row = connection.execute("SELECT token_hash FROM api_token WHERE id = %(id)s", made).fetchone()
    assert kept == {"n": 0}
    assert row is not None
    assert made["token"].encode() not in bytes(row["token_hash"])


def test_only_an_operator_makes_tokens_and_a_device_reads_no_data(
    client: TestClient, callers: Callers, database: Database
) -> None:
    with database.transaction() as connection:
        make_home(connection)
    device = callers.device("freezer-1")
    asked = {"name": "x", "role": "operator"}
    assert client.post("/v1/tokens", json=asked, headers=callers.integration).status_code == 403
    assert client.post("/v1/tokens", json=asked, headers=device).status_code == 401
    assert client.get("/v1/customers", headers=device).status_code == 401
    wrong = client.post("/v1/tokens", json={"name": "x", "role": "device"}, headers=callers.operator)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "role")


def test_a_home_link_opens_the_inbox_and_nothing_else(client: TestClient, callers: Callers, database: Database) -> None:
    with database.transaction() as connection:
        make_customer(connection)
    assert client.get("/v1/inbox", headers=callers.customer()).status_code == 200
    assert client.get("/v1/customers/anna", headers=callers.customer()).status_code == 403
    order_link = {"Authorization": f"Bearer {callers.link(LinkPurpose.ORDER, 1)}"}
    assert client.get("/v1/inbox", headers=order_link).status_code == 401


def test_a_session_changes_things_only_from_our_own_pages(client: TestClient, callers: Callers) -> None:
    headers, csrf_token = callers.session()

    def put(extra: dict[str, str]) -> Response:
        answer: Response = client.put("/v1/customers/anna", json=BODY, headers=headers | extra)
        return answer

    assert client.get("/v1/customers", headers=headers).status_code == 200
    assert put({}).status_code == 403
    assert put({"X-CSRF-Token": "wrong"}).status_code == 403
    assert put({"X-CSRF-Token": csrf_token, "Sec-Fetch-Site": "same-site"}).status_code == 403
    assert put({"X-CSRF-Token": csrf_token, "Origin": "https://evil.example"}).status_code == 403
    assert put({"X-CSRF-Token": csrf_token, "Origin": "http://testserver"}).status_code == 201


def test_a_session_ends_at_a_set_time_however_much_it_is_used(client: TestClient, callers: Callers) -> None:
    headers, _ = callers.session()
    clock.freeze(NOW + timedelta(hours=11, minutes=59))
    assert client.get("/v1/customers", headers=headers).status_code == 200
    clock.freeze(NOW + timedelta(hours=12))
    assert client.get("/v1/customers", headers=headers).status_code == 401
