from __future__ import annotations

import pytest
from fastapi import FastAPI
from psycopg import OperationalError
from starlette.testclient import TestClient

from iot_service.api.dependencies import Transaction
from iot_service.errors import ConflictError, ServiceError
from tests.api.callers import Callers


def test_every_error_is_a_problem_document(client: TestClient, callers: Callers) -> None:
    headers = callers.integration
    answers = [
        client.get("/v1/nothing", headers=headers),
        client.put("/v1/customers", headers=headers),
        client.get("/v1/customers/nobody", headers=headers),
        client.get("/v1/customers", params={"limit": 0}, headers=headers),
        client.get("/v1/customers"),
        client.get("/v1/tokens", headers=headers),
        client.put("/v1/customers/anna", content="{", headers=headers),
        client.get("/no/such/page"),
    ]
    assert [answer.status_code for answer in answers] == [404, 405, 404, 422, 401, 403, 422, 404]
    for answer in answers:
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert problem["title"]
        assert problem["detail"]
    assert answers[1].headers["allow"] == "GET"
    assert answers[4].headers["www-authenticate"] == "Bearer"


def test_a_wrong_field_is_named_with_what_would_be_right(client: TestClient, callers: Callers) -> None:
    body = {"id": "anna", "name": "Anna", "phone": "90000001", "colour": "red"}
    answer = client.put("/v1/customers/anna", json=body, headers=callers.integration)
    assert answer.status_code == 422
    errors = {error["field"]: error["message"] for error in answer.json()["errors"]}
    assert errors["colour"] == "there is no such field; leave it out"
    assert "write it like +4790000001" in errors["phone"]
    assert "phone: '90000001'" in answer.json()["detail"]


def test_what_a_stage_refuses_names_its_field_too(client: TestClient, callers: Callers) -> None:
    headers = callers.integration
    client.put("/v1/customers/anna", json={"id": "anna", "name": "Anna"}, headers=headers)
    body = {"id": "x", "product": "fridge", "customer_id": "anna", "name": "X"}
    answer = client.put("/v1/devices/x", json=body, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "product")
    assert "car, coffee_machine, freezer" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("error", "status"),
    [(ConflictError("it has moved on"), 409), (OperationalError("away"), 503), (ServiceError("?"), 500),
     (ZeroDivisionError("secret"), 500)],
)  # fmt: skip
def test_an_error_says_by_its_class_what_is_answered(
    app: FastAPI, client: TestClient, error: Exception, status: int
) -> None:
    @app.get("/boom")
    def boom() -> None:
        raise error

    answer = client.get("/boom")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert "secret" not in answer.text


def test_an_answer_never_promises_what_the_commit_refused(app: FastAPI, client: TestClient) -> None:
    @app.post("/broken")
    def broken(connection: Transaction) -> dict[str, str]:
        connection.execute("CREATE TEMPORARY TABLE later (id int UNIQUE DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP")
        connection.execute("INSERT INTO later VALUES (1), (1)")
        return {"status": "done"}

    answer = client.post("/broken")
    assert (answer.status_code, answer.json()["title"]) == (409, "Conflict")
