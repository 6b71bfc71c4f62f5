"""When a metric that wears down, empties or fills will reach a level."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import inf, sqrt
from statistics import NormalDist, fmean, median

from iot_service.forecast.ahead import FURTHEST
from iot_service.forecast.ranges import Range

_DAY = timedelta(days=1)
_BINS = 96
"""The history is condensed to at most this many medians: 4,560 slopes between them."""
_BINS_NEEDED = 5
_SEASON_DAYS = 3
"""From this many days on the time of day is told from the trend."""
_JUMP = 0.3
"""A step against the trend by this share of all the values' range is a reset: tyres changed, battery charged."""
_NORMAL_90 = NormalDist().inv_cdf(0.9)

Point = tuple[float, float]
"""Days after the start of the history, and a value."""


def time_until_level(history: Sequence[tuple[datetime, float]], level: float, *, at: datetime) -> Range | None:
    """Return the days from ``at`` until the trend of ``history`` reaches ``level`` in the direction in which it moves.

    ``history`` are finite values by time (with zone), oldest first, none after ``at``. The trend is the median of all
    slopes (Theil-Sen), which a third of wild values does not move, since the last reset; its range is Sen's interval
    ("Estimates of the regression coefficient based on Kendall's tau", J. American Statistical Association 63, 1968),
    wider where neighbours err alike, together with the P10 and P90 of the residuals. What repeats by the hour of the
    day (UTC) is taken off before, and put on again to find the hour of the crossing.

    0 days where the level is reached already. Infinite times lie beyond five years; None when there is no trend, too
    little history (5 points in time), or if even P50 would be infinite.
    """
    if len(history) < _BINS_NEEDED:
        return None
    start = history[0][0]
    points = [((time - start) / _DAY, value) for time, value in history]
    begin = start.astimezone(UTC)
    hour = begin.hour + begin.minute / 60
    season = _season(points, hour)
    flat = _since_reset(_condensed([(day, value - season[_hour(day, hour)]) for day, value in points]))
    if len(flat) < _BINS_NEEDED:
        return None
    slopes = sorted((b - a) / (t - s) for i, (s, a) in enumerate(flat) for t, b in flat[i + 1 :])
    slope = median(slopes)
    if slope == 0:
        return None
    now = (at - start) / _DAY
    base = median(value - slope * day for day, value in flat)
    errors = [value - slope * day - base for day, value in flat]
    here = base + slope * now
    if _reached(here + season[_hour(now, hour)], level, slope):
        return Range(0.0, 0.0, 0.0)
    middle = _crossing(here, slope, level, [season[_hour(now + step / 24, hour)] for step in range(24)])
    if middle > FURTHEST:
        return None
    return _around(middle, abs(level - here), abs(slope), _slow_and_fast(slopes, errors, slope), errors)


def _around(middle: float, distance: float, speed: float, speeds: tuple[float, float], errors: list[float]) -> Range:
    """Return the range about ``middle``; what the speed and what the residuals add are independent of each other."""
    slow, fast = speeds
    scatter = sorted(errors)
    noise = (scatter[-1 - len(scatter) // 10] - scatter[len(scatter) // 10]) / 2 / speed
    straight = distance / speed
    sooner = sqrt((straight - distance / fast) ** 2 + noise**2)
    later = sqrt((distance / slow - straight) ** 2 + noise**2) if slow > 0 else inf
    last = middle + later
    return Range(max(0.0, middle - sooner), middle, last if last <= FURTHEST else inf)


def _slow_and_fast(slopes: Sequence[float], errors: Sequence[float], slope: float) -> tuple[float, float]:
    """Return the P10 and P90 of the speed towards the level; the slow one is 0 or less if there may be no trend."""
    count = len(errors)
    squares = sum(error * error for error in errors)
    alike = sum(a * b for a, b in pairwise(errors)) / squares if squares else 0.0
    alike = max(0.0, min(0.9, alike))
    spread = _NORMAL_90 * sqrt(count * (count - 1) * (2 * count + 5) / 18 * (1 + alike) / (1 - alike))
    low = max(0, round((len(slopes) - spread) / 2))
    high = min(len(slopes) - 1, round((len(slopes) + spread) / 2))
    return (slopes[low], slopes[high]) if slope > 0 else (-slopes[high], -slopes[low])


def _crossing(here: float, slope: float, level: float, season: Sequence[float]) -> float:
    """Return the days until trend plus ``season`` (by hour from now) reach ``level``; they have not yet."""
    most = max(season) if slope > 0 else min(season)
    hours = max(0, int((level - most - here) / slope * 24))
    for step in range(hours, hours + 24 * FURTHEST):
        other = season[step % 24]
        if _reached(here + slope * (step + 1) / 24 + other, level, slope):
            return max((level - other - here) / slope, step / 24, 0.0)
        if step / 24 > FURTHEST:
            break
    return inf


def _reached(value: float, level: float, slope: float) -> bool:
    return value >= level if slope > 0 else value <= level


def _hour(day: float, first: float) -> int:
    return int(day * 24 + first + 1e-6) % 24


def _season(points: Sequence[Point], first: float) -> list[float]:
    """Return what each hour of the day differs from its day, 24 values with mean 0; zeros without enough days."""
    days: dict[int, list[float]] = {}
    for day, value in points:
        days.setdefault(int(day), []).append(value)
    if len(days) < _SEASON_DAYS or len(points) < 6 * len(days):
        return [0.0] * 24
    centre = {day: fmean(values) for day, values in days.items()}
    known = [centre[day] for day in sorted(centre)]
    drift = median(b - a for a, b in pairwise(known))
    by_hour: dict[int, list[float]] = {}
    for day, value in points:
        expected = centre[int(day)] + drift * (day - int(day) - 0.5)
        by_hour.setdefault(_hour(day, first), []).append(value - expected)
    if len(by_hour) < 24:
        return [0.0] * 24
    season = [median(by_hour[hour]) for hour in range(24)]
    mean = fmean(season)
    return [value - mean for value in season]


def _condensed(points: Sequence[Point]) -> list[Point]:
    """Return medians over equal stretches of time, at most 96, at the mean time of what is in each."""
    width = max((points[-1][0] - points[0][0]) / _BINS, 1e-9)
    bins: dict[int, list[Point]] = {}
    for day, value in points:
        bins.setdefault(min(int((day - points[0][0]) / width), _BINS - 1), []).append((day, value))
    return [(fmean(day for day, _ in found), median(value for _, value in found)) for found in bins.values()]


def _since_reset(points: Sequence[Point]) -> list[Point]:
    """Return the points since the last large step against the direction of most others."""
    steps = [b - a for (_, a), (_, b) in pairwise(points)]
    values = [value for _, value in points]
    large = _JUMP * (max(values) - min(values))
    typical = median(abs(step) for step in steps) if steps else 0.0
    direction = sum((step > 0) - (step < 0) for step in steps)
    last = 0
    for index, step in enumerate(steps, start=1):
        if step * direction < 0 and abs(step) >= max(large, 8 * typical):
            last = index
    return list(points[last:])
