"""What rules know of a device besides its readings and facts: where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from iot_service.rules.areas import Area

UTC_ZONE = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class DeviceContext:
    """``zone`` is the time zone of the place where a device stands, ``country`` (ISO 3166, or None) has its holidays.

    ``areas`` are the places that rules may ask about, by name, each of one or more circles; empty for a customer who
    has not agreed to the use of locations (``location``), whose positions are not looked at either.
    """

    zone: ZoneInfo = UTC_ZONE
    country: str | None = None
    areas: Mapping[str, tuple[Area, ...]] = field(default_factory=dict)
    location: bool = False


NOWHERE = DeviceContext()
"""A device of which nothing is known: UTC, no holidays, no areas."""
