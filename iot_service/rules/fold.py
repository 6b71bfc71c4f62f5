"""The fold: one device's samples, in order of their time, into its next state and what happened on the way.

Pure: no clock, no database. The same samples give the same outcomes however they are cut into calls, because everything
is judged at instants that the samples themselves determine: each message, each change of a fact, and each exact instant
at which a timer, an outdated reading, an absence, an emptied window or the edge of a schedule falls due.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from iot_service.model.device import ServiceState
from iot_service.model.reading import Sample
from iot_service.rules.compiled import MAINTENANCE, CompiledProduct, CompiledRule
from iot_service.rules.context import NOWHERE, DeviceContext
from iot_service.rules.holding_back import holder
from iot_service.rules.instants import FactChange, instants
from iot_service.rules.lets.base import Condition, Moment
from iot_service.rules.lifecycle import INACTIVE, NEVER, Change, Phase, RuleState, asks_when, has_need, is_steady, step
from iot_service.rules.outcomes import Outcome
from iot_service.rules.privacy import forget, withheld
from iot_service.rules.reporting import level_outcome, need_outcome, service_outcome
from iot_service.rules.state import DeviceState
from iot_service.rules.timers import Timers
from iot_service.rules.tracks import feed_tracks, new_tracks
from iot_service.rules.unknown import Doubts
from iot_service.rules.values import Values
from iot_service.rules.windows import Windows

_JUDGED = frozenset({ServiceState.COMMISSIONING, ServiceState.IN_SERVICE})


class DeviceFold:
    """One device being folded. ``state`` moves on with every call; ``outcomes`` collects what happened, in order."""

    def __init__(
        self,
        product: CompiledProduct,
        state: DeviceState,
        windows: Windows,
        facts: Mapping[str, float],
        context: DeviceContext = NOWHERE,
        *,
        anew: Collection[str] = (),
    ) -> None:
        """Take up at ``state``, with its ``windows`` as they were there and the ``facts`` that hold there now.

        The rules ``anew`` (ids) are judged there although nothing came: they have changed.
        """
        self.product = product
        self.state = state
        self.context = context
        self.outcomes: list[Outcome] = []
        self.errors: dict[str, str] = {}
        self._windows = windows
        hidden = withheld(product.model, context)
        if hidden:
            forget(product, state, hidden)
        self._values = Values(product, state, facts, hidden)
        self._soonest: datetime | None = None  # nothing falls due before
        self._exact = False  # and something falls due then
        self._of_windows = False  # and that is a window that runs empty, nothing else
        self._at_rest: set[int] = set()  # rules that found nothing in the values as they are now
        self._missing: set[int] = set()  # rules that have noticed an absence, and wait for its end
        self._held_back: set[int] = set()
        self._needs: set[str] = set()  # rules with an open need
        self._steady: dict[int, Condition] = {}  # by place of rules that stay as they are unless this comes true
        state.rules = {rule.id: state.rules[rule.id] for rule in product.rules if rule.id in state.rules}
        self.doubts = Doubts(state)
        self._tracks = new_tracks(product, state.tracks)
        state.tracks = dict(self._tracks)
        self._timers = Timers(product, state, self._tracks, context)
        self._restore(anew)

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
            if self._soonest is not None and self._soonest < at:
                self._run_timers(at, inclusive=False)
            self._instant(at, received, group, change)
        if quiet_until is not None:
            self._run_timers(quiet_until, inclusive=True)
        return late

    def goes_on(
        self, facts: Mapping[str, float], open_rules: Collection[str], context: DeviceContext = NOWHERE
    ) -> bool:
        """Begin another run where the last one ended; return whether that can be.

        It cannot where other ``facts`` hold now, the device stands elsewhere, or one of the needs was closed by
        somebody (``open_rules`` are those with an open need): then a fold must be made anew.
        """
        self.outcomes, self.errors, self.doubts.new = [], {}, []
        return self._values.has_facts(facts) and context == self.context and self._needs.issubset(open_rules)

    def next_due(self) -> datetime | None:
        """Return the next instant at which something falls due without a sample; None if nothing does."""
        if self._exact:
            return self._soonest
        candidates = self._timers.all()
        candidates += [at for at in (self._values.outdated_at(), self.state.recheck_at) if at is not None]
        if self.state.ready_since is not None:
            candidates.append(self.state.ready_since + self.product.model.in_service_for)
        other, emptied = min(candidates, default=None), self._windows.empty_at()
        self._of_windows = emptied is not None and (other is None or emptied < other)
        self._soonest, self._exact = emptied if self._of_windows else other, True
        return self._soonest

    # Taking up ---------------------------------------------------------------------------------------------------

    def _restore(self, anew: Collection[str]) -> None:
        state = self.state
        changed = self._values.take_up()
        for place, rule in enumerate(self.product.rules):
            self._note_phase(place, state.rules.get(rule.id, INACTIVE))
            if state.until is not None:
                self._timers.arm(place, state.until)
        if state.until is not None:
            self._timers.look_at_calendar(state.until)
        self.next_due()
        if state.until is not None:
            places = {p for p, rule in enumerate(self.product.rules) if rule.id.partition("/")[0] in anew}
            self._settle(state.until, changed, places | self._held_back if MAINTENANCE in changed else places)

    # One instant -------------------------------------------------------------------------------------------------

    def _run_timers(self, limit: datetime, *, inclusive: bool) -> None:
        while self._soonest is not None and (self._soonest < limit or (inclusive and self._soonest == limit)):
            at = self.next_due()
            if at is None or at > limit or (at == limit and not inclusive):
                return
            if self._of_windows and not self._missing and len(self.state.rules) == len(self.product.rules):
                self._settle(self._move_on(at, None), self._windows.forget(at), set())
            else:
                self._instant(at, None, (), None)

    def _instant(
        self, at: datetime, received: datetime | None, samples: Collection[Sample], change: FactChange | None
    ) -> None:
        """Judge one instant. What comes for an instant that has passed (a late fact) is judged at the last one."""
        changed: set[str] = set()
        again: set[str] = set()
        places: set[int] = set()
        begins = self.state.until is None
        at = self._move_on(at, received)
        if begins:
            self._timers.look_at_calendar(at)
            self._exact = False
            self.next_due()
        if change is not None:
            self._values.change_fact(change, changed)
            if change.name == MAINTENANCE:
                places |= self._held_back
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
            changed |= self.product.tracks_by_input.keys()
            if self.product.in_service is not None:
                changed |= self.product.in_service.inputs
        self._settle(at, changed, places, again, {sample.name for sample in samples} if self._tracks else ())
        if over := self._values.end_instant():
            self._settle(at, over, set())
        if self._soonest is not None and at >= self._soonest:
            self.next_due()

    def _move_on(self, at: datetime, received: datetime | None) -> datetime:
        state = self.state
        if state.until is None or at > state.until:
            state.until, state.received = at, received
        elif state.received is not None and (received is None or received > state.received):
            state.received = received
        return state.until

    def _take(self, sample: Sample, changed: set[str], again: set[str]) -> None:
        if self._values.take(sample, changed, again):
            name, at = sample.name, sample.ts
            self._windows.add(name, at, self.state.readings[name][1])
            if (horizon := self.product.soonest.get(name)) is not None:
                self._expect(at + horizon)

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

    def _fall_due(self, at: datetime, changed: set[str]) -> set[int]:
        """Make outdated what is, and return the places of the rules whose time has come."""
        self._values.outdate(at, changed)
        changed |= self._windows.forget(at)
        ready = self.state.ready_since
        if (
            ready is not None
            and self.product.in_service is not None
            and ready + self.product.model.in_service_for <= at
        ):
            changed |= self.product.in_service.inputs
        places = self._timers.due_at(at) | self._timers.look_at_calendar(at)
        for key in self._timers.tracks_due_at(at):
            changed |= self.product.tracks[key].inputs  # it is looked at anew, and with it whoever reads it
        return places

    def _expect(self, at: datetime | None) -> None:
        if at is not None and (self._soonest is None or at < self._soonest):
            self._soonest, self._exact = at, False

    # Judging -----------------------------------------------------------------------------------------------------

    def _settle(
        self,
        at: datetime,
        changed: set[str],
        places: set[int],
        again: Collection[str] = (),
        sampled: Collection[str] = (),
    ) -> None:
        """Judge what depends on ``changed``, and the rules at ``places``, at ``at``.

        ``again`` are the samples whose value stays, ``sampled`` all of this instant.
        """
        self._exact = False
        moment = Moment(self._values.current, self._windows, at, self._tracks, self.context, [], sampled=sampled)
        if self._tracks and not self.product.tracks_by_input.keys().isdisjoint((*changed, *again)):
            reading, due = feed_tracks(self.product, moment, (*changed, *again), self.state.service_state)
            places |= reading
            self._expect(due)
        if self.state.service_state not in _JUDGED:
            return
        by_input = self.product.by_input
        places = places.union(*(by_input[name] for name in changed if name in by_input))
        if self.state.service_state is ServiceState.COMMISSIONING and self._commission(moment, changed):
            places = set(range(len(self.product.rules)))
            self._steady = {}
        todo = sorted(places)
        for place in todo:  # it grows: an inhibiting rule that opens or resolves has those behind it judged again
            if place in self._steady and self._stays(place, moment):
                continue
            for other in self._judge(place, moment):
                if other not in places:
                    places.add(other)
                    insort(todo, other)

    def _stays(self, place: int, moment: Moment) -> bool:
        """Judge the rule at ``place``, which is steady; return whether nothing came of it."""
        holds = self._steady[place].judge(moment)
        if holds is None or self.state.unknown:
            self.doubts.note(self.product.rules[place].id, self._steady[place], holds, moment)
        if moment.errors:
            moment.errors = []
            return False
        if holds is False and self.state.rules[self.product.rules[place].id] is INACTIVE:
            self._at_rest.add(place)
        return not holds

    def _commission(self, moment: Moment, changed: set[str]) -> bool:
        """Return whether the device came into service at ``moment``."""
        condition, at = self.product.in_service, moment.at
        if condition is not None:
            if not changed & condition.inputs:
                return False
            if not condition.judge(moment):
                self.state.ready_since = None
                return False
            self.state.ready_since = self.state.ready_since or at
            ready_at = self.state.ready_since + self.product.model.in_service_for
            if at < ready_at:
                self._expect(ready_at)
                return False
        self.state.ready_since = None
        self.state.service_state = ServiceState.IN_SERVICE
        self.outcomes.append(service_outcome(self.product, moment, self._values.times()))
        return True

    def _judge(self, place: int, moment: Moment) -> Sequence[int]:
        """Judge the rule at ``place``; return the places of rules that are to be judged because of what happened."""
        rule, at = self.product.rules[place], moment.at
        before = self.state.rules.get(rule.id, INACTIVE)
        self._at_rest.discard(place)
        self._steady.pop(place, None)
        if self.state.service_state not in rule.states:
            self.state.repetitions.pop(rule.id, None)
            self.state.unknown.pop(rule.id, None)
            self._move(place, INACTIVE, at)
            return ()
        if rule.absent and before.phase is Phase.INACTIVE and (absent := self._timers.absence(place)) and absent > at:
            self.state.rules.setdefault(rule.id, INACTIVE)
            self._expect(absent)
            return ()
        holds = self._holds(place, before, moment)
        held_by = holder(self.product, self.state, rule, self._values.current)
        after, change = step(
            before, holds, at, hold_for=rule.hold_for, clear_for=rule.clear_for, may_open=held_by is None
        )
        if change is Change.RESOLVED and rule.clear is not None:
            self.state.repetitions.pop(rule.id, None)  # what was repeated before it was cleared counts no more
        if after is not before or rule.id not in self.state.rules or rule.spec.repeat is not None:
            self._move(place, after, at)
        elif after.phase is Phase.INACTIVE and holds is False and rule.id not in self.errors:
            self._at_rest.add(place)
        if rule.simple and is_steady(after.phase):
            condition = rule.when if asks_when(after.phase) else rule.clear
            if condition is not None:
                self._steady[place] = condition
        if change is None:
            return ()
        if rule.parent is not None:
            said = level_outcome(self.product, self.state, rule, change, moment, self._values.times())
        else:
            said = need_outcome(self.product, self.state, rule, change, moment, self._values.times(), held_by)
        if said is not None:
            self.outcomes.append(said)
        return rule.inhibits

    def _holds(self, place: int, state: RuleState, moment: Moment) -> bool | None:
        rule = self.product.rules[place]
        errors = moment.errors = []
        asks = asks_when(state.phase)
        if not asks and rule.clear is not None:
            holds = rule.clear.judge(moment)
            self.doubts.note(rule.id, rule.clear, holds, moment)
            if rule.spec.repeat is not None:
                self._when(place, moment)  # it goes on being counted
        else:
            holds = self._when(place, moment)
            if not asks and holds is not None:
                holds = not holds
        if errors:
            self.errors[rule.id.partition("/")[0]] = errors[0]
        return holds

    def _when(self, place: int, moment: Moment) -> bool | None:
        """Return whether what opens the need of the rule at ``place`` holds: in its schedule, as often as it must."""
        rule = self.product.rules[place]
        if rule.when is None:
            holds = self._absent(rule, moment.at)
        else:
            holds = rule.when.judge(moment)
            self.doubts.note(rule.id, rule.when, holds, moment)
        if not self._timers.in_schedule(place):
            holds = False
        repeat = rule.spec.repeat
        if repeat is None:
            return holds
        counted = self.state.repetitions.get(rule.id, NEVER).after(
            holds, moment.at, hold_for=rule.spec.for_, count=repeat.times
        )
        self.state.repetitions[rule.id] = counted
        return counted.holds(moment.at, count=repeat.times, within=repeat.within)

    def _move(self, place: int, after: RuleState, at: datetime) -> None:
        self.state.rules[self.product.rules[place].id] = after
        self._note_phase(place, after)
        self._expect(self._timers.arm(place, at))

    def _note_phase(self, place: int, state: RuleState) -> None:
        rule = self.product.rules[place]
        for places, here in (
            (self._missing, bool(rule.absent) and state.phase is not Phase.INACTIVE),
            (self._held_back, state.phase is Phase.HELD_BACK),
        ):
            (places.add if here else places.discard)(place)
        (self._needs.add if has_need(state.phase) and rule.parent is None else self._needs.discard)(rule.id)

    def _absent(self, rule: CompiledRule, at: datetime) -> bool | None:
        seen = self._timers.last_seen(rule)
        return None if seen is None else at - seen >= (rule.spec.absent_for or timedelta(0))
