"""A device that is about to be registered, and what may be wrong with it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from iot_service.db import Connection
from iot_service.engines.topic_rights import SERVICE_USER
from iot_service.model.device import DEVICE_ID
from iot_service.products.catalog import Catalog
from iot_service.registry.store import QUERIES

_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class NewDevice:
    """What is said of a device when it is registered; ``parameters`` are numbers of this very device for its rules."""

    id: str
    product: str
    customer_id: str
    site_id: str | None = None
    name: str = ""
    parameters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with one of several devices: its ``place`` among them (from 0), the field, what would be right."""

    place: int
    field: str
    message: str


def mistakes(connection: Connection, devices: Sequence[NewDevice], catalog: Catalog) -> list[Mistake]:
    """Return all that is wrong with ``devices``, in order; an id that is taken is wrong too."""
    asked = {device.customer_id for device in devices}
    customers = {row["id"] for row in QUERIES["known_customers"].all(connection, ids=list(asked))}
    named = {device.site_id for device in devices if device.site_id is not None}
    sites = {row["id"]: row["customer_id"] for row in QUERIES["known_sites"].all(connection, ids=list(named))}
    ids = [device.id for device in devices]
    taken = {row["id"] for row in QUERIES["taken_ids"].all(connection, ids=ids)}
    first: dict[str, int] = {}
    found = []
    for place, device in enumerate(devices):
        found += [Mistake(place, name, message) for name, message in _own_mistakes(device, catalog)]
        if first.setdefault(device.id, place) != place:
            found.append(Mistake(place, "id", f"{device.id!r} stands twice; keep one"))
        if device.id in taken:
            found.append(Mistake(place, "id", f"{device.id!r} is registered already"))
        if device.customer_id not in customers:
            found.append(Mistake(place, "customer_id", f"there is no customer {device.customer_id!r}; create it first"))
        elif device.site_id is not None and sites.get(device.site_id) != device.customer_id:
            found.append(Mistake(place, "site_id", f"the customer has no site {device.site_id!r}; create it first"))
    return found


def _own_mistakes(device: NewDevice, catalog: Catalog) -> Iterator[tuple[str, str]]:
    if DEVICE_ID.fullmatch(device.id) is None:
        yield "id", f"{device.id!r} is no id: letters, digits, - and _, 1 to 64 of them"
    if device.id == SERVICE_USER:
        yield "id", f"{SERVICE_USER} is the service's own name at the broker"
    name = device.name
    if len(name) > _LONGEST_NAME or not name.isprintable() or not name.strip():
        yield "name", f"must be one line of 1 to {_LONGEST_NAME} characters"
    product = catalog.products.get(device.product)
    if product is None:
        known = ", ".join(sorted(catalog.products))
        yield "product", f"there is no product model {device.product!r}; known are {known}"
        return
    for parameter, value in device.parameters.items():
        if parameter not in product.parameters:
            known = ", ".join(sorted(product.parameters)) or "none"
            yield f"parameters.{parameter}", f"a {device.product} has no such parameter; known are {known}"
        elif not math.isfinite(value):
            yield f"parameters.{parameter}", "must be a number"
