"""An appointment, its states, and every step between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from iot_service.errors import ConflictError
from iot_service.model.event import EventType
from iot_service.model.work import AppointmentState

_BOOKED, _COMPLETED, _CANCELLED = AppointmentState.BOOKED, AppointmentState.COMPLETED, AppointmentState.CANCELLED

STEPS: Mapping[tuple[AppointmentState | None, AppointmentState], EventType] = {
    (None, _BOOKED): EventType.APPOINTMENT_BOOKED,
    (_BOOKED, _BOOKED): EventType.APPOINTMENT_MOVED,
    (_BOOKED, _COMPLETED): EventType.APPOINTMENT_COMPLETED,
    (_BOOKED, _CANCELLED): EventType.APPOINTMENT_CANCELLED,
}
"""All steps there are, with the event that each one is."""

_WHY_NOT = {
    _COMPLETED: "This visit has been carried out already, so it can no longer be changed.",
    _CANCELLED: "This appointment has been cancelled; book a new one instead.",
}


@dataclass(frozen=True, slots=True)
class Appointment:
    """An agreed time at a workshop for the services (ids) of one device.

    ``price`` is in minor units of ``currency``, for all services together; ``sequence`` grows with each change, as
    calendars want it; ``time_zone`` is the workshop's.
    """

    id: int
    customer_id: str
    device_id: str
    need_id: int | None
    workshop_id: str
    services: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    state: AppointmentState
    price: int
    currency: str
    sequence: int
    time_zone: str


def step(appointment: Appointment, new: AppointmentState, *, now: datetime) -> EventType:
    """Return the event that the step to ``new`` is at ``now`` (UTC); a step to ``booked`` moves it to another time.

    Raises ConflictError, with a sentence for the customer, for a step that cannot be taken.
    """
    event = STEPS.get((appointment.state, new))
    if event is None:
        raise ConflictError(_WHY_NOT[appointment.state])
    if event in {EventType.APPOINTMENT_MOVED, EventType.APPOINTMENT_CANCELLED} and appointment.starts_at <= now:
        raise ConflictError("This visit has begun already; please call the workshop to change it.")
    return event
