"""Distances on the earth."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt
from typing import NamedTuple

_EARTH_RADIUS_KM = 6371.0088  # mean radius, IUGG


class Place(NamedTuple):
    """A point on the earth: latitude and longitude in degrees (WGS 84)."""

    latitude: float
    longitude: float


def distance_km(one: Place, other: Place) -> float:
    """Return the great-circle distance in km (haversine; within 0.6 % of the true one, which is an ellipsoid's)."""
    half_height = radians(other.latitude - one.latitude) / 2
    half_width = radians(other.longitude - one.longitude) / 2
    squared = sin(half_height) ** 2 + cos(radians(one.latitude)) * cos(radians(other.latitude)) * sin(half_width) ** 2
    return 2 * _EARTH_RADIUS_KM * asin(min(1.0, sqrt(squared)))
