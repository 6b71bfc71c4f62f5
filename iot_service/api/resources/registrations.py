"""What the registry knows of a device: who may speak for it, whose it is, and what else it is called."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from iot_service.api.auth import Current
from iot_service.api.dependencies import Now, Transaction
from iot_service.api.disabling import disable_device
from iot_service.api.paging import AtPage, Page
from iot_service.api.resources.registry import WhyInput
from iot_service.api.resources.routing import resource
from iot_service.customers.fields import Id
from iot_service.model.device import ServiceState
from iot_service.registry import aliases, registrations
from iot_service.registry.registrations import Registration

router = resource("registrations")


class MoveInput(WhyInput):
    """Whose a device shall be, where it shall stand, and why."""

    customer_id: Id
    site_id: Id | None = None


class AliasInput(WhyInput):
    """Another name of a device, and why."""

    alias: Annotated[str, StringConstraints(min_length=1, max_length=200)]


@router.get("")
def list_registrations(
    connection: Transaction,
    paging: AtPage,
    customer_id: str | None = None,
    product: str | None = None,
    state: ServiceState | None = None,
    disabled: bool | None = None,
) -> Page[Registration]:
    """List devices by id, of one customer, product or service state, disabled or not."""
    rows = registrations.registrations(
        connection, customer_id=customer_id, product=product, state=state, disabled=disabled, after=paging.after,
        limit=paging.fetch,
    )  # fmt: skip
    return paging.page(rows, lambda row: row.id)


@router.get("/{device_id}")
def get_registration(connection: Transaction, device_id: str) -> Registration:
    """Return one device."""
    return registrations.registration(connection, device_id)


@router.post("/{device_id}/disable")
def disable(connection: Transaction, principal: Current, now: Now, device_id: str, body: WhyInput) -> Registration:
    """Refuse a device from now on, and take it out of service."""
    disable_device(connection, device_id, reason=body.reason, actor=principal.actor, now=now)
    return registrations.registration(connection, device_id)


@router.post("/{device_id}/enable")
def enable(connection: Transaction, principal: Current, now: Now, device_id: str, body: WhyInput) -> Registration:
    """Let a disabled device in again; it is put back in service apart from that."""
    registrations.enable(connection, device_id, reason=body.reason, actor=principal.actor, now=now)
    return registrations.registration(connection, device_id)


@router.post("/{device_id}/move")
def move(connection: Transaction, principal: Current, now: Now, device_id: str, body: MoveInput) -> Registration:
    """Give a device to another customer, with whom nothing is under way, or to another site."""
    registrations.move(
        connection, device_id, customer_id=body.customer_id, site_id=body.site_id, reason=body.reason,
        actor=principal.actor, now=now,
    )  # fmt: skip
    return registrations.registration(connection, device_id)


@router.post("/{device_id}/aliases")
def add_alias(connection: Transaction, principal: Current, now: Now, device_id: str, body: AliasInput) -> Registration:
    """Let another name stand for the device."""
    aliases.add_alias(connection, device_id, body.alias, reason=body.reason, actor=principal.actor, now=now)
    return registrations.registration(connection, device_id)


@router.delete("/{device_id}/aliases/{alias:path}")
def remove_alias(connection: Transaction, principal: Current, now: Now, device_id: str, alias: str) -> Registration:
    """Take a name back."""
    aliases.remove_alias(connection, device_id, alias, reason="asked for", actor=principal.actor, now=now)
    return registrations.registration(connection, device_id)
