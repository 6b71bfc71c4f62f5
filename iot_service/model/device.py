"""A connected product and where it stands in its life."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

DEVICE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What an id looks like: it stands in topics, addresses and file names, so nothing else may be in it."""


class ServiceState(StrEnum):
    """Where a device stands: only a device in service can have faults."""

    COMMISSIONING = "commissioning"
    IN_SERVICE = "in_service"
    OUT_OF_SERVICE = "out_of_service"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Device:
    """One connected product.

    ``product`` names its product model; ``parameters`` are numbers of this very device that rules may use by name
    (``setpoint`` in the metric's unit), on top of the product model's defaults.
    """

    id: str
    product: str
    customer_id: str
    site_id: str | None
    name: str
    service_state: ServiceState
    parameters: Mapping[str, float] = field(default_factory=dict)
