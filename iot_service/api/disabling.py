"""Disabling a device as people mean it: it is refused at every door, and its silence is nobody's alarm."""

from __future__ import annotations

from datetime import datetime

from iot_service.db import Connection
from iot_service.model.device import ServiceState
from iot_service.registry import registrations
from iot_service.rules.service_state import set_service_state

_AT_WORK = frozenset({ServiceState.COMMISSIONING, ServiceState.IN_SERVICE})


def disable_device(connection: Connection, device_id: str, *, reason: str, actor: str, now: datetime) -> None:
    """Refuse a device from now on, and take it out of service, which withdraws its open needs.

    Raises NotFoundError, ConflictError where it is disabled already, InvalidInputError for an empty reason.
    """
    registrations.disable(connection, device_id, reason=reason, actor=actor, now=now)
    if registrations.registration(connection, device_id).service_state in _AT_WORK:
        set_service_state(connection, device_id, ServiceState.OUT_OF_SERVICE, reason=reason, actor=actor, now=now)
