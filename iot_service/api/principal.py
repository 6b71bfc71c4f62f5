"""Who is calling."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a caller may do. Customers and technicians act by signed links, devices by their secrets (at addresses of
    their own only), the others by API tokens or a session."""

    OPERATOR = "operator"
    INTEGRATION = "integration"
    DEVICE = "device"
    CUSTOMER = "customer"
    TECHNICIAN = "technician"


@dataclass(frozen=True, slots=True)
class Principal:
    """A known caller.

    ``actor`` is how the event log names it (ids, never personal data); ``person_id`` is the customer, technician or
    device it stands for, where it stands for one. ``name`` is for the console's corner; ``csrf_token`` belongs to an
    operator's session.
    """

    role: Role
    actor: str
    person_id: str = ""
    name: str = ""
    csrf_token: str = ""
