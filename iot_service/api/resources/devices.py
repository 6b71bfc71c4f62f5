"""Devices: what they are, what they report, and where they stand in their life."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import Response
from pydantic import BaseModel

from iot_service.api.auth import Current
from iot_service.api.dependencies import Now, TheCatalog, Transaction
from iot_service.api.paging import AtPage, Page
from iot_service.api.resources.routing import resource, same_id, say
from iot_service.api.store import QUERIES
from iot_service.customers import store
from iot_service.customers.fields import Line
from iot_service.customers.inputs import DeviceInput, Input
from iot_service.model.device import Device, ServiceState
from iot_service.rules.service_state import set_service_state

router = resource("devices")


class ReadingOutput(BaseModel):
    """One measured value, in the metric's unit."""

    metric: str
    ts: datetime
    value: float


class AttributeOutput(BaseModel):
    """One reported text, or list of texts."""

    name: str
    ts: datetime
    value: Any


class TwinReading(ReadingOutput):
    """The newest value of a metric; ``stale``: the device has been offline since it was measured."""

    stale: bool


class TwinAttribute(AttributeOutput):
    """The newest value of an attribute; ``stale``: the device has been offline since it was reported."""

    stale: bool


class TwinOutput(BaseModel):
    """The newest known value of each metric and attribute; ``online`` is null where the device never said.

    The twin of a device that is offline is ``stale``: its values may not hold any more, since ``stale_since``.
    """

    device_id: str
    readings: list[TwinReading]
    attributes: list[TwinAttribute]
    online: bool | None
    online_since: datetime | None
    stale: bool
    stale_since: datetime | None


class DeadLetterOutput(BaseModel):
    """One message that was not understood: why, and its payload as text (cut after 2000 bytes)."""

    id: int
    received_at: datetime
    topic: str
    device_id: str | None
    payload: str
    reason: str
    detail: str


class ServiceStateInput(Input):
    """Where a device shall stand, and why."""

    state: ServiceState
    reason: Line


@router.get("")
def list_devices(connection: Transaction, paging: AtPage, customer_id: str | None = None) -> Page[Device]:
    """List devices by id, of one customer or of all."""
    rows = store.list_devices(connection, customer_id=customer_id, after=paging.after, limit=paging.fetch)
    return paging.page(rows, lambda device: device.id)


@router.get("/{device_id}")
def get_device(connection: Transaction, device_id: str) -> Device:
    """Return one device."""
    return store.get_device(connection, device_id)


@router.put("/{device_id}")
def put_device(
    connection: Transaction,
    catalog: TheCatalog,
    principal: Current,
    now: Now,
    response: Response,
    device_id: str,
    body: DeviceInput,
) -> Device:
    """Create or change a device; its service state is changed at an address of its own."""
    same_id(device_id, body.id)
    say(response, store.put_device(connection, body, catalog=catalog, actor=principal.actor, now=now))
    return store.get_device(connection, device_id)


@router.put("/{device_id}/service_state")
def put_service_state(
    connection: Transaction,
    catalog: TheCatalog,
    principal: Current,
    now: Now,
    device_id: str,
    body: ServiceStateInput,
) -> Device:
    """Take a device out of service (its open needs are withdrawn) or back."""
    said = {"reason": body.reason, "actor": principal.actor}
    set_service_state(connection, device_id, body.state, **said, now=now, catalog=catalog)
    return store.get_device(connection, device_id)


@router.get("/{device_id}/twin")
def get_twin(connection: Transaction, catalog: TheCatalog, device_id: str) -> TwinOutput:
    """Return the newest known value of everything the device reports."""
    device = store.get_device(connection, device_id)
    product = catalog.products.get(device.product)
    metrics = list(product.metrics) if product else []
    readings = QUERIES["newest_reading"].all(connection, device_id=device_id, metrics=metrics)
    attributes = QUERIES["newest_attributes"].all(connection, device_id=device_id)
    online = QUERIES["device_connection"].first(connection, device_id=device_id)
    stale_since = online["since"] if online and not online["online"] else None

    def is_stale(row: dict[str, Any]) -> bool:
        return stale_since is not None and row["ts"] <= stale_since

    return TwinOutput(
        device_id=device_id,
        readings=[TwinReading(**row, stale=is_stale(row)) for row in readings],
        attributes=[TwinAttribute(**row, stale=is_stale(row)) for row in attributes],
        online=online["online"] if online else None,
        online_since=online["since"] if online else None,
        stale=stale_since is not None,
        stale_since=stale_since,
    )


@router.get("/{device_id}/dead_letters")
def list_dead_letters_of(connection: Transaction, paging: AtPage, device_id: str) -> Page[DeadLetterOutput]:
    """List the device's messages that were not understood, newest first; the device need not be registered."""
    rows = QUERIES["dead_letters"].all(
        connection, device_id=device_id, reason=None, before=paging.before, limit=paging.fetch
    )
    return paging.page([DeadLetterOutput(**row) for row in rows], lambda letter: letter.id)
