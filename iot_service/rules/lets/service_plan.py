"""Service plans in rules: ``due_in(annual_service)`` and ``due_share(annual_service)``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf, isfinite
from typing import Any

from iot_service.forecast.pace import Pace, pace
from iot_service.forecast.ranges import Range
from iot_service.products.documents import suggestion
from iot_service.products.service_plan import MONTHS, ServicePlan, serviced_at, serviced_reading
from iot_service.rules.buckets import growth
from iot_service.rules.lets.arguments import ArgumentReader
from iot_service.rules.lets.base import Let, LetFunction, Moment, Names
from iot_service.rules.lets.consumption import CHANCES
from iot_service.rules.months import months_after
from iot_service.rules.windows import DAY, EPOCH, WindowKey, daily_key

HOUR = timedelta(hours=1)
HISTORY_DAYS = 56
"""How many complete days of use say how fast a device comes to its next service."""
_MOST_MONTHS = 12_000
"""A limit of more months is none: no calendar goes that far."""
_LEAST_DAYS = 7
"""Of fewer days of use nothing is said, and"""
_ENOUGH_DAYS = 28
"""so many of them are believed, whatever was before."""
_STEPS = 1000
"""In how many steps an interval is told, each as of the hour: nobody needs more, and readings come by the second."""


@dataclass(frozen=True, slots=True)
class _Progress:
    """How far one limit is used up: ``used`` of ``limit``; ``days`` until it is reached, None where that is unknown."""

    name: str
    used: float
    limit: float
    days: Range | None


class PlanTrack:
    """What a device showed when it was first heard, where its service is counted from until somebody says otherwise."""

    __slots__ = ("_counters", "_due", "_paces", "_seen", "firsts", "known", "known_at", "known_for", "since")

    def __init__(self, counters: Sequence[str], data: Any) -> None:
        self._counters = counters
        since, seen, firsts = data if data is not None else (None, None, {})
        self.since = datetime.fromisoformat(since) if since is not None else None
        self._seen = datetime.fromisoformat(seen) if seen is not None else None
        self._due: datetime | None = None
        self.firsts: dict[str, float] = dict(firsts)
        self._paces: dict[str, tuple[int, Pace | None]] = {}  # computed once a day, never kept
        self.known_at: Moment | None = None
        self.known_for: tuple[Any, ...] | None = None
        self.known: tuple[_Progress, ...] = ()

    def take(self, scope: Mapping[str, Any], moment: Moment) -> None:
        """Note the first reading of each counter, and that it was looked at."""
        if scope and self.since is None:
            self.since = moment.at
        if self.since is not None:
            self._seen = moment.at
        for counter in self._counters:
            if counter not in self.firsts and counter in scope:
                self.firsts[counter] = scope[counter]

    def due(self) -> datetime | None:
        """Return when a day more has passed since it was first heard, since time alone makes a service due."""
        if self.since is None or self._seen is None:
            return None
        if self._due is None or self._seen >= self._due:
            self._due = self.since + ((self._seen - self.since) // DAY + 1) * DAY
        return self._due

    def to_json(self) -> Any:
        """Return when and with what it was first heard, and when it was looked at last."""
        times = [at.isoformat() if at is not None else None for at in (self.since, self._seen)]
        return [*times, self.firsts]

    def pace(self, key: WindowKey, moment: Moment) -> Pace | None:
        """Return the pace of the counter of ``key`` by the complete days before ``moment``."""
        today = (moment.at - EPOCH) // DAY
        kept = self._paces.get(key.metric)
        if kept is None or kept[0] != today:
            kept = self._paces[key.metric] = today, pace(moment.windows[key].daily(moment.at))
        return kept[1]


@dataclass(frozen=True, slots=True)
class PlanLet:
    """``due_in`` (``chance`` 0.1, 0.5 or 0.9) or ``due_share`` (None) of the plan for ``service``.

    ``units`` are those of its counters, ``starts`` the facts that say what they showed when it was done last.

    All lets of one plan share one track, so that they count from the same reading whatever the rules are called.
    """

    service: str
    plan: ServicePlan
    listening: frozenset[str]
    chance: float | None
    keys: tuple[WindowKey, ...]
    units: Mapping[str, str]
    starts: Mapping[str, str]

    @property
    def inputs(self) -> frozenset[str]:
        """What tells that the device is there, when it was serviced, and the limits that are parameters."""
        facts = {serviced_at(self.service), *(serviced_reading(self.service, name) for name in self.plan.counters)}
        return self.listening | facts | {limit for limit in self.plan.every.values() if isinstance(limit, str)}

    @property
    def windows(self) -> tuple[WindowKey, ...]:
        """The daily use of each counter."""
        return self.keys

    @property
    def track(self) -> str | None:
        """The name of what the plan remembers."""
        return f"plan {self.service}"

    def new_track(self, data: Any) -> PlanTrack:
        """Return what is remembered, going on from ``data``."""
        return PlanTrack(self.plan.counters, data)

    def value(self, scope: Mapping[str, Any], moment: Moment) -> float | None:
        """Return the days until the first limit is reached, negative once it is; or the largest share that is used."""
        known = self._known(scope, moment)
        if self.chance is None:
            return max((each.used / each.limit for each in known), default=None)
        first = min((_at(each.days, self.chance) for each in known), default=inf)
        return first if isfinite(first) else None

    def explain(self, scope: Mapping[str, Any], moment: Moment) -> str | None:
        """Return in words by which limit it is due, and since when it is counted."""
        known = [each for each in self._known(scope, moment) if each.days is not None]
        if not known:
            return None
        first = min(known, key=lambda each: _at(each.days, 0.5))
        since = self._since(scope, moment)
        used = f"{first.used:,.1f}" if first.name == MONTHS else f"{first.used:,.0f}"
        limit = f"{first.limit:,.0f} {self.units.get(first.name, MONTHS)}"
        day = f"{since:%Y-%m-%d}" if since is not None else "then"
        begin = f"the last service on {day}"
        if serviced_at(self.service) not in scope:
            begin = f"{day}, when it was first heard (no service is known)"
        return f"{_in_words(first.days)} by {first.name}: {used} of {limit} since {begin}"

    def _since(self, scope: Mapping[str, Any], moment: Moment) -> datetime | None:
        """Return from when (UTC) it is counted."""
        done = scope.get(serviced_at(self.service))
        if done is not None:
            return EPOCH + timedelta(days=done)
        track = moment.tracks.get(self.track or "")
        return track.since if isinstance(track, PlanTrack) else None

    def _known(self, scope: Mapping[str, Any], moment: Moment) -> tuple[_Progress, ...]:
        """Return how far each limit is used up of which that is known, as of the hour and the step."""
        track = moment.tracks.get(self.track or "")
        if not isinstance(track, PlanTrack):
            return ()
        if track.known_at is moment:
            return track.known
        track.known_at = moment
        steps: list[tuple[str, float, float]] = []
        for name, given in self.plan.every.items():
            limit = scope.get(given) if isinstance(given, str) else given
            if limit is None or limit <= 0:
                continue
            if name == MONTHS:
                steps += [(name, limit, 0.0)] if limit <= _MOST_MONTHS else []
            elif name in scope:
                start = scope.get(self.starts[name], track.firsts.get(name))
                if start is not None:
                    steps.append((name, limit, growth(start, scope[name]) * _STEPS // limit))
        hour = (moment.at - EPOCH) // HOUR
        asked = (hour, scope.get(serviced_at(self.service)), *steps)
        if track.known_for != asked:
            at, since = EPOCH + hour * HOUR, self._since(scope, moment)
            found = (self._progress(name, limit, step, since, at, track, moment) for name, limit, step in steps)
            track.known_for, track.known = asked, tuple(each for each in found if each is not None)
        return track.known

    def _progress(
        self,
        name: str,
        limit: float,
        step: float,
        since: datetime | None,
        at: datetime,
        track: PlanTrack,
        moment: Moment,
    ) -> _Progress | None:
        if name == MONTHS:
            return _by_calendar(since, limit, at) if since is not None else None
        used = step * limit / _STEPS
        key = next(key for key in self.keys if key.metric == name)
        usual = _usual(track.pace(key, moment), used, (at - since) / DAY if since is not None else 0.0)
        if used >= limit:
            over = (used - limit) / usual.mean if usual is not None and usual.mean > 0 else 0.0
            return _Progress(name, used, limit, Range(-over, -over, -over))
        return _Progress(name, used, limit, usual.days_until(limit - used) if usual is not None else None)


def _usual(recent: Pace | None, used: float, days: float) -> Pace | None:
    """Return the ``recent`` pace, or that of the ``days`` since it is counted, while these tell much more.

    None while there is no week of either: the first days of a device are like no others.
    """
    known = recent.blocks * recent.length if recent is not None else 0
    if max(known, days) < _LEAST_DAYS:
        return None
    if known >= _ENOUGH_DAYS or days <= 2 * known:
        return recent
    return Pace(used / days, used / days, 1, int(days))


def _by_calendar(since: datetime, months: float, at: datetime) -> _Progress:
    due = months_after(since, months)
    days = (due - at) / DAY
    return _Progress(MONTHS, months * max(0.0, (at - since) / (due - since)), months, Range(days, days, days))


def _at(days: Range | None, chance: float) -> float:
    return {0.1: days.p10, 0.5: days.p50, 0.9: days.p90}[chance] if days is not None else inf


def _in_words(days: Range | None) -> str:
    if days is None:
        return "due"
    if days.p50 < 0:
        return f"overdue for {-days.p50:,.0f} days"
    if days.p10 == days.p90:
        return f"due in {days.p50:,.0f} days"
    latest = f"{days.p90:,.0f}" if isfinite(days.p90) else "over five years"
    return f"due in {days.p50:,.0f} days ({days.p10:,.0f} to {latest})"


def _compile(arguments: Sequence[str], names: Names, *, share: bool) -> tuple[Let | None, list[str]]:
    name = "due_share" if share else "due_in"
    usage = f"a service with a plan{'' if share else ' and, if you like, a chance'}, such as {name}(annual_service)"
    reader = ArgumentReader(name, usage, arguments, least=1, most=1 if share else 2)
    service = reader.text()
    plan = names.model.plans.get(service)
    if plan is None and not reader.problems:
        known = list(names.model.plans)
        reader.problems.append(f"the product has no plan for '{service}'{suggestion(service, known)}")
    chance = reader.number(()) if not reader.is_empty else 0.5
    if not reader.problems and chance not in CHANCES:
        reader.problems.append(f"the chance of {name} is 0.1, 0.5 or 0.9, got {chance}")
    if plan is None or reader.problems or isinstance(chance, str):
        return None, reader.problems
    counters = plan.counters
    units = {each: names.model.metrics[each].unit for each in counters}
    keys = tuple(daily_key(each, HISTORY_DAYS) for each in counters)
    heard = frozenset(counters or names.model.metrics)
    starts = {each: serviced_reading(service, each) for each in counters}
    return PlanLet(service, plan, heard, None if share else chance, keys, units, starts), []


def _due_in(arguments: Sequence[str], names: Names) -> tuple[Let | None, list[str]]:
    return _compile(arguments, names, share=False)


def _due_share(arguments: Sequence[str], names: Names) -> tuple[Let | None, list[str]]:
    return _compile(arguments, names, share=True)


FUNCTIONS: tuple[LetFunction, ...] = (
    LetFunction(
        "due_in", "due_in(service[, chance])",
        "days until the first limit of a service plan is reached, below 0 once it is; by default in half of the cases",
        "due_in(annual_service)", _due_in,
    ),
    LetFunction(
        "due_share", "due_share(service)",
        "how much of the interval of a service plan is used up, by the limit that is nearest: 1 when it is due",
        "due_share(annual_service)", _due_share,
    ),
)  # fmt: skip
"""The functions of this module."""
