"""Which times are free for a visit: the nearest workshop that serves the product and has any comes first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

from iot_service.booking import store
from iot_service.booking.slots import Workshop, free_slots, over_days
from iot_service.db import Connection
from iot_service.model.geography import Place, distance_km
from iot_service.model.work import Slot
from iot_service.products.model import Service

HORIZON = timedelta(days=28)
"""How far ahead free times are looked for; a nearer workshop that is full for so long gives way to the next."""


def nearest_first(workshops: Sequence[Workshop], place: Place | None) -> list[Workshop]:
    """Return the workshops in order of distance from ``place``; in order of their ids where the place is not known."""
    return sorted(workshops, key=lambda one: (distance_km(place, one.place) if place else 0.0, one.id))


def find(
    connection: Connection,
    *,
    device_id: str,
    services: Sequence[Service],
    earliest: datetime,
    latest: datetime | None = None,
    workshop_id: str | None = None,
    count: int = 1,
    spread: bool = False,
    ignoring: int | None = None,
) -> list[Slot]:
    """Return up to ``count`` free slots for all ``services`` in one go, all at one workshop, in order of time.

    They begin from ``earliest`` to ``latest`` (UTC; unset: :data:`HORIZON` later). ``workshop_id`` asks at one workshop
    only; ``spread`` gives one slot per day; what the appointment ``ignoring`` holds counts as free. Empty where there
    is no workshop or no free time. Raises NotFoundError for an unknown device.
    """
    product, _, place = store.device(connection, device_id, lock=False)
    workshops = store.workshops(connection, product, workshop_id=workshop_id, earliest=earliest, ignoring=ignoring)
    taken = store.device_taken(connection, device_id, earliest=earliest, ignoring=ignoring)
    for workshop in nearest_first(workshops, place):
        slots: Iterator[Slot] = free_slots(
            workshop,
            duration=sum((service.duration for service in services), timedelta()),
            skills={service.skill for service in services},
            earliest=earliest,
            latest=latest or earliest + HORIZON,
            taken=taken,
        )
        found = (
            over_days(slots, time_zone=workshop.hours.time_zone, count=count) if spread else list(islice(slots, count))
        )
        if found:
            return found
    return []
