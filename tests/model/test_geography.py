"""Distances on the earth, against known ones."""

from __future__ import annotations

import pytest

from iot_service.model.geography import Place, distance_km

OSLO, BERGEN = Place(59.9139, 10.7522), Place(60.3913, 5.3221)


@pytest.mark.parametrize(
    ("said", "one", "other", "km"),
    [
        ("a place and itself", OSLO, OSLO, 0.0),
        ("Oslo and Bergen", OSLO, BERGEN, 305.0),
        ("a degree along the equator", Place(0, 0), Place(0, 1), 111.19),
        ("across the date line", Place(0, 179.5), Place(0, -179.5), 111.19),
        ("pole to pole", Place(90, 0), Place(-90, 0), 20015.1),
        ("opposite ends of the earth", Place(0, 0), Place(0, 180), 20015.1),
    ],
)
def test_the_distance_between(said: str, one: Place, other: Place, km: float) -> None:
    assert distance_km(one, other) == pytest.approx(km, rel=0.002), said
    assert distance_km(other, one) == pytest.approx(distance_km(one, other))
