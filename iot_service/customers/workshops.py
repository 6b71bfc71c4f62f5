"""The registry of workshops with their bays, and of technicians."""

from __future__ import annotations

from typing import Any

from iot_service.customers.change import Change, change_of
from iot_service.customers.inputs import TechnicianInput, WorkshopInput
from iot_service.db import Connection, Jsonb, load_queries
from iot_service.errors import InvalidInputError, NotFoundError
from iot_service.products.catalog import Catalog

_QUERIES = load_queries("iot_service.customers")


def put_workshop(connection: Connection, workshop: WorkshopInput, *, catalog: Catalog) -> Change:
    """Create or change a workshop with its bays; a bay that is no longer named takes no new bookings.

    Raises InvalidInputError for an unknown product model.
    """
    for product in workshop.products:
        if product not in catalog.products:
            known = ", ".join(sorted(catalog.products))
            raise InvalidInputError(f"there is no product model {product!r}; known are {known}", field="products")
    values = {**workshop.model_dump(exclude={"bays"}), "opening_hours": Jsonb(workshop.opening_hours)}
    row = _QUERIES["put_workshop"].first(connection, **values)
    bays = [_QUERIES["put_bay"].first(connection, workshop_id=workshop.id, name=name) for name in workshop.bays]
    retired = _QUERIES["retire_bays"].run(connection, workshop_id=workshop.id, names=workshop.bays)
    return change_of(row, also=any(bays) or retired > 0)


def get_workshop(connection: Connection, workshop_id: str) -> dict[str, Any]:
    """Return one workshop with the names of its bays in use. Raises NotFoundError."""
    row = _QUERIES["workshop"].first(connection, id=workshop_id)
    if row is None:
        raise NotFoundError(f"there is no workshop {workshop_id!r}")
    return row


def list_workshops(connection: Connection, *, after: str | None, limit: int) -> list[dict[str, Any]]:
    """Return up to ``limit`` workshops by id, those after ``after``."""
    return _QUERIES["workshops"].all(connection, after=after, limit=limit)


def put_technician(connection: Connection, technician: TechnicianInput) -> Change:
    """Create or change a technician. Raises InvalidInputError for an unknown workshop."""
    if technician.workshop_id is not None and not _QUERIES["workshop"].first(connection, id=technician.workshop_id):
        raise InvalidInputError(
            f"there is no workshop {technician.workshop_id!r}; create it first", field="workshop_id"
        )
    resource = {"workshop_id": technician.workshop_id, "name": technician.name}
    before = _QUERIES["technician"].first(connection, id=technician.id)
    moved = False
    if before is None:
        resource_id = _QUERIES["add_technician_resource"].one(connection, **resource)["id"]
    else:
        resource_id = before["resource_id"]
        moved = _QUERIES["change_technician_resource"].run(connection, id=resource_id, **resource) > 0
    values = technician.model_dump(exclude={"workshop_id"})
    return change_of(_QUERIES["put_technician"].first(connection, **values, resource_id=resource_id), also=moved)


def get_technician(connection: Connection, technician_id: str) -> dict[str, Any]:
    """Return one technician, with the workshop where there is one. Raises NotFoundError."""
    row = _QUERIES["technician"].first(connection, id=technician_id)
    if row is None:
        raise NotFoundError(f"there is no technician {technician_id!r}")
    return row


def list_technicians(connection: Connection, *, after: str | None, limit: int) -> list[dict[str, Any]]:
    """Return up to ``limit`` technicians by id, those after ``after``."""
    return _QUERIES["technicians"].all(connection, after=after, limit=limit)
