"""Telemetry and dead letters over HTTP: who may, what is answered, what is kept."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from iot_service.api.principal import Role
from iot_service.config import load_settings
from iot_service.db import Database
from iot_service.ingest.formats.router import Router, load_formats
from iot_service.products.catalog import load_catalog
from tests.api.callers import Callers, Headers
from tests.factories import NOW, make_device, make_home
from tests.ingest.rows import count, rows
from tests.metrics.figures import figure

TELEMETRY = "/v1/devices/freezer-1/telemetry"
MILLIS = int(NOW.timestamp() * 1000)
GOOD = {"ts": MILLIS, "values": {"temperature": -70.5}}
SENML = "application/senml+json"


@pytest.fixture
def device(database: Database, callers: Callers) -> Headers:
    with database.transaction() as connection:
        make_home(connection)
        make_device(connection, id="freezer-2")
    return callers.device()


def test_a_device_posts_its_telemetry_with_its_own_secret(
    client: TestClient, device: Headers, database: Database
) -> None:
    answer = client.post(TELEMETRY, json=GOOD, headers=device)
    assert (answer.status_code, answer.json()) == (200, {"stored": 1, "faults": [], "fault_count": 0})
    assert rows(database, "reading", "device_id", "metric", "value") == [("freezer-1", "temperature", -70.5)]
    secret = device["Authorization"].removeprefix("Bearer ")
    basic = {"Authorization": "Basic " + base64.b64encode(f"freezer-1:{secret}".encode()).decode()}
    assert client.post("/v1/devices/freezer-1/events", json={"name": "Opened"}, headers=basic).json()["stored"] == 1


def test_senml_and_gzip_are_understood(client: TestClient, device: Headers, database: Database) -> None:
    pack = [{"bn": "freezer-1/", "bt": MILLIS / 1000, "n": "door", "v": 1}]
    assert (
        client.post(TELEMETRY, content=json.dumps(pack), headers=device | {"Content-Type": SENML}).json()["stored"] == 1
    )
    packed = device | {"Content-Encoding": "gzip", "Content-Type": "application/json; charset=utf-8"}
    assert (
        client.post(TELEMETRY, content=gzip.compress(json.dumps(GOOD).encode()), headers=packed).json()["stored"] == 1
    )
    assert [row[0] for row in rows(database, "reading", "metric")] == ["door", "temperature"]


def test_it_is_counted_with_all_other_telemetry(client: TestClient, device: Headers) -> None:
    names = {
        "iot_ingest_messages_total": {}, "iot_ingest_readings_total": {},
        "iot_ingest_dead_letters_total": {"reason": "unknown_metric"},
    }  # fmt: skip
    before = [figure(name, **labels) for name, labels in names.items()]
    client.post(TELEMETRY, json={"ts": MILLIS, "values": {"door": 1, "temperature": -70, "window": 1}}, headers=device)
    client.post(TELEMETRY, json={"ts": MILLIS, "values": {"window": 1}}, headers=device)
    client.post(TELEMETRY, json={"ts": MILLIS, "values": {"door": 1}}, headers={"Authorization": "Bearer wrong"})
    after = [figure(name, **labels) for name, labels in names.items()]
    assert [new - old for new, old in zip(after, before, strict=True)] == [2, 2, 2]


def test_what_is_partly_good_is_told_part_by_part(client: TestClient, device: Headers, database: Database) -> None:
    answer = client.post(TELEMETRY, json={"ts": MILLIS, "values": {"door": 1, "window": 1}}, headers=device)
    assert answer.status_code == 200
    (fault,) = answer.json()["faults"]
    assert (answer.json()["stored"], fault["reason"]) == (1, "unknown_metric")
    assert "temperature" in fault["detail"]
    assert count(database, "dead_letter") == 1


@pytest.mark.parametrize(
    ("content", "headers", "status", "said"),
    [
        (b"{", {}, 422, "not JSON"), (b'{"values": {"window": 1}}', {}, 422, "window"), (b"", {}, 422, "JSON"),
        (b" " * 262_145, {}, 413, "262144"),
        (gzip.compress(bytes(5_000_000)), {"Content-Encoding": "gzip"}, 413, "262144"),
        (json.dumps([{"values": {"door": 1}}] * 10_001).encode(), {}, 413, "10000"),
        (b"{}", {"Content-Encoding": "gzip"}, 422, "gzip"), (b"{}", {"Content-Encoding": "br"}, 415, "gzip"),
        (b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "application/json"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_says_what_would_be_right(
    client: TestClient, device: Headers, content: bytes, headers: Headers, status: int, said: str
) -> None:
    answer = client.post(TELEMETRY, content=content, headers=device | {"Content-Type": "application/json"} | headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]


def test_dead_letters_are_kept_although_the_answer_is_an_error(
    client: TestClient, device: Headers, database: Database
) -> None:
    answer = client.post(TELEMETRY, json={"values": {"window": 1, "door": 9}}, headers=device)
    assert answer.status_code == 422
    assert {error["reason"] for error in answer.json()["errors"]} == {"unknown_metric", "out_of_range"}
    assert count(database, "dead_letter") == 2


def test_only_the_device_itself_and_staff_may_post(
    client: TestClient, device: Headers, callers: Callers, database: Database
) -> None:
    others: list[tuple[dict[str, Any], int]] = [
        ({}, 401), ({"Authorization": "Bearer wrong"}, 401), (callers.device("freezer-2"), 401),
        (callers.customer(), 403),
        ({"Authorization": "Basic " + base64.b64encode(b"freezer-1:wrong").decode()}, 401),
    ]  # fmt: skip
    for headers, status in others:
        assert client.post(TELEMETRY, json=GOOD, headers=headers).status_code == status
    with database.transaction() as connection:
        connection.execute("UPDATE device SET disabled_at = %s WHERE id = 'freezer-2'", [NOW])
    disabled = client.post("/v1/devices/freezer-2/telemetry", json=GOOD, headers=callers.device("freezer-2"))
    assert disabled.status_code in {401, 403}
    assert count(database, "reading") == 0
    assert client.post(TELEMETRY, json=GOOD, headers=callers.integration).json()["stored"] == 1
    assert client.post("/v1/devices/nobody/telemetry", json=GOOD, headers=callers.operator).status_code == 404


def test_an_operator_replays_a_dead_letter(
    client: TestClient, device: Headers, callers: Callers, database: Database
) -> None:
    with database.transaction() as connection:
        for payload in (GOOD, {"values": {"window": 1}}):
            connection.execute(
                "INSERT INTO dead_letter (received_at, topic, device_id, payload, reason, detail)"
                " VALUES (%s, 'iot/v1/freezer-1/telemetry', 'freezer-1', %s, 'unknown_device', 'add it first')",
                [NOW, json.dumps(payload).encode()],
            )
    headers = callers.operator
    bad, good = [
        item["id"] for item in client.get("/v1/dead_letters?reason=unknown_device", headers=headers).json()["items"]
    ]
    answer = client.post(f"/v1/dead_letters/{good}/replay", headers=headers)
    assert answer.json() == {"outcome": "stored", "faults": []}
    assert count(database, "reading") == 1
    failed = client.post(f"/v1/dead_letters/{bad}/replay", headers=headers).json()
    assert (failed["outcome"], failed["faults"][0]["reason"]) == ("failed again", "unknown_metric")
    assert client.post(f"/v1/dead_letters/{good}/replay", headers=headers).status_code == 404
    assert client.get("/v1/dead_letters?reason=unknown_device", headers=headers).json()["items"] == []
    assert client.post(f"/v1/dead_letters/{bad}/replay", headers=callers.token(Role.INTEGRATION)).status_code == 403


def test_a_letter_of_another_format_is_replayed_as_that_or_it_is_said_why_not(
    app: FastAPI, client: TestClient, device: Headers, callers: Callers, database: Database
) -> None:
    app.state.router = Router(load_formats(load_settings(formats="tasmota"), load_catalog()))
    letters = [("tele/freezer-1/SENSOR", b'{"Switch1": "ON"}'), ("spBv1.0/g/NDATA/n", b"\x08\x01")]
    with database.transaction() as connection:
        for topic, payload in letters:
            connection.execute(
                "INSERT INTO dead_letter (received_at, topic, payload, reason, detail)"
                " VALUES (%s, %s, %s, 'refused', '')",
                [NOW, topic, payload],
            )
    headers = callers.operator
    sparkplug, tasmota = [item["id"] for item in client.get("/v1/dead_letters", headers=headers).json()["items"]]
    assert client.post(f"/v1/dead_letters/{tasmota}/replay", headers=headers).json()["outcome"] == "stored"
    assert rows(database, "reading", "metric", "value") == [("door", 1.0)]
    answer = client.post(f"/v1/dead_letters/{sparkplug}/replay", headers=headers).json()
    assert answer["outcome"] == "left as it was"
    assert "ask the edge node for its births" in answer["faults"][0]["detail"]
