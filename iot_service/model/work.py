"""What follows from a need: proposals, appointments, jobs and orders; their states, and who does them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class ProposalState(StrEnum):
    """A question put to a customer, and its answer. ``withdrawn``: the need went away before she answered."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class AppointmentState(StrEnum):
    """An agreed time."""

    BOOKED = "booked"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class JobState(StrEnum):
    """Work for a technician. ``planned``: nobody asked yet, or nobody free; ``dispatched``: one is being asked."""

    PLANNED = "planned"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Answer(StrEnum):
    """What a technician said to one request."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    NO_ANSWER = "no_answer"
    WITHDRAWN = "withdrawn"


class OrderState(StrEnum):
    """One resupply. Only a ``pending`` order can still be cancelled by the customer."""

    PENDING = "pending"
    PLACED = "placed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class SubscriptionState(StrEnum):
    """Whether a subscription resupplies."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that can be booked, with the resources it would hold (UTC, half-open)."""

    starts_at: datetime
    ends_at: datetime
    workshop_id: str
    bay_id: int
    technician_id: int


@dataclass(frozen=True, slots=True)
class Subscription:
    """A customer's agreement that one device is resupplied with one consumable.

    ``pack_size`` is in units of the consumable (portions); ``target_level`` is the most that is held after a delivery;
    ``lead_time`` is from placing to delivery; ``price`` is per pack, in minor units of ``currency``.
    """

    id: str
    customer_id: str
    device_id: str
    consumable: str
    pack_size: int
    target_level: int
    cancel_window: timedelta
    lead_time: timedelta
    price: int
    currency: str
    state: SubscriptionState
