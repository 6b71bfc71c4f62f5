"""Groups of devices that are treated alike, whoever owns them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from iot_service.api.auth import Current
from iot_service.api.dependencies import Now, Transaction
from iot_service.api.paging import AtPage, Page
from iot_service.api.principal import Role
from iot_service.api.resources.routing import resource
from iot_service.customers.fields import Id, Line
from iot_service.customers.inputs import Input
from iot_service.rules.overrides import groups, store

router = resource("device_groups", Role.OPERATOR)


class GroupInput(Input):
    """A group's name, and all devices that are in it."""

    name: Line
    devices: Annotated[tuple[Id, ...], Field(max_length=10_000)] = ()


class GroupOutput(BaseModel):
    """A group of devices."""

    id: str
    name: str
    created_at: datetime
    devices: list[str]


@router.get("")
def list_groups(connection: Transaction, paging: AtPage) -> Page[GroupOutput]:
    """List groups by id."""
    found = store.groups(connection, after=paging.after or "", limit=paging.fetch)
    return paging.page([_group(group) for group in found], lambda group: group.id)


@router.get("/{group_id}")
def get_group(connection: Transaction, group_id: str) -> GroupOutput:
    """Return one group."""
    return _group(groups.get_group(connection, group_id))


@router.put("/{group_id}")
def put_group(connection: Transaction, principal: Current, now: Now, group_id: str, body: GroupInput) -> GroupOutput:
    """Make a group, or one that is there consist of exactly these devices; those that come or go are judged anew."""
    group = groups.put_group(
        connection, group_id, name=body.name, devices=set(body.devices), actor=principal.actor, now=now
    )
    return _group(group)


@router.delete("/{group_id}", status_code=204)
def delete_group(connection: Transaction, principal: Current, now: Now, group_id: str) -> None:
    """Delete a group that overrides nothing."""
    groups.delete_group(connection, group_id, actor=principal.actor, now=now)


def _group(group: store.Group) -> GroupOutput:
    return GroupOutput(id=group.id, name=group.name, created_at=group.created_at, devices=list(group.devices))
