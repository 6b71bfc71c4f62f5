"""Planned maintenance: operators plan it for a device, a site or a customer, and end it early."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Self

from pydantic import AwareDatetime, BaseModel

from iot_service.api.auth import Current
from iot_service.api.dependencies import Now, Transaction
from iot_service.api.ids import BigId
from iot_service.api.paging import AtPage, Page
from iot_service.api.principal import Role
from iot_service.api.resources.routing import resource
from iot_service.customers.fields import Id, Reason
from iot_service.customers.inputs import Input
from iot_service.rules import maintenance
from iot_service.rules.maintenance_windows import MaintenanceWindow

router = resource("maintenance", Role.OPERATOR)


class MaintenanceInput(Input):
    """Maintenance to be planned: of a device, of all at a site, or of all of a customer (one of them), when, and why.

    Without ``starts_at`` it begins now.
    """

    device_id: Id | None = None
    site_id: Id | None = None
    customer_id: Id | None = None
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime
    reason: Reason


class MaintenanceOutput(BaseModel):
    """Maintenance that was planned; ``ended_at`` and ``ended_by`` are set where somebody ended it early."""

    id: int
    device_id: str | None
    site_id: str | None
    customer_id: str | None
    starts_at: datetime
    ends_at: datetime
    reason: str
    created_by: str
    created_at: datetime
    ended_at: datetime | None
    ended_by: str | None

    @classmethod
    def of(cls, window: MaintenanceWindow) -> Self:
        """Return a window as it is answered."""
        return cls(**asdict(window))


@router.get("")
def list_maintenance(
    connection: Transaction,
    now: Now,
    paging: AtPage,
    device_id: str | None = None,
    site_id: str | None = None,
    customer_id: str | None = None,
    ahead: bool = False,
) -> Page[MaintenanceOutput]:
    """List maintenance, newest first, that of a device with that of its site and customer.

    ``ahead`` leaves out what is over.
    """
    rows = maintenance.list_windows(
        connection, device_id=device_id, site_id=site_id, customer_id=customer_id, ahead_of=now if ahead else None,
        before=paging.before, limit=paging.fetch,
    )  # fmt: skip
    return paging.page([MaintenanceOutput.of(row) for row in rows], lambda window: window.id)


@router.post("", status_code=201)
def plan_maintenance(
    connection: Transaction, principal: Current, now: Now, body: MaintenanceInput
) -> MaintenanceOutput:
    """Plan maintenance: no need opens during it, and what still holds opens after it."""
    planned = body.model_dump() | {"starts_at": body.starts_at or now}
    return MaintenanceOutput.of(maintenance.plan(connection, **planned, actor=principal.actor, now=now))


@router.get("/{maintenance_id}")
def get_maintenance(connection: Transaction, maintenance_id: BigId) -> MaintenanceOutput:
    """Return one window of maintenance."""
    return MaintenanceOutput.of(maintenance.get(connection, maintenance_id))


@router.delete("/{maintenance_id}")
def end_maintenance(connection: Transaction, principal: Current, now: Now, maintenance_id: BigId) -> MaintenanceOutput:
    """End maintenance at once, or call it off; to end it twice changes nothing."""
    return MaintenanceOutput.of(
        maintenance.end(connection, maintenance_id, reason="asked for", actor=principal.actor, now=now)
    )
