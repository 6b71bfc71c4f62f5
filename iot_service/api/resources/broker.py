"""For brokers that ask: who may connect, publish and subscribe; each family in the shape that it speaks.

A question is always answered with 200 and a clear yes or no: some brokers take everything else for "ask the next one".
"""

from __future__ import annotations

import hmac
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Header, Query, Request
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from iot_service.api.auth import UnknownCallerError
from iot_service.api.broker_door import BrokerDoor
from iot_service.api.dependencies import TheSettings, Transaction

Shown = Annotated[str | None, Header(alias="X-Broker-Secret")]
InAddress = Annotated[str | None, Query(max_length=500)]
Field = Annotated[str, Form()]


def _is_our_broker(settings: TheSettings, shown: Shown = None, secret: InAddress = None) -> None:
    """Let only brokers ask, which show the secret in a header, or in the address where they cannot send headers."""
    expected = settings.broker_hook_secret.get_secret_value() if settings.broker_hook_secret else ""
    given = shown or secret or ""
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise UnknownCallerError("a broker shows IOT_BROKER_HOOK_SECRET as X-Broker-Secret")


def _door(request: Request, connection: Transaction, settings: TheSettings) -> BrokerDoor:
    password = settings.mqtt_password.get_secret_value() if settings.mqtt_password else None
    return BrokerDoor(connection, devices=request.app.state.device_rights, service_password=password)


Door = Annotated[BrokerDoor, Depends(_door)]
router = APIRouter(prefix="/v1/broker", tags=["broker"], dependencies=[Depends(_is_our_broker)])


class Login(BaseModel):
    """A client that wants to connect."""

    username: str | None = None
    password: str | None = None


class Use(BaseModel):
    """A client that wants to publish or subscribe."""

    username: str | None = None
    action: Literal["publish", "subscribe"]
    topic: str


class Verdict(BaseModel):
    """Yes or no, as EMQX reads it."""

    result: Literal["allow", "deny"]
    is_superuser: bool = False


class VerneTopic(BaseModel):
    """One topic of a subscription."""

    topic: str


class VerneQuestion(BaseModel):
    """What VerneMQ tells its hooks, as far as it matters here."""

    username: str | None = None
    password: str | None = None
    topic: str | None = None
    topics: list[VerneTopic] = []


class GoQuestion(BaseModel):
    """What mosquitto-go-auth asks; ``acc`` is 1 to receive, 2 to publish, 3 for both, 4 to subscribe."""

    username: str = ""
    password: str = ""
    topic: str = ""
    acc: int = 0


class GoAnswer(BaseModel):
    """Yes or no, as mosquitto-go-auth reads it."""

    ok: bool
    error: str = ""


@router.post("/auth")
def may_connect(door: Door, body: Login) -> Verdict:
    """Answer EMQX (and extensions of HiveMQ) whether a client may connect."""
    return Verdict(result="allow" if door.may_connect(body.username, body.password) else "deny")


@router.post("/acl")
def may_use(door: Door, body: Use) -> Verdict:
    """Answer EMQX (and extensions of HiveMQ) whether a client may publish to a topic or subscribe to a filter."""
    rights = door.rights_of(body.username)
    allowed = rights.may_publish(body.topic) if body.action == "publish" else rights.may_subscribe(body.topic)
    return Verdict(result="allow" if allowed else "deny")


@router.post("/vernemq")
def vernemq(
    door: Door, body: VerneQuestion, hook: Annotated[str, Header(alias="vernemq-hook")]
) -> dict[str, str | dict[str, str]]:
    """Answer the hooks auth_on_register, auth_on_publish and auth_on_subscribe, and those of MQTT 5, of VerneMQ."""
    name = hook.removesuffix("_m5")
    rights = door.rights_of(body.username)
    allowed = (
        (name == "auth_on_register" and door.may_connect(body.username, body.password))
        or (name == "auth_on_publish" and rights.may_publish(body.topic or ""))
        or (name == "auth_on_subscribe" and all(rights.may_subscribe(each.topic) for each in body.topics))
    )
    return {"result": "ok" if allowed else {"error": "not_allowed"}}


@router.post("/rabbitmq/{question}")
def rabbitmq(
    door: Door,
    question: Literal["user", "vhost", "resource", "topic"],
    username: Field,
    password: Field = "",
    resource: Field = "",
    name: Field = "",
    permission: Field = "",
    routing_key: Field = "",
) -> PlainTextResponse:
    """Answer RabbitMQ's HTTP backend; its MQTT clients must use their user name as client id."""
    if question == "user":
        allowed = door.may_connect(username, password)
    elif question == "vhost":
        allowed = door.is_known(username)
    elif question == "resource":
        allowed = door.may_use_amqp(username, resource, name, permission)
    else:
        allowed = door.may_route(username, routing_key, permission)
    return PlainTextResponse("allow" if allowed else "deny")


@router.post("/go_auth/{question}")
def go_auth(door: Door, question: Literal["user", "superuser", "acl"], body: GoQuestion) -> GoAnswer:
    """Answer mosquitto-go-auth's HTTP backend (parameters and answers as JSON)."""
    if question == "user":
        allowed = door.may_connect(body.username, body.password)
    elif question == "superuser":
        allowed = False
    else:
        rights = door.rights_of(body.username)
        allowed = {
            1: rights.may_receive(body.topic),
            2: rights.may_publish(body.topic),
            3: rights.may_receive(body.topic) and rights.may_publish(body.topic),
            4: rights.may_subscribe(body.topic),
        }.get(body.acc, False)
    return GoAnswer(ok=allowed, error="" if allowed else "not allowed")
