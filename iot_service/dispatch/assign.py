"""Who is asked next: the nearest technician who can do it, is free for as long as it takes, and was not asked yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from iot_service.model.geography import Place, distance_km

SPEED_KM_H = 50.0
"""How fast a technician gets along as the crow flies: roads are about a third longer, and not all are fast."""

SETTING_OUT = timedelta(minutes=10)
"""To finish, pack and find the way."""


@dataclass(frozen=True, slots=True)
class Technician:
    """A technician as the assignment sees him.

    ``busy_from`` is when he is held next (UTC; in the past while he is held), None where nothing holds him.
    """

    id: str
    resource_id: int
    place: Place
    skills: frozenset[str]
    busy_from: datetime | None


@dataclass(frozen=True, slots=True)
class Choice:
    """A technician who can be asked; he is held from ``now`` for ``held_for``: the way there and the work."""

    technician: Technician
    distance_km: float
    travel: timedelta
    held_for: timedelta


def travel_time(distance: float) -> timedelta:
    """Return how long a technician takes to a site ``distance`` km away, as the crow flies."""
    return SETTING_OUT + timedelta(hours=distance / SPEED_KM_H)


def in_order(
    technicians: Iterable[Technician],
    *,
    site: Place,
    skill: str,
    duration: timedelta,
    asked: Collection[str],
    now: datetime,
) -> list[Choice]:
    """Return who can be asked at ``now`` (UTC), the nearest first.

    Left out: who lacks ``skill``, who was asked already (ids in ``asked``), and who is held before he could be done
    with the way there and ``duration`` of work.
    """
    choices = []
    for one in technicians:
        if skill not in one.skills or one.id in asked:
            continue
        distance = distance_km(one.place, site)
        travel = travel_time(distance)
        if one.busy_from is None or one.busy_from >= now + travel + duration:
            choices.append(Choice(one, distance, travel, travel + duration))
    return sorted(choices, key=lambda choice: (choice.distance_km, choice.technician.id))
