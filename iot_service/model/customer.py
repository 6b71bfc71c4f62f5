"""Customers, what they agreed to, and how they want to be served."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from iot_service.model.need import NeedKind


class Strategy(StrEnum):
    """How a need is responded to (Siggelkow and Terwiesch, "The Age of Continuous Connection", HBR 2019).

    ``respond``: the customer leads and asks. ``curate``: she leads, we advise. ``coach``: we propose, she decides.
    ``automate``: we act under her standing agreement.
    """

    RESPOND = "respond"
    CURATE = "curate"
    COACH = "coach"
    AUTOMATE = "automate"


class Purpose(StrEnum):
    """What a consent permits."""

    SERVICE_DATA = "service_data"
    LOCATION = "location"
    MARKETING = "marketing"


class Locale(StrEnum):
    """Languages that messages and pages are written in: Norwegian bokmål and English."""

    NB = "nb"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Customer:
    """A person or organisation that owns or uses devices. ``time_zone`` is an IANA name, ``phone`` is E.164."""

    id: str
    name: str
    email: str | None
    phone: str | None
    locale: Locale
    time_zone: str


@dataclass(frozen=True, slots=True)
class Site:
    """A place where a customer's devices stand; latitude and longitude in degrees (WGS 84)."""

    id: str
    customer_id: str
    name: str
    address: str
    latitude: float
    longitude: float
    time_zone: str


@dataclass(frozen=True, slots=True)
class Mandate:
    """A standing agreement that lets the product act by itself for one kind of need.

    ``max_price`` is in minor units of the currency (øre), per act, or None for no limit.
    ``cancel_window`` is how long before an automatic act becomes final the customer can still cancel it.
    """

    kind: NeedKind
    max_price: int | None
    cancel_window: timedelta


@dataclass(frozen=True, slots=True)
class Agreement:
    """All that bounds how one customer may be served, as it stands at one instant."""

    consents: frozenset[Purpose]
    strategies: dict[NeedKind, Strategy]
    mandates: dict[NeedKind, Mandate]


@dataclass(frozen=True, slots=True)
class Consent:
    """A dated permission for one purpose, with the wording that was agreed to and where that happened."""

    customer_id: str
    purpose: Purpose
    granted_at: datetime
    revoked_at: datetime | None
    wording: str
    source: str
