"""Places and trips: ``inside(area)``, ``distance_to(area)``, and what a device's visits to an area say.

They are known only where the customer has agreed to the use of locations: without that no area is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import pairwise
from statistics import median
from typing import Any

from iot_service.products.documents import suggestion
from iot_service.products.places import Position
from iot_service.rules.areas import Area, distance
from iot_service.rules.context import DeviceContext
from iot_service.rules.lets.arguments import ArgumentReader
from iot_service.rules.lets.base import Let, LetFunction, Moment, Names, Untracked
from iot_service.rules.windows import WindowKey

SITE_AREA = "site"
"""The area that every device with a site has: 300 m around it."""
_SAME_VISIT = timedelta(hours=2)  # away for less is no departure: a position is seldom exact at the edge
_MOST_VISITS = 200  # that are remembered of one area


@dataclass(frozen=True, slots=True)
class DistanceLet(Untracked):
    """``distance_to(area)`` in metres from its edge, 0 within; ``inside(area)`` is 1 there, else 0."""

    area: str
    position: Position
    inside: bool

    @property
    def inputs(self) -> frozenset[str]:
        """The position."""
        return frozenset({self.position.latitude, self.position.longitude})

    def value(self, scope: Mapping[str, Any], moment: Moment) -> float | None:
        """Return the distance, or whether it is none; None where the position or the area is unknown."""
        away = _distance(self.area, self.position, scope, moment.context)
        if away is None or not self.inside:
            return away
        return 1.0 if away == 0 else 0.0


def _distance(area: str, position: Position, scope: Mapping[str, Any], context: DeviceContext) -> float | None:
    latitude, longitude = scope.get(position.latitude), scope.get(position.longitude)
    circles: tuple[Area, ...] = context.areas.get(area, ())
    if latitude is None or longitude is None or not circles:
        return None
    return min(max(0.0, distance(each.latitude, each.longitude, latitude, longitude) - each.radius) for each in circles)


class VisitTrack:
    """The visits of a device to one area: from when to when, the last of which may still go on."""

    __slots__ = ("_area", "_position", "visits")

    def __init__(self, area: str, position: Position, data: Any) -> None:
        self._area, self._position = area, position
        self.visits: list[tuple[datetime, datetime]] = [
            (datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in data or ()
        ]

    def take(self, scope: Mapping[str, Any], moment: Moment) -> None:
        """Note where the device is at ``moment``. Where that is not known, or not to be known, nothing is noted."""
        if not moment.context.areas:
            self.visits.clear()  # the customer has taken back that locations may be used
            return
        if self._position.latitude not in moment.sampled and self._position.longitude not in moment.sampled:
            return
        if _distance(self._area, self._position, scope, moment.context) != 0:
            return
        if self.visits and moment.at - self.visits[-1][1] <= _SAME_VISIT:
            self.visits[-1] = self.visits[-1][0], moment.at
        else:
            self.visits = [*self.visits[1 - _MOST_VISITS :], (moment.at, moment.at)]

    def due(self) -> datetime | None:
        """Return None: what is counted changes with positions only, and is looked at with each."""
        return None

    def to_json(self) -> Any:
        """Return the visits."""
        return [[start.isoformat(), end.isoformat()] for start, end in self.visits]


@dataclass(frozen=True, slots=True)
class VisitLet:
    """What the visits to ``area`` within ``length`` say: how many, on how many weekends, how many days lie between."""

    key: str
    function: str
    area: str
    position: Position
    length: timedelta

    @property
    def inputs(self) -> frozenset[str]:
        """The position."""
        return frozenset({self.position.latitude, self.position.longitude})

    @property
    def windows(self) -> tuple[WindowKey, ...]:
        """None: visits are noted while they last."""
        return ()

    @property
    def track(self) -> str | None:
        """The name of the visits."""
        return self.key

    def new_track(self, data: Any) -> VisitTrack:
        """Return the visits, going on from ``data``."""
        return VisitTrack(self.area, self.position, data)

    def value(self, scope: Mapping[str, Any], moment: Moment) -> float | None:  # noqa: ARG002  # a Let
        """Return the number; None where the area is not known, or there are too few visits to say."""
        track = moment.tracks.get(self.key)
        if not isinstance(track, VisitTrack) or self.area not in moment.context.areas:
            return None
        visits = [visit for visit in track.visits if visit[1] > moment.at - self.length]
        if self.function == "visits":
            return float(len(visits))
        weekends = sorted({end for visit in visits for end in _weekends(visit, moment.context)})
        if self.function == "weekend_visits":
            return float(len(weekends))
        days = [(after - before).days for before, after in pairwise(weekends)]
        return float(median(days)) if days else None


def _weekends(visit: tuple[datetime, datetime], context: DeviceContext) -> set[date]:
    """Return the Sundays of the weekends (Friday noon to Sunday, local time) that a visit was on."""
    start, end = (at.astimezone(context.zone).replace(tzinfo=None) for at in visit)
    found: set[date] = set()
    sunday = start.date() + timedelta(days=6 - start.weekday())
    while datetime.combine(sunday, datetime.min.time()) - timedelta(days=1, hours=12) <= end:
        if start < datetime.combine(sunday, datetime.min.time()) + timedelta(days=1):
            found.add(sunday)
        sunday += timedelta(days=7)
    return found


def _area(reader: ArgumentReader, names: Names) -> str:
    if reader.is_empty:
        return ""
    area = reader.text()
    known = [SITE_AREA, *names.model.areas]
    if names.model.position is None:
        reader.problems.append(f"product '{names.model.id}' has no 'position', so nobody knows where its devices are")
    elif area not in known:
        reader.problems.append(f"there is no area '{area}'{suggestion(area, known)}")
    return area


def _distance_let(function: str, arguments: Sequence[str], names: Names) -> tuple[Let | None, list[str]]:
    reader = ArgumentReader(function, f"an area, such as {function}(mountains)", arguments, least=1, most=1)
    area = _area(reader, names)
    if reader.problems or names.model.position is None:
        return None, reader.problems
    return DistanceLet(area, names.model.position, inside=function == "inside"), []


def _visits(function: str, arguments: Sequence[str], names: Names) -> tuple[Let | None, list[str]]:
    usage = f"an area and a duration, such as {function}(mountains, 12w)"
    reader = ArgumentReader(function, usage, arguments, least=2, most=2)
    area, length = _area(reader, names), reader.duration()
    if reader.problems or names.model.position is None:
        return None, reader.problems
    return VisitLet(names.key, function, area, names.model.position, length), []


FUNCTIONS: tuple[LetFunction, ...] = (
    LetFunction(
        "inside", "inside(area)", "1 while the device is in the area, else 0", "inside(mountains)",
        partial(_distance_let, "inside"),
    ),
    LetFunction(
        "distance_to", "distance_to(area)", "metres to the edge of the area, 0 in it", "distance_to(site)",
        partial(_distance_let, "distance_to"),
    ),
    LetFunction(
        "visits", "visits(area, duration)", "how many times the device was in the area; away for 2 h ends a visit",
        "visits(mountains, 12w)", partial(_visits, "visits"),
    ),
    LetFunction(
        "weekend_visits", "weekend_visits(area, duration)",
        "on how many weekends (from Friday noon, local time) it was there",
        "weekend_visits(mountains, 12w)", partial(_visits, "weekend_visits"),
    ),
    LetFunction(
        "days_between_weekends", "days_between_weekends(area, duration)",
        "median number of days from one weekend there to the next: 14 is every second weekend",
        "days_between_weekends(mountains, 12w)", partial(_visits, "days_between_weekends"),
    ),
)  # fmt: skip
"""The functions of this module."""
