"""Services that were done on a device, and what is known of it besides its readings."""

from __future__ import annotations

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, Field

from iot_service.api.auth import Current
from iot_service.api.dependencies import Now, TheCatalog, Transaction
from iot_service.api.resources.routing import resource
from iot_service.customers.inputs import Input
from iot_service.customers.store import get_device
from iot_service.rules.facts import Serviced, facts_of, record_service

router = resource("devices")


class ServicedInput(Input):
    """A service that was done; ``at`` None is now. Counters that are left out are looked up as they were reported."""

    service: str
    at: AwareDatetime | None = None
    readings: dict[str, float] = Field(default_factory=dict)


class FactOutput(BaseModel):
    """One number about a device that it does not report itself, and since when it holds (UTC)."""

    name: str
    at: datetime
    value: float


@router.post("/{device_id}/services")
def record_done(
    connection: Transaction, catalog: TheCatalog, principal: Current, now: Now, device_id: str, body: ServicedInput
) -> list[FactOutput]:
    """Say that a service was done, so that its plan counts from there; answers with all facts about the device."""
    done = Serviced(device_id, body.service, body.at or now, body.readings)
    record_service(connection, done, catalog=catalog, actor=principal.actor, now=now)
    return _facts(connection, device_id)


@router.get("/{device_id}/facts")
def list_facts(connection: Transaction, device_id: str) -> list[FactOutput]:
    """Return the newest facts about a device: when and at what its services were done last, how it compares."""
    get_device(connection, device_id)
    return _facts(connection, device_id)


def _facts(connection: Transaction, device_id: str) -> list[FactOutput]:
    found = facts_of(connection, device_id)
    return [FactOutput(name=name, at=at, value=value) for name, (at, value) in found.items()]
