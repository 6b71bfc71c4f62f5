"""What a named value is to the engine, and what a module of them gives."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any, Protocol, runtime_checkable

from iot_service.products.model import ProductModel
from iot_service.rules.context import NOWHERE, DeviceContext
from iot_service.rules.expressions import Expression
from iot_service.rules.rewriting import CHANGED_PREFIX
from iot_service.rules.windows import WindowKey, Windows, micros


class Track(Protocol):
    """What a let must remember of a device that cannot be computed again from a window of its readings.

    It is kept with the device's state, so it must be small, and go on exactly where it stopped.
    """

    def take(self, scope: Mapping[str, Any], moment: Moment) -> None:
        """Take in the instant of ``moment``, at which one of the let's inputs was sampled, changed or became outdated.

        ``scope`` are the values of that instant, earlier lets of the rule among them. Called once an instant at most.
        """

    def due(self) -> datetime | None:
        """Return when the let is to be looked at again although nothing comes (UTC); None for never."""

    def to_json(self) -> Any:
        """Return what is to be kept, as JSON."""


@dataclass(slots=True)
class Moment:
    """One instant of one device: all that a value may depend on. ``errors`` takes what could not be computed.

    ``sampled`` names what the device said at it. ``since_epoch`` is the instant in microseconds since 1970.
    """

    values: Mapping[str, Any]
    windows: Windows
    at: datetime
    tracks: Mapping[str, Track] = field(default_factory=dict)
    context: DeviceContext = NOWHERE
    errors: list[str] = field(default_factory=list)
    sampled: Collection[str] = ()
    since_epoch: int = field(init=False)

    def __post_init__(self) -> None:
        self.since_epoch = micros(self.at)


class Let(Protocol):
    """A named value of a rule."""

    @property
    def inputs(self) -> frozenset[str]:
        """Every variable on which the value depends; names of earlier lets among them."""

    @property
    def windows(self) -> tuple[WindowKey, ...]:
        """The windows it reads."""

    @property
    def track(self) -> str | None:
        """The name of its track in ``Moment.tracks``; None where it has none."""

    def new_track(self, data: Any) -> Track:
        """Return its track, going on from ``data`` (of ``to_json``); None begins anew. Only for lets with a track."""

    def value(self, scope: Mapping[str, Any], moment: Moment) -> float | None:
        """Return the value, None when it is unknown. ``scope`` are the values with those of the earlier lets."""


@runtime_checkable
class Explains(Protocol):
    """A let that can say how it came to its value, for the reason of a need."""

    def explain(self, scope: Mapping[str, Any], moment: Moment) -> str | None:
        """Return one clause in English with the figures behind the value at ``moment``; None while it is unknown."""


class Untracked:
    """Base of lets that remember nothing."""

    __slots__ = ()

    @property
    def windows(self) -> tuple[WindowKey, ...]:
        """None."""
        return ()

    @property
    def track(self) -> str | None:
        """None."""
        return None

    def new_track(self, data: Any) -> Track:
        """Raise TypeError: there is none."""
        raise TypeError(f"{type(self).__name__} has no track, so {data!r} is none")


@dataclass(frozen=True, slots=True)
class Names:
    """What a let may name. ``key`` is its own, ``rule.let``; ``lets`` are those before it in the rule.

    ``numbers`` are all names of numbers, ``others`` those of text and lists; both hold names that are no metric too.
    ``reported`` are those whose changes can be asked for.
    """

    model: ProductModel
    numbers: frozenset[str]
    others: frozenset[str]
    reported: frozenset[str] = frozenset()
    lets: Mapping[str, Let] = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True, slots=True)
class LetFunction:
    """One function that stands alone in a let.

    ``signature``, ``gives`` and ``example`` are for people; ``compile`` returns the let for its arguments (as they were
    written), or None with all that is wrong.
    """

    name: str
    signature: str
    gives: str
    example: str
    compile: Callable[[Sequence[str], Names], tuple[Let | None, list[str]]]


def value_of(let: Let, scope: Mapping[str, Any], moment: Moment) -> float | None:
    """Return the value of ``let``; None when it is unknown, not finite, or cannot be computed (``moment`` notes it)."""
    try:
        value = let.value(scope, moment)
    except (ArithmeticError, ValueError) as error:  # readings near the end of what doubles can say
        moment.errors.append(f"{type(error).__name__}: {error}")
        return None
    return value if value is not None and isfinite(value) else None


EVENTS = "events"
"""The variable that lists the names of the device events of this very instant."""


def is_momentary(name: str) -> bool:
    """Return whether the variable ``name`` is of one instant: device events, or the change of a value."""
    return name == EVENTS or name.startswith(CHANGED_PREFIX)


@dataclass(frozen=True, slots=True)
class Condition:
    """One expression with the lets that it reads, in order. ``inputs`` are the variables it depends on in the end."""

    expression: Expression
    lets: tuple[tuple[str, Let], ...]
    inputs: frozenset[str]

    @property
    def momentary(self) -> frozenset[str]:
        """Return those of the inputs that hold for an instant only."""
        return frozenset(name for name in self.inputs if is_momentary(name))

    def judge(self, moment: Moment) -> bool | None:
        """Return whether it holds at ``moment``; None when that is unknown."""
        result = self.expression.evaluate(self.scope(moment) if self.lets else moment.values, moment.errors)
        return result if result is True or result is False else None

    def scope(self, moment: Moment) -> dict[str, Any]:
        """Return the values of ``moment`` with those of the lets that are known."""
        scope = dict(moment.values)
        for name, let in self.lets:
            value = value_of(let, scope, moment)
            if value is not None:
                scope[name] = value
        return scope

    def explain(self, moment: Moment) -> list[str]:
        """Return what its lets have to say for themselves at ``moment``, each once."""
        scope = self.scope(moment)
        said: dict[str, None] = {}
        for _, let in self.lets:
            if isinstance(let, Explains):
                with suppress(ArithmeticError, ValueError):  # its value could not be computed either, and that is noted
                    clause = let.explain(scope, moment)
                    said |= {clause: None} if clause is not None else {}
        return list(said)


def condition_of(expression: Expression, lets: Mapping[str, Let]) -> Condition:
    """Return ``expression`` with those of ``lets`` that it needs, directly or through others."""
    needed: set[str] = set(expression.inputs)
    for name in reversed(list(lets)):
        if name in needed:
            needed |= lets[name].inputs
    used = tuple((name, let) for name, let in lets.items() if name in needed)
    return Condition(expression, used, frozenset(needed - lets.keys()))
