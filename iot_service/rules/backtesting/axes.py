"""Round numbers and dates for the axes of a picture. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_SECONDS = (1, 5, 15, 30, 60, 300, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200)
_DAYS = (1, 2, 7, 14)
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, as a share of the axis (0 to 1), and what it says."""

    share: float
    text: str


@dataclass(frozen=True, slots=True)
class Scale:
    """The values that an axis spans."""

    low: float
    high: float

    def share(self, value: float) -> float:
        """Return where ``value`` stands on the axis, 0 at its low end, 1 at its high one."""
        return (value - self.low) / (self.high - self.low)


def value_axis(lowest: float, highest: float, *, about: int = 4) -> tuple[Scale, Sequence[Tick]]:
    """Return an axis over the values from ``lowest`` to ``highest``, with ``about`` so many marks at round numbers."""
    if highest <= lowest:
        half = abs(lowest) * 0.05 or 1.0
        lowest, highest = lowest - half, highest + half
    rough = (highest - lowest) / about
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * part for part in _STEPS if size * part >= rough * 0.999)
    first, last = math.floor(lowest / step + 1e-9), math.ceil(highest / step - 1e-9)
    scale = Scale(first * step, last * step)
    digits = max(0, -math.floor(math.log10(step) + 1e-9) + (step / size == 2.5))
    ticks = [Tick(scale.share(place * step), f"{place * step:,.{digits}f}") for place in range(first, last + 1)]
    return scale, ticks


def time_axis(since: datetime, until: datetime, zone: tzinfo, *, about: int = 6) -> Sequence[Tick]:
    """Return about so many marks from ``since`` to ``until`` (UTC), at round local times of ``zone``.

    What they say is as short as the distance allows: a time of day, a date, or a month. The first, and each that begins
    a day (for months: a year), says which.
    """
    span = (until - since).total_seconds()
    step = span / about
    if step <= _SECONDS[-1]:
        marks = _by_seconds(since, until, zone, next(size for size in _SECONDS if size >= step))
        form, wide = ("%H:%M" if step >= 60 else "%H:%M:%S"), "%-d %b"
    elif step <= _DAYS[-1] * 86_400:
        marks = _by_days(since, until, zone, next(size for size in _DAYS if size * 86_400 >= step))
        form, wide = "%-d %b", "%-d %b"
    else:
        months = next((size for size in _MONTHS if size * 30.5 * 86_400 >= step), _MONTHS[-1])
        marks = _by_months(since, until, zone, months)
        form, wide = ("%b" if months < 12 else "%Y"), "%b %Y"
    whole = timedelta(seconds=span)
    ticks: list[Tick] = []
    for place, mark in enumerate(marks):
        local = mark.astimezone(zone)
        begins = local.time() == time() if form.startswith("%H") else local.month == 1 and form == "%b"
        text = f"{local:{wide}}" if begins or (not place and form == "%b") else f"{local:{form}}"
        ticks.append(Tick((mark - since) / whole, text))
    return ticks


def _by_seconds(since: datetime, until: datetime, zone: tzinfo, step: int) -> list[datetime]:
    """Return the instants whose local time of day is a multiple of ``step`` seconds; steps divide a day."""
    midnight = datetime.combine(since.astimezone(zone).date(), time(), zone)
    marks = [
        midnight + timedelta(seconds=step * n)
        for n in range(int((until - since).total_seconds() / step) + 86_400 // step + 2)
    ]
    return [mark for mark in marks if since <= mark <= until]


def _by_days(since: datetime, until: datetime, zone: tzinfo, step: int) -> list[datetime]:
    first = since.astimezone(zone).date()
    if step % 7 == 0:
        first -= timedelta(days=first.weekday())
    days = [first + timedelta(days=step * n) for n in range((until - since).days // step + 3)]
    return _midnights(days, since, until, zone)


def _by_months(since: datetime, until: datetime, zone: tzinfo, step: int) -> list[datetime]:
    first, last = since.astimezone(zone), until.astimezone(zone)
    begin = (first.year * 12 + first.month - 1) // step * step
    months = range(begin, last.year * 12 + last.month, step)
    return _midnights([date(month // 12, month % 12 + 1, 1) for month in months], since, until, zone)


def _midnights(days: Sequence[date], since: datetime, until: datetime, zone: tzinfo) -> list[datetime]:
    marks = [datetime.combine(day, time(), zone) for day in days]
    return [mark for mark in marks if since <= mark <= until]
