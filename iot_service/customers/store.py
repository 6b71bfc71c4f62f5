"""The registry of customers, their sites and their devices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from iot_service.customers.change import Change, change_of
from iot_service.customers.inputs import CustomerInput, DeviceInput, SiteInput
from iot_service.db import Connection, Jsonb, load_queries
from iot_service.db.events import record
from iot_service.engines.topic_rights import SERVICE_USER
from iot_service.errors import InvalidInputError, NotFoundError
from iot_service.model.customer import Customer, Locale, Site
from iot_service.model.device import Device, ServiceState
from iot_service.model.event import Event, EventType
from iot_service.products.catalog import Catalog

_QUERIES = load_queries("iot_service.customers")


def put_customer(connection: Connection, customer: CustomerInput, *, now: datetime) -> Change:
    """Create or change a customer."""
    return change_of(_QUERIES["put_customer"].first(connection, **customer.model_dump(), now=now))


def get_customer(connection: Connection, customer_id: str) -> Customer:
    """Return one customer. Raises NotFoundError."""
    row = _QUERIES["customer"].first(connection, id=customer_id)
    if row is None:
        raise NotFoundError(f"there is no customer {customer_id!r}")
    return _customer(row)


def list_customers(connection: Connection, *, after: str | None, limit: int) -> list[Customer]:
    """Return up to ``limit`` customers by id, those after ``after``."""
    return [_customer(row) for row in _QUERIES["customers"].all(connection, after=after, limit=limit)]


def put_site(connection: Connection, site: SiteInput) -> Change:
    """Create or change a site. Raises InvalidInputError for an unknown customer, or where the site is another's."""
    if _QUERIES["customer"].first(connection, id=site.customer_id) is None:
        raise InvalidInputError(f"there is no customer {site.customer_id!r}; create it first", field="customer_id")
    before = _QUERIES["site"].first(connection, id=site.id)
    if before is not None and before["customer_id"] != site.customer_id:
        raise InvalidInputError("a site stays with its customer; choose another id", field="customer_id")
    return change_of(_QUERIES["put_site"].first(connection, **site.model_dump()))


def get_site(connection: Connection, site_id: str) -> Site:
    """Return one site. Raises NotFoundError."""
    row = _QUERIES["site"].first(connection, id=site_id)
    if row is None:
        raise NotFoundError(f"there is no site {site_id!r}")
    return Site(**row)


def list_sites(connection: Connection, *, customer_id: str | None, after: str | None, limit: int) -> list[Site]:
    """Return up to ``limit`` sites by id, those after ``after``, of one customer or of all."""
    rows = _QUERIES["sites"].all(connection, customer_id=customer_id, after=after, limit=limit)
    return [Site(**row) for row in rows]


def put_device(connection: Connection, device: DeviceInput, *, catalog: Catalog, actor: str, now: datetime) -> Change:
    """Create or change a device; a new one begins in commissioning where its product model knows a normal range.

    Rules judge a device with other parameters at once, by its last readings.
    Raises InvalidInputError for an unknown product, parameter, customer or site, and where the device is known as
    another product or with another customer.
    """
    _check_device(connection, device, catalog)
    before = _QUERIES["device"].first(connection, id=device.id)
    for name in ("product", "customer_id"):
        if before is not None and before[name] != getattr(device, name):
            raise InvalidInputError(f"a device keeps its {name}, here {before[name]!r}; choose another id", field=name)
    has_range = catalog.products[device.product].in_service_when is not None
    state = ServiceState.COMMISSIONING if has_range else ServiceState.IN_SERVICE
    if before is not None and before["parameters"] != device.parameters:
        # Before the device's row, in the order in which the rules hold the two: nobody waits for each other.
        _QUERIES["wake_rules"].run(connection, device_id=device.id, now=now)
    values = {**device.model_dump(), "parameters": Jsonb(device.parameters)}
    change = change_of(_QUERIES["put_device"].first(connection, **values, service_state=state, now=now))
    if change is Change.CREATED:
        _QUERIES["add_rule_state"].run(connection, device_id=device.id)
        event = Event(
            type=EventType.DEVICE_COMMISSIONING if has_range else EventType.DEVICE_IN_SERVICE,
            at=now,
            subject_id=device.id,
            device_id=device.id,
            customer_id=device.customer_id,
            new=state,
            reason="the device was registered",
            actor=actor,
        )
        record(connection, event)
    return change


def get_device(connection: Connection, device_id: str) -> Device:
    """Return one device. Raises NotFoundError."""
    row = _QUERIES["device"].first(connection, id=device_id)
    if row is None:
        raise NotFoundError(f"there is no device {device_id!r}")
    return _device(row)


def list_devices(connection: Connection, *, customer_id: str | None, after: str | None, limit: int) -> list[Device]:
    """Return up to ``limit`` devices by id, those after ``after``, of one customer or of all."""
    rows = _QUERIES["devices"].all(connection, customer_id=customer_id, after=after, limit=limit)
    return [_device(row) for row in rows]


def _check_device(connection: Connection, device: DeviceInput, catalog: Catalog) -> None:
    if device.id == SERVICE_USER:
        raise InvalidInputError(f"{SERVICE_USER} is the service's own name at the broker; choose another", field="id")
    product = catalog.products.get(device.product)
    if product is None:
        known = ", ".join(sorted(catalog.products))
        raise InvalidInputError(f"there is no product model {device.product!r}; known are {known}", field="product")
    for name in device.parameters:
        if name not in product.parameters:
            known = ", ".join(sorted(product.parameters)) or "none"
            raise InvalidInputError(
                f"a {device.product} has no parameter {name!r}; known are {known}", field=f"parameters.{name}"
            )
    if _QUERIES["customer"].first(connection, id=device.customer_id) is None:
        raise InvalidInputError(f"there is no customer {device.customer_id!r}; create it first", field="customer_id")
    if device.site_id is not None:
        site = _QUERIES["site"].first(connection, id=device.site_id)
        if site is None or site["customer_id"] != device.customer_id:
            raise InvalidInputError(f"the customer has no site {device.site_id!r}; create it first", field="site_id")


def _customer(row: dict[str, Any]) -> Customer:
    return Customer(**{**row, "locale": Locale(row["locale"])})


def _device(row: dict[str, Any]) -> Device:
    return Device(**{**row, "service_state": ServiceState(row["service_state"])})
