"""What falls due on a device although nothing comes: held conditions, repetitions, schedules, tracks, absences."""

from __future__ import annotations

from datetime import datetime

from iot_service.rules.calendar import LOOKED_AHEAD, holds, next_change
from iot_service.rules.compiled import CompiledProduct, CompiledRule
from iot_service.rules.context import DeviceContext
from iot_service.rules.lets.base import Track
from iot_service.rules.lifecycle import INACTIVE, NEVER, Phase, due
from iot_service.rules.state import DeviceState


class Timers:
    """The timers of one device. They are a function of its state, so none of them is kept."""

    __slots__ = (
        "_absences",
        "_by_place",
        "_context",
        "_edges",
        "_in_schedule",
        "_next_edge",
        "_product",
        "_state",
        "_tracks",
    )

    def __init__(
        self, product: CompiledProduct, state: DeviceState, tracks: dict[str, Track], context: DeviceContext
    ) -> None:
        self._product, self._state, self._tracks, self._context = product, state, tracks, context
        self._absences = [place for place, rule in enumerate(product.rules) if rule.absent]
        self._by_place: dict[int, datetime] = {}
        self._edges: dict[int, datetime] = {}
        self._next_edge: datetime | None = None
        self._in_schedule: dict[int, bool] = {}

    def arm(self, place: int, at: datetime) -> datetime | None:
        """Set the timer of the rule at ``place`` by the state it is in at ``at``; return when it falls due."""
        rule = self._product.rules[place]
        state = self._state.rules.get(rule.id, INACTIVE)
        found = due(state, hold_for=rule.hold_for, clear_for=rule.clear_for)
        repeat = rule.spec.repeat
        if repeat is not None:
            again = self._state.repetitions.get(rule.id, NEVER).due(
                hold_for=rule.spec.for_, count=repeat.times, within=repeat.within, at=at
            )
            found = min((each for each in (found, again) if each is not None), default=None)
        if found is None:
            self._by_place.pop(place, None)
        else:
            self._by_place[place] = found
        return found

    def look_at_calendar(self, at: datetime) -> set[int]:
        """Note which schedules hold at ``at``; return the places of the rules for which that is new."""
        changed: set[int] = set()
        if self._next_edge is not None and at < self._next_edge:
            return changed
        for place in self._product.scheduled:
            if place in self._in_schedule and self._edges[place] > at:
                continue
            rule = self._product.rules[place]
            during, outside = rule.schedules
            now = (not during or holds(during, at, self._context)) and not holds(outside, at, self._context)
            if self._in_schedule.get(place) is not now:
                changed.add(place)
            self._in_schedule[place] = now
            edges = [next_change(part, at, self._context) for part in rule.schedules if part]
            # What comes only every few years, such as 29 February, is looked for again in time.
            self._edges[place] = min((each for each in edges if each is not None), default=at + LOOKED_AHEAD)
        self._next_edge = min(self._edges.values(), default=None)
        return changed

    def in_schedule(self, place: int) -> bool:
        """Return whether the schedule of the rule at ``place`` holds, as it was last looked at."""
        return self._in_schedule.get(place, True)

    def due_at(self, at: datetime) -> set[int]:
        """Return the places of the rules whose time has come by ``at``."""
        places = {place for place, timed in self._by_place.items() if timed <= at}
        for place in self._absences:
            absent = self.absence(place)
            if absent is not None and absent <= at:
                places.add(place)
        return places

    def tracks_due_at(self, at: datetime) -> list[str]:
        """Return the names of the tracks that are to be looked at by ``at``."""
        return [key for key, track in self._tracks.items() if (each := track.due()) is not None and each <= at]

    def all(self) -> list[datetime]:
        """Return every instant at which something falls due; of schedules, the first."""
        found = list(self._by_place.values())
        if self._next_edge is not None:
            found.append(self._next_edge)
        found += [at for track in self._tracks.values() if (at := track.due()) is not None]
        found += [at for place in self._absences if (at := self.absence(place)) is not None]
        return found

    def absence(self, place: int) -> datetime | None:
        """Return when the rule at ``place`` will notice an absence, if nothing comes; None when it watches for none.

        One that has been due outside the rule's schedule is noticed when the schedule begins.
        """
        rule = self._product.rules[place]
        if rule.spec.absent_for is None or self._state.service_state not in rule.states:
            return None
        if self._state.rules.get(rule.id, INACTIVE).phase is not Phase.INACTIVE:
            return None
        seen, until = self.last_seen(rule), self._state.until
        if seen is None:
            return None
        at = seen + rule.spec.absent_for
        return None if until is not None and at <= until and not self.in_schedule(place) else at

    def last_seen(self, rule: CompiledRule) -> datetime | None:
        """Return the time of the newest reading whose absence ``rule`` watches for; None if there was none."""
        readings = self._state.readings
        return max((readings[name][0] for name in rule.absent if name in readings), default=None)
