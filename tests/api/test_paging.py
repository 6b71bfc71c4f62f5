from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from iot_service.db import Database
from tests.api.callers import Callers
from tests.factories import make_customer, make_home, make_need


def test_a_list_is_walked_page_by_page_without_gap_or_double(
    client: TestClient, callers: Callers, database: Database
) -> None:
    with database.transaction() as connection:
        for number in range(7):
            make_customer(connection, id=f"customer-{number}")
    headers, seen, cursor = callers.integration, [], None
    sizes = []
    while True:
        parameters = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = client.get("/v1/customers", params=parameters, headers=headers).json()
        seen += [item["id"] for item in page["items"]]
        sizes.append(len(page["items"]))
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == [f"customer-{number}" for number in range(7)]
    assert sizes == [3, 3, 1]


def test_newest_first_lists_walk_backwards(client: TestClient, callers: Callers, database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        ids = [make_need(connection, rule=f"rule{number}")["id"] for number in range(4)]
    headers = callers.integration
    first = client.get("/v1/needs", params={"limit": 2}, headers=headers).json()
    second = client.get("/v1/needs", params={"limit": 2, "cursor": first["next_cursor"]}, headers=headers).json()
    assert [need["id"] for need in first["items"] + second["items"]] == ids[::-1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize("cursor", ["%%%", "abc", "YWJj", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
def test_a_cursor_that_is_none_is_named(client: TestClient, callers: Callers, cursor: str) -> None:
    answer = client.get("/v1/needs", params={"cursor": cursor}, headers=callers.integration)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")
