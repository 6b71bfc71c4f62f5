"""How long a condition held: ``time_true(door > 0.5, 1h)`` within a window, ``total_time(…)`` in all."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from iot_service.rules.expressions import Expression, compile_expression
from iot_service.rules.lets.arguments import ArgumentReader
from iot_service.rules.lets.base import Let, LetFunction, Moment, Names, condition_of
from iot_service.rules.windows import EPOCH, WindowKey

_BUCKETS = 60
_TICK = timedelta(minutes=1)  # a total that grows is not looked at more often, though nothing comes


class HeldTrack:
    """For how long a condition has held, in buckets of a sixtieth of ``length``, or in one total where that is None."""

    __slots__ = ("_buckets", "_expression", "_holds", "_length", "_seen", "_width")

    def __init__(self, expression: Expression, length: timedelta | None, data: Any) -> None:
        self._expression = expression
        self._length = length
        self._width = length / _BUCKETS if length is not None else _TICK
        holds, seen, buckets = data if data is not None else (False, None, [])
        self._holds = bool(holds)
        self._seen = datetime.fromisoformat(seen) if seen is not None else None
        self._buckets: deque[tuple[int, float]] = deque((index, seconds) for index, seconds in buckets)

    def take(self, scope: Mapping[str, Any], moment: Moment) -> None:
        """Count the time up to ``moment``, and note whether the condition holds from then on.

        An empty ``scope`` is that of a device out of service, of which nothing is known: ``!known(x)`` neither.
        """
        self._count(moment.at)
        self._holds = bool(scope) and self._expression.evaluate(scope, moment.errors) is True

    def seconds(self, at: datetime) -> float:
        """Return for how many seconds it held, up to ``at``."""
        self._count(at)
        return sum(seconds for _, seconds in self._buckets)

    def _count(self, at: datetime) -> None:
        since, self._seen = self._seen, at
        if self._holds and since is not None:
            if self._length is None:
                total = self._buckets[0][1] if self._buckets else 0.0
                self._buckets = deque([(0, total + (at - since).total_seconds())])
            else:
                self._spread(max(since, at - self._length), at)
        if self._length is not None:
            gone = (at - self._length - EPOCH) // self._width
            while self._buckets and self._buckets[0][0] <= gone:
                self._buckets.popleft()

    def _spread(self, since: datetime, at: datetime) -> None:
        while since < at:
            index = (since - EPOCH) // self._width
            end = min(EPOCH + (index + 1) * self._width, at)
            if self._buckets and self._buckets[-1][0] == index:
                self._buckets[-1] = index, self._buckets[-1][1] + (end - since).total_seconds()
            else:
                self._buckets.append((index, (end - since).total_seconds()))
            since = end

    def due(self) -> datetime | None:
        """Return when the answer will have changed by a sixtieth, growing or leaving the window; None if it stays.

        Once it has held for the whole window, nothing changes before it holds no more.
        """
        if self._seen is None or not (self._holds or (self._buckets and self._length is not None)):
            return None
        seconds = sum(seconds for _, seconds in self._buckets)
        if self._length is None:
            return self._seen + max(_TICK, timedelta(seconds=seconds) / _BUCKETS)
        if self._holds and seconds >= (self._length - self._width).total_seconds():
            return None
        return EPOCH + ((self._seen - EPOCH) // self._width + 1) * self._width

    def to_json(self) -> Any:
        """Return whether it holds, up to when it is counted, and the buckets."""
        return [self._holds, self._seen.isoformat() if self._seen else None, [list(item) for item in self._buckets]]


@dataclass(frozen=True, slots=True)
class HeldLet:
    """The time for which ``expression`` held within ``length`` (None: ever), in ``unit`` seconds."""

    key: str
    expression: Expression
    length: timedelta | None
    unit: float

    @property
    def inputs(self) -> frozenset[str]:
        """What the condition reads."""
        return self.expression.inputs

    @property
    def windows(self) -> tuple[WindowKey, ...]:
        """None: the time is counted while it passes."""
        return ()

    @property
    def track(self) -> str | None:
        """The name of what is counted."""
        return self.key

    def new_track(self, data: Any) -> HeldTrack:
        """Return the count, going on from ``data``."""
        return HeldTrack(self.expression, self.length, data)

    def value(self, scope: Mapping[str, Any], moment: Moment) -> float | None:  # noqa: ARG002  # a Let
        """Return the time, 0 if it never held."""
        track = moment.tracks.get(self.key)
        return track.seconds(moment.at) / self.unit if isinstance(track, HeldTrack) else None


def _compile(name: str, reader: ArgumentReader, names: Names, *, windowed: bool) -> tuple[Let | None, list[str]]:
    source = reader.text()
    length = reader.duration() if windowed else None
    unit = reader.unit()
    if reader.problems:
        return None, reader.problems
    expression, problems = compile_expression(
        source, numbers=names.numbers, others=names.others, reported=names.reported
    )
    if expression is not None and (problem := expression.result_problem(bool, names.others)):
        problems = [f"{name} measures how long a condition holds, but this {problem}"]
    if expression is None or problems:
        return None, problems
    momentary = condition_of(expression, names.lets).momentary
    if momentary:
        return None, [f"{' and '.join(sorted(momentary))}: that is of one instant, so there is no time to measure"]
    return HeldLet(names.key, expression, length, unit), []


def _time_true(arguments: Sequence[str], names: Names) -> tuple[Let | None, list[str]]:
    usage = "a condition, a duration and, if you like, a unit, such as time_true(door > 0.5, 1h, 1m)"
    return _compile("time_true", ArgumentReader("time_true", usage, arguments, least=2, most=3), names, windowed=True)


def _total_time(arguments: Sequence[str], names: Names) -> tuple[Let | None, list[str]]:
    usage = "a condition and, if you like, a unit, such as total_time(temperature > 30, 1h)"
    reader = ArgumentReader("total_time", usage, arguments, least=1, most=2)
    return _compile("total_time", reader, names, windowed=False)


FUNCTIONS: tuple[LetFunction, ...] = (
    LetFunction(
        "time_true", "time_true(condition, duration[, unit])",
        "for how long the condition held within the window, in seconds or in units; to a sixtieth of the window",
        "time_true(door > 0.5, 1h, 1m)", _time_true,
    ),
    LetFunction(
        "total_time", "total_time(condition[, unit])",
        "for how long the condition held in all, in seconds or in units, since the rule first saw the device",
        "total_time(temperature > 30, 1h)", _total_time,
    ),
)  # fmt: skip
"""The functions of this module."""
