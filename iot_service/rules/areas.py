"""Areas on the map, and whether a position is in one."""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

_EARTH_RADIUS = 6_371_008.8  # metres, the mean radius of the International Union of Geodesy and Geophysics


@dataclass(frozen=True, slots=True)
class Area:
    """A circle: all positions at most ``radius`` metres from ``latitude`` and ``longitude`` (degrees, WGS 84)."""

    latitude: float
    longitude: float
    radius: float

    def contains(self, latitude: float, longitude: float) -> bool:
        """Return whether the position (degrees) is in the area."""
        return distance(self.latitude, self.longitude, latitude, longitude) <= self.radius


def distance(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return the distance of two positions (degrees) in metres along the great circle (haversine formula)."""
    first, second = radians(latitude), radians(other_latitude)
    across, along = sin((second - first) / 2), sin(radians(other_longitude - longitude) / 2)
    return 2 * _EARTH_RADIUS * asin(min(1.0, sqrt(across * across + cos(first) * cos(second) * along * along)))
