"""Where a device stands and whose it is, as the database says it, and what that means to rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.core import get_global

from iot_service.products.model import ProductModel
from iot_service.rules.areas import Area
from iot_service.rules.context import UTC_ZONE, DeviceContext
from iot_service.rules.lets.places import SITE_AREA

_SITE_RADIUS = 300.0  # metres


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """``time_zone``, ``latitude`` and ``longitude`` (degrees) are those of the device's site, None where it has none.

    ``location``: the customer has agreed to the use of locations. ``areas`` are the customer's own: name → circles.
    """

    time_zone: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    location: bool = False
    areas: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

    def context(self, model: ProductModel) -> DeviceContext:
        """Return what rules of ``model`` may know of it: areas only with consent, holidays by the zone's country."""
        zone, country = _zone(self.time_zone)
        if not self.location or model.position is None:
            return DeviceContext(zone, country, location=self.location)
        areas = product_areas(model)
        if self.latitude is not None and self.longitude is not None:
            areas[SITE_AREA] = (Area(self.latitude, self.longitude, _SITE_RADIUS),)
        for name, circles in self.areas.items():
            areas[name] = tuple(Area(each["latitude"], each["longitude"], each["radius"]) for each in circles)
        return DeviceContext(zone, country, areas, location=True)


def product_areas(model: ProductModel) -> dict[str, tuple[Area, ...]]:
    """Return the areas of a product model, by name."""
    return {
        name: tuple(Area(circle.latitude, circle.longitude, circle.radius) for circle in circles)
        for name, circles in model.areas.items()
    }


@lru_cache(maxsize=1024)
def _zone(name: str | None) -> tuple[ZoneInfo, str | None]:
    if name is None:
        return UTC_ZONE, None
    return ZoneInfo(name), get_global("zone_territories").get(name)
