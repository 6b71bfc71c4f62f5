"""Workshops, with their bays and hours."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from iot_service.api.dependencies import TheCatalog, Transaction
from iot_service.api.paging import AtPage, Page
from iot_service.api.resources.routing import resource, same_id, say
from iot_service.customers import workshops
from iot_service.customers.inputs import WorkshopInput

router = resource("workshops")


@router.get("")
def list_workshops(connection: Transaction, paging: AtPage) -> Page[WorkshopInput]:
    """List workshops by id."""
    rows = workshops.list_workshops(connection, after=paging.after, limit=paging.fetch)
    return paging.page([_output(row) for row in rows], lambda workshop: workshop.id)


@router.get("/{workshop_id}")
def get_workshop(connection: Transaction, workshop_id: str) -> WorkshopInput:
    """Return one workshop."""
    return _output(workshops.get_workshop(connection, workshop_id))


@router.put("/{workshop_id}")
def put_workshop(
    connection: Transaction, catalog: TheCatalog, response: Response, workshop_id: str, body: WorkshopInput
) -> WorkshopInput:
    """Create or change a workshop; a bay that is left out takes no new bookings."""
    same_id(workshop_id, body.id)
    say(response, workshops.put_workshop(connection, body, catalog=catalog))
    return _output(workshops.get_workshop(connection, workshop_id))


def _output(row: dict[str, Any]) -> WorkshopInput:
    hours = {day: [(opens, closes) for opens, closes in spans] for day, spans in row["opening_hours"].items()}
    return WorkshopInput.model_construct(**{**row, "opening_hours": hours})
