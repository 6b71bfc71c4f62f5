"""Brokers that ask: each family in the shape that it speaks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from iot_service import clock
from iot_service.api.app import create_app
from iot_service.config import Settings
from iot_service.db import Database
from iot_service.engines.topic_rights import DEVICE_RIGHTS
from iot_service.links import Links
from iot_service.products.catalog import Catalog
from iot_service.registry import credentials, gateways, registrations
from tests.factories import NOW, make_home

HOOK = {"X-Broker-Secret": "what the broker shows us"}
SAID: dict[str, Any] = {"reason": "a test", "actor": "operator:1", "now": NOW}
RIGHTS = DEVICE_RIGHTS.also_writing(["tele/%u/SENSOR"])
MINE, OTHERS = "iot/v1/freezer-1/telemetry", "iot/v1/freezer-2/telemetry"


@pytest.fixture
def ask(database: Database, catalog: Catalog, links: Links, settings: Settings) -> Iterator[TestClient]:
    """A broker that asks, where Tasmota's topics are switched on."""
    secrets = {"broker_hook_secret": HOOK["X-Broker-Secret"], "mqtt_password": "the service's own"}
    update = {name: SecretStr(text) for name, text in secrets.items()}
    app = create_app(database, catalog, links, settings.model_copy(update=update), device_rights=RIGHTS)
    clock.freeze(NOW)
    with TestClient(app, raise_server_exceptions=False, headers=HOOK) as client:
        yield client


@pytest.fixture
def secret(database: Database) -> str:
    """The secret of freezer-1."""
    with database.transaction() as connection:
        make_home(connection)
        return credentials.rotate(connection, "freezer-1", **SAID)


def test_only_a_broker_that_shows_the_secret_is_answered(ask: TestClient, client: TestClient) -> None:
    body = {"username": "freezer-1", "password": "x"}
    assert ask.post("/v1/broker/auth", json=body).status_code == 200
    assert ask.post("/v1/broker/auth", json=body, headers={"X-Broker-Secret": "wrong"}).status_code == 401
    address = "/v1/broker/auth?secret=what%20the%20broker%20shows%20us"
    assert ask.post(address, json=body, headers={"X-Broker-Secret": ""}).status_code == 200
    for headers in ({}, {"X-Broker-Secret": ""}, HOOK):
        answer = client.post("/v1/broker/auth", json=body, headers=headers)
        assert answer.status_code == 401, "where none is set, nobody may ask"


def test_emqx_is_told_allow_or_deny(ask: TestClient, secret: str) -> None:
    def login(username: str | None, password: str | None) -> Any:
        answer = ask.post("/v1/broker/auth", json={"username": username, "password": password, "clientid": "x"})
        assert answer.status_code == 200
        return answer.json()

    assert login("freezer-1", secret) == {"result": "allow", "is_superuser": False}
    assert login("iot-service", "the service's own")["result"] == "allow"
    for username, password in (
        ("freezer-1", "wrong"), ("freezer-2", secret), ("iot-service", secret), (None, None), ("freezer-1", ""),
        ("gateway.freezer-1", secret), ("freezer-1\0", secret), ("x" * 1000, "y"),
    ):  # fmt: skip
        assert login(username, password) == {"result": "deny", "is_superuser": False}

    def use(action: str, topic: str, username: str = "freezer-1") -> str:
        body = {"username": username, "action": action, "topic": topic}
        verdict: str = ask.post("/v1/broker/acl", json=body).json()["result"]
        return verdict

    assert use("publish", MINE) == "allow"
    assert [use("publish", "tele/freezer-1/SENSOR"), use("publish", "tele/freezer-2/SENSOR")] == ["allow", "deny"]
    assert use("subscribe", "iot/v1/freezer-1/command") == "allow"
    assert [use("publish", OTHERS), use("subscribe", "#"), use("subscribe", "$SYS/#")] == ["deny"] * 3
    assert [use("publish", MINE, "nobody"), use("publish", MINE, "")] == ["deny"] * 2
    assert use("subscribe", "$share/ingest/iot/v1/#", "iot-service") == "allow"


def test_a_disabled_device_may_nothing_and_a_gateway_what_it_was_given(
    ask: TestClient, secret: str, database: Database
) -> None:
    with database.transaction() as connection:
        registrations.disable(connection, "freezer-1", **SAID)
        said: dict[str, Any] = {"actor": "operator:1", "now": NOW}
        gateway, key = gateways.add_gateway(connection, "edge", write=["plant/#"], read=[], **said)
    login = {"username": "freezer-1", "password": secret}
    assert ask.post("/v1/broker/auth", json=login).json()["result"] == "deny"
    use = {"username": "freezer-1", "action": "publish", "topic": MINE}
    assert ask.post("/v1/broker/acl", json=use).json()["result"] == "deny"
    login = {"username": gateway.username, "password": key}
    assert ask.post("/v1/broker/auth", json=login).json()["result"] == "allow"
    for topic, result in (("plant/pump", "allow"), (MINE, "deny"), ("plant/#", "deny")):
        use = {"username": gateway.username, "action": "publish", "topic": topic}
        assert ask.post("/v1/broker/acl", json=use).json()["result"] == result


@pytest.mark.parametrize("version", ["", "_m5"])
def test_vernemq_is_told_ok_or_not_allowed(ask: TestClient, secret: str, version: str) -> None:
    about = {"mountpoint": "", "client_id": "c", "username": "freezer-1", "peer_addr": "127.0.0.1", "peer_port": 1}

    def hook(name: str, **body: Any) -> Any:
        answer = ask.post("/v1/broker/vernemq", json={**about, **body}, headers={"vernemq-hook": name + version})
        assert answer.status_code == 200
        return answer.json()["result"]

    no = {"error": "not_allowed"}
    assert hook("auth_on_register", password=secret, clean_session=True) == "ok"
    assert hook("auth_on_register", password="wrong") == no
    assert hook("auth_on_register", username=None, password=None) == no
    assert hook("auth_on_publish", topic=MINE, qos=1, payload="eA==", retain=False) == "ok"
    assert hook("auth_on_publish", topic=OTHERS) == no
    mine = {"topic": "iot/v1/freezer-1/command", "qos": 1}
    assert hook("auth_on_subscribe", topics=[mine]) == "ok"
    assert hook("auth_on_subscribe", topics=[mine, {"topic": "#", "qos": 0}]) == no
    assert hook("on_something_else") == no


def test_rabbitmq_is_told_in_a_word(ask: TestClient, secret: str) -> None:
    def say(question: str, **fields: str) -> str:
        answer = ask.post(f"/v1/broker/rabbitmq/{question}", data={"username": "freezer-1", "vhost": "/", **fields})
        assert answer.headers["content-type"].startswith("text/plain")
        text: str = answer.text
        return text

    assert say("user", password=secret) == "allow"
    assert say("user", password="wrong") == "deny"
    assert say("vhost", ip="127.0.0.1") == "allow"
    assert say("vhost", username="nobody") == "deny"
    queue = "mqtt-subscription-freezer-1qos1"
    assert say("resource", resource="queue", name=queue, permission="configure") == "allow"
    assert say("resource", resource="queue", name=queue.replace("-1q", "-2q"), permission="read") == "deny"
    assert say("resource", resource="exchange", name="amq.topic", permission="write") == "allow"
    assert say("resource", resource="exchange", name="amq.topic", permission="configure") == "deny"
    assert say("resource", resource="exchange", name="amq.direct", permission="write") == "deny"
    topic = {"resource": "topic", "name": "amq.topic"}
    assert say("topic", **topic, permission="write", routing_key="iot.v1.freezer-1.telemetry") == "allow"
    assert say("topic", **topic, permission="write", routing_key="iot.v1.freezer-2.telemetry") == "deny"
    assert say("topic", **topic, permission="read", routing_key="iot.v1.freezer-1.command") == "allow"
    for key in ("#", "iot.v1.*.command", "iot.v1.freezer-1.#"):
        assert say("topic", **topic, permission="read", routing_key=key) == "deny"
    assert say("topic", username="iot-service", **topic, permission="read", routing_key="iot.v1.#") == "allow"


def test_mosquitto_go_auth_is_told_ok_or_not(ask: TestClient, secret: str) -> None:
    def say(question: str, **body: Any) -> bool:
        answer = ask.post(f"/v1/broker/go_auth/{question}", json={"username": "freezer-1", "clientid": "c", **body})
        assert (answer.status_code, set(answer.json())) == (200, {"ok", "error"})
        verdict: bool = answer.json()["ok"]
        return verdict

    assert say("user", password=secret)
    assert not say("user", password="wrong")
    assert not say("superuser")
    assert say("acl", topic=MINE, acc=2)
    assert not say("acl", topic=MINE, acc=1)
    assert not say("acl", topic=MINE, acc=3)
    assert not say("acl", topic=OTHERS, acc=2)
    assert say("acl", topic="iot/v1/freezer-1/command", acc=4)
    assert say("acl", topic="iot/v1/freezer-1/command", acc=1)
    assert not say("acl", topic="#", acc=4)
    assert not say("acl", topic=MINE, acc=99)
