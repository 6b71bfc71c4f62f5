"""The fold: one device's samples, in order of their time, into its next state and what happened on the way.

Pure: no clock, no database. The same samples give the same outcomes however they are cut into calls, because everything
is judged at instants that the samples themselves determine: each message, each change of a fact, and each exact instant
at which a timer, an outdated reading, an absence or an emptied window falls due.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

from iot_service.model.device import ServiceState
from iot_service.model.reading import Sample, SampleKind
from iot_service.rules.compiled import EVENTS, CompiledProduct, CompiledRule
from iot_service.rules.instants import FactChange, instants
from iot_service.rules.lifecycle import INACTIVE, Change, Phase, RuleState, asks_when, due, step
from iot_service.rules.outcomes import Outcome, OutcomeKind, gather, need_reason, service_reason
from iot_service.rules.state import DeviceState
from iot_service.rules.windows import Windows

_JUDGED = frozenset({ServiceState.COMMISSIONING, ServiceState.IN_SERVICE})


class DeviceFold:
    """One device being folded. ``state`` moves on with every call; ``outcomes`` collects what happened, in order."""

    def __init__(
        self, product: CompiledProduct, state: DeviceState, windows: Windows, facts: Mapping[str, float]
    ) -> None:
        """Take up at ``state``, with its ``windows`` as they were there and the ``facts`` that hold there now."""
        self.product = product
        self.state = state
        self.outcomes: list[Outcome] = []
        self.errors: dict[str, str] = {}
        self._windows = windows
        self._facts = dict(facts)
        self._values: dict[str, Any] = {**facts, EVENTS: []}
        self._fresh: set[str] = set()
        self._timed: dict[str, datetime] = {}
        self._soonest: datetime | None = None
        self._taken_up = state.until is not None  # the last instant before may have had events, which are over now
        self._at_rest: set[int] = set()  # rules that found nothing in the values as they are now
        self._missing: set[int] = set()  # rules that have noticed an absence, and wait for its end
        self._restore()

    # What calls it ----------------------------------------------------------------------------------------------

    def advance(
        self, samples: Sequence[Sample], changes: Sequence[FactChange] = (), *, quiet_until: datetime | None = None
    ) -> int:
        """Fold ``samples`` and ``changes`` (each in order of time), then the timers due by ``quiet_until``.

        Returns how many samples came too late and were left out. Timers that fall due before a sample are judged before
        it; ``quiet_until`` says up to when it is known that nothing more will come.
        """
        late = 0
        for at, received, group, change in instants(samples, changes):
            if group and self.state.is_past(at, received):
                late += len(group)
                continue
            self._run_timers(at, inclusive=False)
            self._instant(at, received, group, change)
        if quiet_until is not None:
            self._run_timers(quiet_until, inclusive=True)
        return late

    def goes_on(self, facts: Mapping[str, float], open_rules: Collection[str]) -> bool:
        """Begin another run where the last one ended; return whether that can be.

        It cannot where other ``facts`` hold now, or one of the needs was closed by somebody (``open_rules`` are those
        with an open need): then a fold must be made anew.
        """
        self.outcomes, self.errors = [], {}
        having = (Phase.OPEN, Phase.CLEARING)
        return facts == self._facts and all(
            name in open_rules for name, rule in self.state.rules.items() if rule.phase in having
        )

    def next_due(self) -> datetime | None:
        """Return the next instant at which something falls due without a sample; None if nothing does."""
        candidates = [self.state.readings[name][0] + self.product.ages[name] for name in self._fresh]
        candidates += self._timed.values()
        candidates += [at for rule in self.product.rules if (at := self._absence_due(rule)) is not None]
        if (emptied := self._windows.empty_at()) is not None:
            candidates.append(emptied)
        if self.state.ready_since is not None:
            candidates.append(self.state.ready_since + self.product.model.in_service_for)
        if self.state.recheck_at is not None:
            candidates.append(self.state.recheck_at)
        return min(candidates, default=None)

    # Taking up ---------------------------------------------------------------------------------------------------

    def _restore(self) -> None:
        state = self.state
        changed = {name for name, value in self._facts.items() if state.facts.get(name) != value}
        changed |= state.facts.keys() - self._facts.keys()
        state.facts = dict(self._facts)
        state.rules = {rule.id: state.rules[rule.id] for rule in self.product.rules if rule.id in state.rules}
        self._values |= {name: _plain(value) for name, (_, value) in state.attributes.items()}
        for name, (at, value) in state.readings.items():
            age = self.product.ages.get(name)
            if age is None or (state.until is not None and state.until < at + age):
                self._values[name] = value
                if age is not None:
                    self._fresh.add(name)
        for place, rule in enumerate(self.product.rules):
            self._note_phase(place, state.rules.get(rule.id, INACTIVE))
            self._time(rule, state.rules.get(rule.id, INACTIVE))
        self._soonest = self.next_due()
        if state.until is not None:
            self._settle(state.until, changed, set())

    # One instant -------------------------------------------------------------------------------------------------

    def _run_timers(self, limit: datetime, *, inclusive: bool) -> None:
        while self._soonest is not None and (self._soonest < limit or (inclusive and self._soonest == limit)):
            at = self.next_due()
            if at is None or at > limit or (at == limit and not inclusive):
                self._soonest = at
                return
            self._soonest = at  # even where the judging happens later: what is due at this instant is, then
            self._instant(at, None, (), None)

    def _instant(
        self, at: datetime, received: datetime | None, samples: Iterable[Sample], change: FactChange | None
    ) -> None:
        """Judge one instant. What comes for an instant that has passed (a late fact) is judged at the last one."""
        changed: set[str] = set()
        again: set[str] = set()
        places: set[int] = set()
        at = self._move_on(at, received)
        if self._values[EVENTS] or self._taken_up:
            self._values[EVENTS] = []
            self._taken_up = False
            changed.add(EVENTS)
        if change is not None:
            self._change_fact(change, changed)
        for sample in samples:
            self._take(sample, changed, again)
        if self._soonest is not None and at >= self._soonest:
            places |= self._fall_due(at, changed)
        if again or self._missing:
            places |= self._places_of_samples(changed, again)
        if len(self.state.rules) < len(self.product.rules):
            places |= {place for place, rule in enumerate(self.product.rules) if rule.id not in self.state.rules}
        if self.state.recheck_at is not None and at >= self.state.recheck_at:
            self.state.recheck_at = None
            places = set(range(len(self.product.rules)))
            if self.product.in_service is not None:
                changed |= self.product.in_service.inputs
        self._settle(at, changed, places)
        if self._soonest is not None and at >= self._soonest:
            self._soonest = self.next_due()

    def _move_on(self, at: datetime, received: datetime | None) -> datetime:
        state = self.state
        if state.until is None or at > state.until:
            state.until, state.received = at, received
        elif state.received is not None and (received is None or received > state.received):
            state.received = received
        return state.until

    def _take(self, sample: Sample, changed: set[str], again: set[str]) -> None:
        """Take one sample; what it means goes to ``changed``, or to ``again`` where the value is the same as before."""
        kind, name, _, _, value = sample
        if kind is SampleKind.READING:
            if not isinstance(value, float | int) or not isfinite(value):
                changed.add(name)
                return
            (again if self._values.get(name) == value else changed).add(name)
            self.state.readings[name] = (sample.ts, value)
            self._values[name] = value
            if name in self.product.ages:
                self._fresh.add(name)
            self._windows.add(name, sample.ts, value)
            if (horizon := self.product.soonest.get(name)) is not None:
                self._expect(sample.ts + horizon)
        elif kind is SampleKind.ATTRIBUTE:
            changed.add(name)
            self.state.attributes[name] = (sample.ts, value)
            self._values[name] = _plain(value)
        else:
            self._values[EVENTS] = [*self._values[EVENTS], name]
            changed |= {EVENTS, name}

    def _places_of_samples(self, changed: set[str], again: set[str]) -> set[int]:
        """Return the places of rules that samples may matter to although no value has changed.

        Those look at windows, or have not yet found (in the phase they are in) that these values mean nothing to them,
        or wait for the end of an absence.
        """
        product = self.product
        places: set[int] = set()
        for name in again:
            if (reading := product.by_input.get(name)) is not None:
                places |= product.by_sample[name]
                places.update(place for place in reading if place not in self._at_rest)
        for place in self._missing:
            if not product.rules[place].absent.isdisjoint(changed) or not product.rules[place].absent.isdisjoint(again):
                places.add(place)
        return places

    def _change_fact(self, change: FactChange, changed: set[str]) -> None:
        if self._facts.get(change.name) == change.value:
            return
        self._facts[change.name] = self.state.facts[change.name] = change.value
        if change.name not in self._fresh and change.name not in self.state.readings:
            self._values[change.name] = change.value
        changed.add(change.name)

    def _fall_due(self, at: datetime, changed: set[str]) -> set[int]:
        """Make outdated what is, and return the places of the rules whose time has come."""
        for name in [n for n in self._fresh if self.state.readings[n][0] + self.product.ages[n] <= at]:
            self._fresh.discard(name)
            self._values.pop(name, None)
            if name in self._facts:
                self._values[name] = self._facts[name]
            changed.add(name)
        changed |= self._windows.forget(at)
        ready = self.state.ready_since
        if (
            ready is not None
            and self.product.in_service is not None
            and ready + self.product.model.in_service_for <= at
        ):
            changed |= self.product.in_service.inputs
        return {
            place
            for place, rule in enumerate(self.product.rules)
            if ((timed := self._timed.get(rule.id)) is not None and timed <= at)
            or ((absent := self._absence_due(rule)) is not None and absent <= at)
        }

    def _expect(self, at: datetime) -> None:
        if self._soonest is None or at < self._soonest:
            self._soonest = at

    # Judging -----------------------------------------------------------------------------------------------------

    def _settle(self, at: datetime, changed: set[str], places: set[int]) -> None:
        """Judge what depends on ``changed``, and the rules at ``places``, at ``at``."""
        if self.state.service_state not in _JUDGED:
            return
        by_input = self.product.by_input
        places = places.union(*(by_input[name] for name in changed if name in by_input))
        if self.state.service_state is ServiceState.COMMISSIONING and self._commission(at, changed):
            places = set(range(len(self.product.rules)))
        for place in sorted(places):
            self._judge(place, at)

    def _commission(self, at: datetime, changed: set[str]) -> bool:
        """Return whether the device came into service at ``at``."""
        condition = self.product.in_service
        errors: list[str] = []
        if condition is not None:
            if not changed & condition.inputs:
                return False
            if not condition.judge(self._values, self._windows, at, errors):
                self.state.ready_since = None
                return False
            self.state.ready_since = self.state.ready_since or at
            ready_at = self.state.ready_since + self.product.model.in_service_for
            if at < ready_at:
                self._expect(ready_at)
                return False
        self.state.ready_since = None
        self.state.service_state = ServiceState.IN_SERVICE
        evidence = gather(condition.inputs if condition else frozenset(), self._values, self._times(), at)
        reason = service_reason(self.product, evidence)
        self.outcomes.append(Outcome(OutcomeKind.IN_SERVICE, None, at, reason, evidence))
        return True

    def _judge(self, place: int, at: datetime) -> None:
        rule = self.product.rules[place]
        before = self.state.rules.get(rule.id, INACTIVE)
        self._at_rest.discard(place)
        if self.state.service_state not in rule.states:
            self._move(place, INACTIVE)
            return
        if rule.absent and before.phase is Phase.INACTIVE and (absent := self._absence_due(rule)) and absent > at:
            self.state.rules.setdefault(rule.id, INACTIVE)
            self._expect(absent)
            return
        spec = rule.spec
        holds = self._holds(rule, before, at)
        after, change = step(before, holds, at, hold_for=spec.for_, clear_for=spec.clear_for)
        if after is not before or rule.id not in self.state.rules:
            self._move(place, after)
        elif after.phase is Phase.INACTIVE and holds is False and rule.id not in self.errors:
            self._at_rest.add(place)
        if change is not None:
            self._report(rule, change, at)

    def _holds(self, rule: CompiledRule, state: RuleState, at: datetime) -> bool | None:
        errors: list[str] = []
        asks = asks_when(state.phase)
        if not asks and rule.clear is not None:
            holds = rule.clear.judge(self._values, self._windows, at, errors)
        else:
            holds = (
                self._absent(rule, at)
                if rule.when is None
                else rule.when.judge(self._values, self._windows, at, errors)
            )
            if not asks and holds is not None:
                holds = not holds
        if errors:
            self.errors[rule.id] = errors[0]
        return holds

    def _move(self, place: int, after: RuleState) -> None:
        rule = self.product.rules[place]
        self.state.rules[rule.id] = after
        self._note_phase(place, after)
        self._time(rule, after)

    def _note_phase(self, place: int, state: RuleState) -> None:
        if self.product.rules[place].absent and state.phase is not Phase.INACTIVE:
            self._missing.add(place)
        else:
            self._missing.discard(place)

    def _time(self, rule: CompiledRule, state: RuleState) -> None:
        at = due(state, hold_for=rule.spec.for_, clear_for=rule.spec.clear_for)
        if at is None:
            self._timed.pop(rule.id, None)
        else:
            self._timed[rule.id] = at
            self._expect(at)

    def _absent(self, rule: CompiledRule, at: datetime) -> bool | None:
        seen = self._last_seen(rule)
        return None if seen is None else at - seen >= (rule.spec.absent_for or timedelta(0))

    def _last_seen(self, rule: CompiledRule) -> datetime | None:
        readings = self.state.readings
        return max((readings[name][0] for name in rule.absent if name in readings), default=None)

    def _absence_due(self, rule: CompiledRule) -> datetime | None:
        """Return when ``rule`` will notice an absence, if nothing comes; None when it watches for none now."""
        if rule.spec.absent_for is None or self.state.service_state not in rule.states:
            return None
        if self.state.rules.get(rule.id, INACTIVE).phase is not Phase.INACTIVE:
            return None
        seen = self._last_seen(rule)
        return seen + rule.spec.absent_for if seen is not None else None

    # Saying so ---------------------------------------------------------------------------------------------------

    def _report(self, rule: CompiledRule, change: Change, at: datetime) -> None:
        kind = OutcomeKind.OPENED if change is Change.OPENED else OutcomeKind.RESOLVED
        condition = rule.when if kind is OutcomeKind.OPENED else rule.clear or rule.when
        names: set[str] = set(rule.absent if condition is None else condition.inputs)
        scope: Mapping[str, Any] = self._values
        if condition is not None and condition.lets:
            scope = condition.scope(self._values, self._windows, at, [])
            names |= {name for name, _ in condition.lets}
        if condition is None:
            scope = {**scope, **{name: value for name, (_, value) in self.state.readings.items()}}
        evidence = gather(names, scope, self._times(), at)
        reason = need_reason(self.product, rule, kind, evidence, at)
        self.outcomes.append(Outcome(kind, rule.id, at, reason, evidence))

    def _times(self) -> dict[str, datetime]:
        times = {name: at for name, (at, _) in self.state.readings.items()}
        return times | {name: at for name, (at, _) in self.state.attributes.items()}


def _plain(value: Any) -> Any:
    """Return an attribute's value as expressions take it."""
    return list(value) if isinstance(value, tuple) else value
