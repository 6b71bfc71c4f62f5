"""Gateways: MQTT clients that speak for several devices. Operators only: their topics are wide."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from iot_service.api.auth import Current
from iot_service.api.dependencies import Now, Transaction
from iot_service.api.paging import AtPage, Page
from iot_service.api.principal import Role
from iot_service.api.resources.registry import WhyInput
from iot_service.api.resources.routing import resource
from iot_service.customers.fields import Id
from iot_service.customers.inputs import Input
from iot_service.registry import gateways
from iot_service.registry.gateways import Gateway

router = resource("gateways", Role.OPERATOR, keeps_answers=False)

Filters = Annotated[list[str], Field(max_length=50)]


class GatewayInput(Input):
    """A gateway to be registered, with the topic filters it may ``write`` to and ``read``."""

    id: Id
    write: Filters = Field(default_factory=list)
    read: Filters = Field(default_factory=list)


class TopicsInput(WhyInput):
    """Other topics for a gateway, and why."""

    write: Filters = Field(default_factory=list)
    read: Filters = Field(default_factory=list)


class FreshGateway(BaseModel):
    """A gateway whose ``secret`` was just made: it is shown this once."""

    gateway: Gateway
    secret: str


@router.get("")
def list_gateways(connection: Transaction, paging: AtPage) -> Page[Gateway]:
    """List gateways by id."""
    rows = gateways.list_gateways(connection, after=paging.after, limit=paging.fetch)
    return paging.page(rows, lambda gateway: gateway.id)


@router.post("", status_code=201)
def add_gateway(connection: Transaction, principal: Current, now: Now, body: GatewayInput) -> FreshGateway:
    """Register a gateway."""
    gateway, secret = gateways.add_gateway(
        connection, body.id, write=body.write, read=body.read, actor=principal.actor, now=now
    )  # fmt: skip
    return FreshGateway(gateway=gateway, secret=secret)


@router.get("/{gateway_id}")
def get_gateway(connection: Transaction, gateway_id: str) -> Gateway:
    """Return one gateway."""
    return gateways.get_gateway(connection, gateway_id)


@router.put("/{gateway_id}/topics")
def put_topics(connection: Transaction, principal: Current, now: Now, gateway_id: str, body: TopicsInput) -> Gateway:
    """Give a gateway other topics, instead of those it has."""
    said = {"reason": body.reason, "actor": principal.actor}
    gateways.set_topics(connection, gateway_id, write=body.write, read=body.read, **said, now=now)
    return gateways.get_gateway(connection, gateway_id)


@router.post("/{gateway_id}/rotate")
def rotate(connection: Transaction, principal: Current, now: Now, gateway_id: str, body: WhyInput) -> FreshGateway:
    """Issue a new secret; the one before ends at once."""
    secret = gateways.rotate_gateway(connection, gateway_id, reason=body.reason, actor=principal.actor, now=now)
    return FreshGateway(gateway=gateways.get_gateway(connection, gateway_id), secret=secret)


@router.post("/{gateway_id}/disable")
def disable(connection: Transaction, principal: Current, now: Now, gateway_id: str, body: WhyInput) -> Gateway:
    """Refuse a gateway from now on."""
    said = {"reason": body.reason, "actor": principal.actor}
    gateways.switch_gateway(connection, gateway_id, enabled=False, **said, now=now)
    return gateways.get_gateway(connection, gateway_id)


@router.post("/{gateway_id}/enable")
def enable(connection: Transaction, principal: Current, now: Now, gateway_id: str, body: WhyInput) -> Gateway:
    """Let a disabled gateway in again."""
    said = {"reason": body.reason, "actor": principal.actor}
    gateways.switch_gateway(connection, gateway_id, enabled=True, **said, now=now)
    return gateways.get_gateway(connection, gateway_id)
