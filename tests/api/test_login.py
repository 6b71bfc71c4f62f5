from __future__ import annotations

import re
from datetime import timedelta

import pytest
from httpx import Response
from starlette.testclient import TestClient

from iot_service import clock
from iot_service.api.operators import add_operator
from iot_service.db import Database
from iot_service.errors import InvalidInputError
from tests.factories import NOW

PASSWORD = "correct horse battery"
OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(autouse=True)
def _operator(database: Database) -> None:
    with database.transaction() as connection:
        add_operator(connection, "Ola@Example.com ", "Ola", PASSWORD, NOW)


def log_in(client: TestClient, password: str = PASSWORD, email: str = "ola@example.com", page: str = "") -> Response:
    form = client.get("/login", params={"next": page})
    token = re.search(r'name="form_token" value="([^"]+)"', form.text)
    assert token is not None
    data = {"email": email, "password": password, "form_token": token[1], "next": page}
    answer: Response = client.post("/login", data=data, headers=OURS)
    return answer


def csrf(database: Database) -> str:
    with database.transaction() as connection:
        row = connection.execute("SELECT csrf_token FROM operator_session").fetchone()
    assert row is not None
    return str(row["csrf_token"])


def test_the_right_password_opens_a_session_whose_cookie_scripts_cannot_read(
    client: TestClient, database: Database
) -> None:
    answer = log_in(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/")
    cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith("iot_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    with database.transaction() as connection:
        stored = connection.execute("SELECT token_hash FROM operator_session").fetchall()
    assert len(stored) == 1
    assert client.cookies["iot_session"].encode() not in bytes(stored[0]["token_hash"])
    assert client.get("/v1/customers").status_code == 200


def test_over_https_the_cookie_is_secure_and_tied_to_the_host(client: TestClient) -> None:
    client.base_url = client.base_url.copy_with(scheme="https")
    answer = log_in(client)
    cookie = next(each for each in answer.headers.get_list("set-cookie") if "iot_session" in each)
    assert cookie.startswith("__Host-iot_session=")
    assert "Secure" in cookie
    assert "Path=/" in cookie


def test_a_wrong_password_and_an_unknown_address_are_told_alike(client: TestClient) -> None:
    wrong, unknown = log_in(client, "wrong"), log_in(client, email="nobody@example.com")
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    shown = [re.sub(r'value="[^"]*"', "", answer.text) for answer in (wrong, unknown)]
    assert shown[0] == shown[1]
    assert 'role="alert"' in wrong.text


def test_after_five_attempts_an_account_waits_even_with_the_right_password(client: TestClient) -> None:
    assert [log_in(client, "wrong").status_code for _ in range(5)] == [401] * 5
    slow = log_in(client)
    assert (slow.status_code, slow.headers["retry-after"]) == (429, "300")
    clock.freeze(NOW + timedelta(minutes=5))
    assert log_in(client).status_code == 303


def test_an_address_that_tries_many_accounts_waits_too(client: TestClient) -> None:
    tried = [log_in(client, "wrong", email=f"user{number}@example.com").status_code for number in range(21)]
    assert tried == [401] * 20 + [429]


def test_success_forgets_the_attempts_before_it(client: TestClient) -> None:
    for _ in range(4):
        log_in(client, "wrong")
    assert log_in(client).status_code == 303
    client.cookies.clear()
    assert log_in(client, "wrong").status_code == 401


def test_another_site_cannot_log_a_browser_in(client: TestClient) -> None:
    data = {"email": "ola@example.com", "password": PASSWORD, "form_token": "guessed"}
    assert client.post("/login", data=data, headers=OURS).status_code == 403
    form = client.get("/login")
    token = re.search(r'name="form_token" value="([^"]+)"', form.text)
    assert token is not None
    data["form_token"] = token[1]
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
        assert client.post("/login", data=data, headers=headers).status_code == 403
    assert client.post("/login", data=data, headers={"Origin": "http://testserver"}).status_code == 303


@pytest.mark.parametrize(
    ("page", "target"),
    [
        ("/console/devices/freezer-1", "/console/devices/freezer-1"),
        ("https://evil.example/", "/console/"),
        ("//evil.example", "/console/"),
        ("/console/../v1/tokens", "/console/"),
        ("/console\\@evil.example", "/console/"),
        ("/v1/tokens", "/console/"),
    ],
)
def test_a_login_leads_back_into_the_console_and_nowhere_else(client: TestClient, page: str, target: str) -> None:
    assert log_in(client, page=page).headers["location"] == target


def test_logging_out_takes_the_sessions_own_form(client: TestClient, database: Database) -> None:
    log_in(client)
    assert client.post("/logout", data={"csrf_token": "wrong"}, headers=OURS).status_code == 403
    token = csrf(database)
    assert (
        client.post("/logout", data={"csrf_token": token}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    )
    cookie = client.cookies["iot_session"]
    assert client.post("/logout", data={"csrf_token": token}, headers=OURS).headers["location"] == "/login"
    assert client.get("/v1/customers", headers={"Cookie": f"iot_session={cookie}"}).status_code == 401


def test_a_new_password_ends_every_session(client: TestClient, database: Database) -> None:
    log_in(client)
    with database.transaction() as connection:
        add_operator(connection, "ola@example.com", "Ola", "another long password", NOW)
    assert client.get("/v1/customers").status_code == 401
    assert log_in(client).status_code == 401
    assert log_in(client, "another long password").status_code == 303


def test_a_password_must_be_long_and_an_address_an_address(database: Database) -> None:
    with database.transaction() as connection:
        with pytest.raises(InvalidInputError, match="at least 12"):
            add_operator(connection, "kari@example.com", "Kari", "short", NOW)
        with pytest.raises(InvalidInputError, match="e-mail"):
            add_operator(connection, "kari", "Kari", PASSWORD, NOW)


def test_the_login_speaks_the_browsers_language(client: TestClient) -> None:
    assert 'lang="nb"' in client.get("/login", headers={"Accept-Language": "nb-NO,nb;q=0.9"}).text
    assert 'lang="en"' in client.get("/login", headers={"Accept-Language": "de"}).text
