"""Registering devices, and their secrets. Answers hold secrets, so none is kept for an ``Idempotency-Key``."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body
from pydantic import BaseModel

from iot_service.api.auth import Current
from iot_service.api.dependencies import Now, TheCatalog, Transaction
from iot_service.api.resources.routing import resource
from iot_service.customers.fields import Reason
from iot_service.customers.inputs import DeviceInput, Input
from iot_service.errors import ConflictError, InvalidInputError
from iot_service.registry import credentials, register
from iot_service.registry.csv_import import import_devices
from iot_service.registry.new_device import NewDevice, mistakes
from iot_service.registry.registrations import Registration, registration
from iot_service.registry.store import QUERIES

router = resource("devices", keeps_answers=False)


class NewDeviceInput(DeviceInput):
    """A device to be registered; without ``secret`` it gets none, for one that comes with a client certificate."""

    secret: bool = True


class Issued(BaseModel):
    """A secret, shown this once: the device's password at the broker, and its token for HTTP."""

    device_id: str
    secret: str


class Registered(BaseModel):
    """A device that was just registered; ``secret`` is shown this once."""

    device: Registration
    secret: str | None


class Imported(BaseModel):
    """How many devices were registered, and their secrets, shown this once."""

    devices: int
    secrets: list[Issued]


class WhyInput(Input):
    """Why something is done."""

    reason: Reason


@router.post("", status_code=201)
def register_device(
    connection: Transaction, catalog: TheCatalog, principal: Current, now: Now, body: NewDeviceInput
) -> Registered:
    """Register a device and issue its secret."""
    if QUERIES["taken_ids"].all(connection, ids=[body.id]):
        raise ConflictError(f"device {body.id} is registered already")
    device = NewDevice(body.id, body.product, body.customer_id, body.site_id, body.name, body.parameters)
    for mistake in mistakes(connection, [device], catalog):
        raise InvalidInputError(mistake.message, field=mistake.field)
    secrets = register.register(
        connection, [device], catalog=catalog, actor=principal.actor, reason="the device was registered", now=now,
        with_secrets=body.secret,
    )  # fmt: skip
    return Registered(device=registration(connection, body.id), secret=secrets.get(body.id))


@router.post("/import", status_code=201)
def import_csv(
    connection: Transaction,
    catalog: TheCatalog,
    principal: Current,
    now: Now,
    body: Annotated[bytes, Body(media_type="text/csv")],
) -> Imported:
    """Register the devices of a CSV, all or none, and issue their secrets."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInputError("the body is no text in UTF-8") from None
    number, secrets = import_devices(
        connection, text, file="line", catalog=catalog, actor=principal.actor, now=now
    )  # fmt: skip
    return Imported(devices=number, secrets=[Issued(device_id=name, secret=text) for name, text in secrets.items()])


@router.post("/{device_id}/rotate")
def rotate(connection: Transaction, principal: Current, now: Now, device_id: str, body: WhyInput) -> Issued:
    """Issue a new secret; the one before ends at once, and a connection made by it at the broker's next reload."""
    secret = credentials.rotate(connection, device_id, reason=body.reason, actor=principal.actor, now=now)
    return Issued(device_id=device_id, secret=secret)
