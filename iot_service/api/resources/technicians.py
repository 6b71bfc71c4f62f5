"""Technicians, with their skills and home bases."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from iot_service.api.dependencies import Transaction
from iot_service.api.paging import AtPage, Page
from iot_service.api.resources.routing import resource, same_id, say
from iot_service.customers import workshops
from iot_service.customers.inputs import TechnicianInput
from iot_service.model.customer import Locale

router = resource("technicians")


@router.get("")
def list_technicians(connection: Transaction, paging: AtPage) -> Page[TechnicianInput]:
    """List technicians by id."""
    rows = workshops.list_technicians(connection, after=paging.after, limit=paging.fetch)
    return paging.page([_output(row) for row in rows], lambda technician: technician.id)


@router.get("/{technician_id}")
def get_technician(connection: Transaction, technician_id: str) -> TechnicianInput:
    """Return one technician."""
    return _output(workshops.get_technician(connection, technician_id))


@router.put("/{technician_id}")
def put_technician(
    connection: Transaction, response: Response, technician_id: str, body: TechnicianInput
) -> TechnicianInput:
    """Create or change a technician."""
    same_id(technician_id, body.id)
    say(response, workshops.put_technician(connection, body))
    return _output(workshops.get_technician(connection, technician_id))


def _output(row: dict[str, Any]) -> TechnicianInput:
    values = {name: row[name] for name in TechnicianInput.model_fields}
    return TechnicianInput.model_construct(**{**values, "locale": Locale(row["locale"])})
