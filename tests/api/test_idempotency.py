from __future__ import annotations

import threading

from fastapi import FastAPI
from starlette.testclient import TestClient

from iot_service.api.dependencies import Transaction
from iot_service.api.resources.routing import resource
from iot_service.db import Database
from tests.api.callers import Callers

CONSENT = {"purpose": "service_data", "wording": "You may.", "source": "contract"}


def customer(client: TestClient, callers: Callers) -> dict[str, str]:
    headers = callers.integration
    assert client.put("/v1/customers/anna", json={"id": "anna", "name": "Anna"}, headers=headers).status_code == 201
    return headers


def test_a_call_that_is_sent_again_is_answered_as_before_and_done_once(
    client: TestClient, callers: Callers, database: Database
) -> None:
    headers = customer(client, callers) | {"Idempotency-Key": "first"}
    body = {"id": "bo", "name": "Bo"}
    first = client.put("/v1/customers/bo", json=body, headers=headers)
    with database.transaction() as connection:
        connection.execute("DELETE FROM customer WHERE id = 'bo'")
    again = client.put("/v1/customers/bo", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["idempotency-replayed"] == "true"
    with database.transaction() as connection:
        assert connection.execute("SELECT count(*) AS n FROM customer WHERE id = 'bo'").fetchone() == {"n": 0}


def test_the_same_key_with_another_request_is_refused(client: TestClient, callers: Callers) -> None:
    headers = customer(client, callers) | {"Idempotency-Key": "first"}
    path = "/v1/customers/anna/consents"
    assert client.post(path, json=CONSENT, headers=headers).status_code == 200
    other = client.post(path, json=CONSENT | {"wording": "You may not."}, headers=headers)
    assert (other.status_code, other.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


def test_two_callers_may_use_the_same_key(client: TestClient, callers: Callers) -> None:
    headers = customer(client, callers)
    key = {"Idempotency-Key": "first"}
    path = "/v1/customers/anna/consents"
    assert client.post(path, json=CONSENT, headers=headers | key).status_code == 200
    answer = client.post(path, json=CONSENT, headers=callers.operator | key)
    assert (answer.status_code, "idempotency-replayed" in answer.headers) == (200, False)


def test_what_failed_may_be_tried_again_with_the_same_key(client: TestClient, callers: Callers) -> None:
    headers = callers.integration | {"Idempotency-Key": "first"}
    site = {"id": "home", "customer_id": "bo", "name": "H", "address": "A", "latitude": 59, "longitude": 10}
    assert client.put("/v1/sites/home", json=site, headers=headers).status_code == 422
    client.put("/v1/customers/bo", json={"id": "bo", "name": "Bo"}, headers=callers.integration)
    assert client.put("/v1/sites/home", json=site, headers=headers).status_code == 201


def test_a_call_that_comes_while_the_first_is_at_work_is_told_to_wait(
    app: FastAPI, client: TestClient, callers: Callers
) -> None:
    entered, go_on = threading.Event(), threading.Event()
    slow = resource("slow")

    @slow.post("")
    def work(connection: Transaction) -> dict[str, str]:
        entered.set()
        go_on.wait(10)
        return {"status": "done"}

    app.include_router(slow)
    headers = callers.integration | {"Idempotency-Key": "first"}
    answers: list[int] = []
    first = threading.Thread(target=lambda: answers.append(client.post("/v1/slow", headers=headers).status_code))
    first.start()
    assert entered.wait(10)
    meanwhile = client.post("/v1/slow", headers=headers)
    go_on.set()
    first.join()
    assert (meanwhile.status_code, answers) == (409, [200])
    assert client.post("/v1/slow", headers=headers).headers["idempotency-replayed"] == "true"


def test_a_key_that_is_none_is_refused(client: TestClient, callers: Callers) -> None:
    headers = callers.integration | {"Idempotency-Key": "x" * 300}
    answer = client.put("/v1/customers/anna", json={"id": "anna", "name": "Anna"}, headers=headers)
    assert answer.status_code == 422
