"""The only reader of the wall clock.

Everything else takes the time as an argument, or asks :func:`now` at the edge. For demos the clock can run
faster than life, and for tests it can be set by hand; every process of one installation must be given the same
anchor and speed, which is why both travel as settings (``IOT_CLOCK_ANCHOR``, ``IOT_CLOCK_SPEED``).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(slots=True)
class _Clock:
    anchor: float = 0.0
    speed: float = 1.0
    frozen: datetime | None = None


_clock = _Clock()


def now() -> datetime:
    """Return the current time of this installation, in UTC."""
    if _clock.frozen is not None:
        return _clock.frozen
    wall = time.time()
    if _clock.speed == 1.0:
        return datetime.fromtimestamp(wall, UTC)
    return datetime.fromtimestamp(_clock.anchor + (wall - _clock.anchor) * _clock.speed, UTC)


def run(*, anchor: datetime, speed: float) -> None:
    """Let the clock run ``speed`` times as fast as life from the instant ``anchor`` on (UTC).

    Raises ValueError when ``speed`` is not above zero.
    """
    if speed <= 0:
        raise ValueError(f"the clock's speed must be above 0, got {speed}")
    _clock.anchor, _clock.speed, _clock.frozen = anchor.timestamp(), speed, None


def freeze(at: datetime) -> None:
    """Stop the clock at ``at`` (UTC); it stands there until it is frozen anew or thawed. For tests and replays."""
    _clock.frozen = at.astimezone(UTC)


def thaw() -> None:
    """Let the clock run on at the speed it had."""
    _clock.frozen = None


def wall_seconds(span: timedelta) -> float:
    """Return how many seconds of life pass while ``span`` passes on this clock."""
    return span.total_seconds() / _clock.speed


def during(life: timedelta) -> timedelta:
    """Return how far this clock runs during ``life``: the world outside does not hurry when a demo does."""
    return life * _clock.speed
