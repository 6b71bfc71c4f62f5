"""The values that rules see of one device: its newest readings as long as they count, attributes, facts, events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite, nan
from typing import Any

from iot_service.model.reading import Sample, SampleKind
from iot_service.rules.compiled import MAINTENANCE, CompiledProduct
from iot_service.rules.instants import FactChange
from iot_service.rules.lets.base import EVENTS
from iot_service.rules.limits import LIST_ITEMS, is_too_large
from iot_service.rules.rewriting import CHANGED_PREFIX, PREVIOUS_PREFIX
from iot_service.rules.state import DeviceState


class Values:
    """What is known now. ``current`` maps each name that has a value to it; what is unknown is not in it."""

    __slots__ = ("_facts", "_fresh", "_moment", "_product", "_state", "_withheld", "current")

    def __init__(
        self,
        product: CompiledProduct,
        state: DeviceState,
        facts: Mapping[str, float],
        withheld: frozenset[str] = frozenset(),
    ) -> None:
        """Take up at ``state``, with the ``facts`` that hold there now; readings of ``withheld`` are not looked at."""
        self._product, self._state, self._withheld = product, state, withheld
        self._facts = {MAINTENANCE: 0.0, **facts}
        self._fresh: dict[str, datetime] = {}  # names of readings that will be outdated, and when
        self._moment: set[str] = set()  # names that have a value for this instant only
        current: dict[str, Any] = {**self._facts, EVENTS: []}
        self.current = current
        for name in product.transitions:
            current[CHANGED_PREFIX + name] = False
            if name in state.previous:
                current[PREVIOUS_PREFIX + name] = plain(state.previous[name])
        current |= {name: plain(value) for name, (_, value) in state.attributes.items()}
        for name, (at, value) in state.readings.items():
            age = product.ages.get(name)
            if age is None or (state.until is not None and state.until < at + age):
                current[name] = value
                if age is not None:
                    self._fresh[name] = at + age

    def take_up(self) -> set[str]:
        """Note the facts in the state; return the names of those that are not what they were when it was kept."""
        kept = self._state.facts
        changed = {name for name, value in self._facts.items() if kept.get(name) != value and name != MAINTENANCE}
        if kept.get(MAINTENANCE, 0.0) != self._facts[MAINTENANCE]:
            changed.add(MAINTENANCE)
        changed |= kept.keys() - self._facts.keys()
        self._state.facts = dict(self._facts)
        return changed

    def has_facts(self, facts: Mapping[str, float]) -> bool:
        """Return whether ``facts`` are those that hold now."""
        return {MAINTENANCE: 0.0, **facts} == self._facts

    def take(self, sample: Sample, changed: set[str], again: set[str]) -> bool:
        """Take one sample; what it means goes to ``changed``, or to ``again`` where the value is the same as before.

        Returns whether it is a reading with a number that counts.
        """
        kind, name, at, _, value = sample
        if kind is SampleKind.READING:
            if name in self._withheld:
                return False
            if type(value) is not float:
                value = float(value) if isinstance(value, int) else nan  # expressions are of doubles
            if not isfinite(value):
                changed.add(name)
                return False
            if self.current.get(name) == value:
                again.add(name)
            else:
                changed.add(name)
                self.current[name] = value
                if name in self._product.transitions and name in self._state.readings:
                    self._note_change(name, self._state.readings[name][1], value, changed)
            self._state.readings[name] = (at, value)
            if (age := self._product.ages.get(name)) is not None:
                self._fresh[name] = at + age
            return True
        if kind is SampleKind.ATTRIBUTE:
            self._take_attribute(name, at, value, changed)
            return False
        if len(self.current[EVENTS]) < LIST_ITEMS:
            self.current[EVENTS] = [*self.current[EVENTS], name]
        self._moment.add(EVENTS)
        changed |= {EVENTS, name}
        return False

    def _take_attribute(self, name: str, at: datetime, value: Any, changed: set[str]) -> None:
        changed.add(name)
        if is_too_large(value):  # nor is it kept: the state of a device is of a bounded size
            self._state.attributes.pop(name, None)
            self.current.pop(name, None)
            return
        if name in self._product.transitions and name in self._state.attributes:
            self._note_change(name, self._state.attributes[name][1], value, changed)
        self._state.attributes[name] = (at, value)
        self.current[name] = plain(value)

    def _note_change(self, name: str, before: Any, after: Any, changed: set[str]) -> None:
        """Note that ``name`` is another than ``before``; a reading that was outdated meanwhile may be the same."""
        if before == after:
            return
        self._state.previous[name] = before
        self.current[PREVIOUS_PREFIX + name] = plain(before)
        self.current[CHANGED_PREFIX + name] = True
        self._moment.add(CHANGED_PREFIX + name)
        changed |= {PREVIOUS_PREFIX + name, CHANGED_PREFIX + name}

    def end_instant(self) -> set[str]:
        """Take back what holds for an instant only; return the names."""
        over = self._moment
        if over:
            self._moment = set()
            for name in over:
                self.current[name] = [] if name == EVENTS else False
        return over

    def change_fact(self, change: FactChange, changed: set[str]) -> None:
        """Take a new value of a fact; one that is no number says that it is unknown from now on."""
        if self._facts.get(change.name) == change.value:
            return
        if not isfinite(change.value):
            self._forget_fact(change.name, changed)
            return
        self._facts[change.name] = self._state.facts[change.name] = change.value
        if change.name not in self._fresh and change.name not in self._state.readings:
            self.current[change.name] = change.value
        changed.add(change.name)

    def _forget_fact(self, name: str, changed: set[str]) -> None:
        if self._facts.pop(name, None) is None:
            return
        self._state.facts.pop(name, None)
        if name not in self._fresh and name not in self._state.readings:
            self.current.pop(name, None)
        changed.add(name)

    def outdate(self, at: datetime, changed: set[str]) -> None:
        """Take back the readings that are too old at ``at``; a fact of the same name takes their place."""
        for name in [name for name, end in self._fresh.items() if end <= at]:
            del self._fresh[name]
            self.current.pop(name, None)
            if name in self._facts:
                self.current[name] = self._facts[name]
            changed.add(name)

    def outdated_at(self) -> datetime | None:
        """Return when the first reading becomes outdated if nothing more comes; None if none does."""
        return min(self._fresh.values(), default=None)

    def times(self) -> dict[str, datetime]:
        """Return the time of each reading and attribute."""
        times = {name: at for name, (at, _) in self._state.readings.items()}
        return times | {name: at for name, (at, _) in self._state.attributes.items()}


def plain(value: Any) -> Any:
    """Return an attribute's value as expressions take it."""
    return list(value) if isinstance(value, tuple) else value
