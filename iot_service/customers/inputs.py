"""What a load file and the API take in. Unknown fields are refused, because a typo must not be silent."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from iot_service.customers.fields import (
    Currency,
    Email,
    Id,
    Latitude,
    Line,
    Longitude,
    OpeningHours,
    Phone,
    Span,
    TimeZone,
)
from iot_service.model.customer import Locale
from iot_service.model.work import SubscriptionState

Count = Annotated[int, Field(gt=0, le=1_000_000)]
Price = Annotated[int, Field(ge=0, le=1_000_000_000_000)]
"""Minor units of a currency; a million packs at the highest one still fit the database."""


class Input(BaseModel):
    """Base of all inputs: frozen, closed to unknown fields, and to numbers that are none (NaN, infinity)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CustomerInput(Input):
    """A person or organisation that owns or uses devices."""

    id: Id
    name: Line
    email: Email | None = None
    phone: Phone | None = None
    locale: Locale = Locale.NB
    time_zone: TimeZone = "Europe/Oslo"


class SiteInput(Input):
    """A place where a customer's devices stand."""

    id: Id
    customer_id: Id
    name: Line
    address: Line
    latitude: Latitude
    longitude: Longitude
    time_zone: TimeZone = "Europe/Oslo"


class DeviceInput(Input):
    """One connected product; ``parameters`` are numbers of this very device that rules use by name."""

    id: Id
    product: str
    customer_id: Id
    site_id: Id | None = None
    name: Line
    parameters: dict[str, float] = Field(default_factory=dict)


class WorkshopInput(Input):
    """A place that devices are brought to; ``closed_on`` are days it is closed on, whatever its hours say."""

    id: Id
    name: Line
    address: Line
    phone: Phone | None = None
    latitude: Latitude
    longitude: Longitude
    time_zone: TimeZone = "Europe/Oslo"
    products: Annotated[list[str], Field(min_length=1)]
    opening_hours: OpeningHours
    closed_on: list[date] = Field(default_factory=list)
    bays: list[Line] = Field(default_factory=list)


class TechnicianInput(Input):
    """A technician with skills and home base; ``workshop_id`` for one who works in a workshop."""

    id: Id
    name: Line
    email: Email | None = None
    phone: Phone | None = None
    locale: Locale = Locale.NB
    time_zone: TimeZone = "Europe/Oslo"
    skills: Annotated[list[Id], Field(min_length=1)]
    latitude: Latitude
    longitude: Longitude
    workshop_id: Id | None = None


class SubscriptionInput(Input):
    """An agreement that one device is resupplied.

    ``pack_size`` and ``target_level`` are in units of the consumable; ``price`` is per pack, in minor units of
    ``currency``; ``initial_stock`` is what the device holds when the subscription begins, if that is known.
    """

    id: Id
    device_id: Id
    consumable: str
    pack_size: Count
    target_level: Count
    cancel_window: Span
    lead_time: Span
    price: Price
    currency: Currency = "NOK"
    state: SubscriptionState = SubscriptionState.ACTIVE
    initial_stock: Annotated[float, Field(ge=0)] | None = None
