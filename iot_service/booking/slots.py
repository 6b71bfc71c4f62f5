"""Free times of one workshop: open, with a bay and a qualified technician who are both free for the whole visit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from iot_service.booking.hours import OpeningHours, Period
from iot_service.model.geography import Place
from iot_service.model.work import Slot

GRID = timedelta(minutes=30)
"""Visits begin on the full or the half hour of the workshop's clock."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """One workshop with what it can book.

    ``bays`` are resource ids; ``technicians`` maps resource ids to skills; ``busy`` maps resource ids to the periods
    that they are held (UTC).
    """

    id: str
    place: Place
    hours: OpeningHours
    bays: Sequence[int]
    technicians: Mapping[int, Collection[str]]
    busy: Mapping[int, Sequence[Period]] = field(default_factory=dict)


def free_slots(
    workshop: Workshop,
    *,
    duration: timedelta,
    skills: Collection[str],
    earliest: datetime,
    latest: datetime,
    taken: Sequence[Period] = (),
) -> Iterator[Slot]:
    """Yield the free slots that begin between ``earliest`` and ``latest`` (UTC, both included), in order of time.

    One slot per beginning, with the first bay and the first technician who are free for all of ``duration``; the
    technician has all of ``skills``. ``taken`` are periods when the product itself is somewhere else.
    """
    technicians = sorted(who for who, can in workshop.technicians.items() if set(skills) <= set(can))
    for open_period in workshop.hours.periods(earliest, latest):
        starts_at = _next_on_grid(max(earliest, open_period.starts_at), workshop.hours.time_zone)
        while starts_at <= latest and starts_at + duration <= open_period.ends_at:
            visit = Period(starts_at, starts_at + duration)
            bay = _first_free(workshop, sorted(workshop.bays), visit)
            technician = _first_free(workshop, technicians, visit)
            if bay is not None and technician is not None and not any(visit.overlaps(other) for other in taken):
                yield Slot(visit.starts_at, visit.ends_at, workshop.id, bay, technician)
            starts_at += GRID


def over_days(slots: Iterable[Slot], *, time_zone: ZoneInfo, count: int) -> list[Slot]:
    """Return the first slot of each of the first ``count`` local days that have any: a choice of days, not of hours."""
    days: dict[date, Slot] = {}
    for slot in slots:
        days.setdefault(slot.starts_at.astimezone(time_zone).date(), slot)
        if len(days) == count:
            break
    return list(days.values())


def _first_free(workshop: Workshop, resources: Sequence[int], visit: Period) -> int | None:
    for resource in resources:
        if not any(visit.overlaps(held) for held in workshop.busy.get(resource, ())):
            return resource
    return None


def _next_on_grid(at: datetime, time_zone: ZoneInfo) -> datetime:
    """Return the first instant not before ``at`` when the clock on the wall shows a full or a half hour."""
    local = at.astimezone(time_zone)
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond) % GRID
    return at.astimezone(UTC) + (GRID - past if past else past)
