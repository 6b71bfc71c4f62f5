"""Who is asked next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from iot_service.dispatch.assign import Technician, in_order, travel_time
from iot_service.model.geography import Place

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
CLINIC = Place(59.913, 10.752)
NEAR, FAR = Place(59.92, 10.76), Place(59.74, 10.20)  # Oslo; Drammen
TWO_HOURS = timedelta(hours=2)


def technician(
    name: str, place: Place = NEAR, *, skill: str = "refrigeration", busy_from: datetime | None = None
) -> Technician:
    return Technician(name, 1, place, frozenset({skill}), busy_from)


def asked_in_order(*technicians: Technician, asked: frozenset[str] = frozenset()) -> list[str]:
    choices = in_order(technicians, site=CLINIC, skill="refrigeration", duration=TWO_HOURS, asked=asked, now=NOW)
    return [choice.technician.id for choice in choices]


@pytest.mark.parametrize(
    ("said", "technicians", "order"),
    [
        ("the nearest first", [technician("far", FAR), technician("near")], ["near", "far"]),
        ("who cannot do it is not asked", [technician("near", skill="car"), technician("far", FAR)], ["far"]),
        ("who is held now is not asked", [technician("near", busy_from=NOW - TWO_HOURS)], []),
        ("who is held before he could be done is not asked", [technician("near", busy_from=NOW + TWO_HOURS)], []),
        ("who is held later is asked", [technician("near", busy_from=NOW + timedelta(hours=3))], ["near"]),
        ("equally near ones go by their ids", [technician("b"), technician("a")], ["a", "b"]),
        ("nobody is nobody", [], []),
    ],
)
def test_technicians_are_asked_in_this_order(said: str, technicians: list[Technician], order: list[str]) -> None:
    assert asked_in_order(*technicians) == order, said


def test_nobody_is_asked_twice_in_a_round() -> None:
    assert asked_in_order(technician("near"), technician("far", FAR), asked=frozenset({"near"})) == ["far"]


def test_a_technician_is_held_for_the_way_and_the_work() -> None:
    (choice,) = in_order(
        [technician("far", FAR)], site=CLINIC, skill="refrigeration", duration=TWO_HOURS, asked=(), now=NOW
    )
    assert choice.distance_km == pytest.approx(36.6, abs=0.5)
    assert choice.travel == travel_time(choice.distance_km)
    assert choice.held_for == choice.travel + TWO_HOURS


def test_travel_takes_time_to_set_out_and_time_on_the_road() -> None:
    assert travel_time(0.0) == timedelta(minutes=10)
    assert travel_time(50.0) == timedelta(minutes=70)
