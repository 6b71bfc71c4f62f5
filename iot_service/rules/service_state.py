"""What people do to devices: take them out of service, and put them back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from iot_service.db import Connection, Jsonb
from iot_service.db.events import record
from iot_service.errors import ConflictError, InvalidInputError, NotFoundError
from iot_service.model.device import ServiceState
from iot_service.model.event import Event, EventType
from iot_service.products.catalog import Catalog
from iot_service.rules.needs import let_go
from iot_service.rules.state import from_json, to_json
from iot_service.rules.store import QUERIES

_EVENTS = {
    ServiceState.COMMISSIONING: EventType.DEVICE_COMMISSIONING,
    ServiceState.IN_SERVICE: EventType.DEVICE_IN_SERVICE,
    ServiceState.OUT_OF_SERVICE: EventType.DEVICE_OUT_OF_SERVICE,
    ServiceState.RETIRED: EventType.DEVICE_OUT_OF_SERVICE,
}
_JUDGED = frozenset({ServiceState.COMMISSIONING, ServiceState.IN_SERVICE})


def set_service_state(
    connection: Connection,
    device_id: str,
    state: ServiceState,
    *,
    reason: str,
    actor: str,
    now: datetime,
    catalog: Catalog | None = None,
) -> ServiceState:
    """Take a device out of service or put it back, and return the state it is in then.

    When it leaves service, its open needs are withdrawn with ``reason``, and its rules begin anew; out of service none
    is judged. Put back, it is commissioning where its product has a normal range to reach first. (Without ``catalog``
    that is assumed; the rules put a product that has none in service at once.) Raises NotFoundError for an unknown
    device, InvalidInputError for an empty reason, ConflictError when the device is retired or in that state already.
    """
    if not reason.strip():
        raise InvalidInputError("say why", field="reason")
    held = QUERIES["lock_rule_state"].first(connection, device_id=device_id)
    device = QUERIES["device"].first(connection, device_id=device_id)
    if held is None or device is None:
        raise NotFoundError(f"There is no device {device_id}.")
    before = ServiceState(device["service_state"])
    after = _reached(before, state, device, catalog)
    rules = from_json(held["state"], service_state=after, until=None, received=None)
    if before is ServiceState.IN_SERVICE or after not in _JUDGED:
        rules.rules = {}
        for need in QUERIES["open_needs_of_device"].all(connection, device_id=device_id):
            let_go(connection, need["id"], reason=reason, actor=actor, now=now)
    QUERIES["set_service_state"].run(connection, device_id=device_id, service_state=after.value)
    rules.ready_since, rules.recheck_at = None, now
    QUERIES["restart_rules"].run(connection, device_id=device_id, state=Jsonb(to_json(rules)), now=now)
    record(
        connection,
        Event(
            type=_EVENTS[after],
            at=now,
            subject_id=device_id,
            device_id=device_id,
            customer_id=device["customer_id"],
            old=before.value,
            new=after.value,
            actor=actor,
            reason=reason,
        ),
    )
    return after


def _reached(
    before: ServiceState, asked: ServiceState, device: Mapping[str, Any], catalog: Catalog | None
) -> ServiceState:
    """Return the state that ``device`` comes to when ``asked`` is asked for."""
    if before is ServiceState.RETIRED:
        raise ConflictError(f"Device {device['id']} is retired.")
    product = catalog.products.get(device["product"]) if catalog else None
    has_range = product is None or product.in_service_when is not None
    after = ServiceState.COMMISSIONING if asked is ServiceState.IN_SERVICE and has_range else asked
    if before in (after, asked):
        raise ConflictError(f"Device {device['id']} is {before.value.replace('_', ' ')} already.")
    return after
