"""How one device is used day by day, and how long a stock lasts it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from iot_service.forecast.ahead import Ahead
from iot_service.forecast.habits import Closure, Habits
from iot_service.forecast.hours import EVEN
from iot_service.forecast.levels import MAIN
from iot_service.forecast.outlook import Outlook, Week
from iot_service.forecast.ranges import Range
from iot_service.forecast.seasons import Season
from iot_service.forecast.track_record import HORIZONS, TrackRecord

_OPEN = 0.9
"""From this probability on, days without uses are taken for chance."""
_KEEP_LOST = 0.997
_LOST_AT_FIRST = 7.0
_MOST_LOST = 0.5
_PARTS = 10
_REOPENING = 1.5
_EVEN_WEEK = (EVEN,) * 7


class DailyModel:
    """A model of one device's own consumption, fed with complete days in their order. No time, no I/O, no chance.

    Each day is negative binomial around level x weekday; how fast the level forgets, whether it grows and (after a
    year) follows last year is decided by what would have forecast best lately, for each number of days ahead; the
    ranges are widened when they held too rarely. Days without uses that an open device would hardly have are taken for
    a closure.
    """

    def __init__(self, first_weekday: int) -> None:
        """``first_weekday`` is that of the first day to be given, 0 is Monday."""
        self._weekday = first_weekday
        self._habits = Habits()
        self._closure: Closure | None = None
        self._lost = 0.0
        self._exposed = _LOST_AT_FIRST
        self._season = Season()
        self._record = TrackRecord()
        self._recent = [0.0]
        self._outlook: Outlook | None = None
        self.days = 0

    def update(self, uses: Iterable[float]) -> None:
        """Take the uses (≥ 0) of the next complete days; raises ValueError for others."""
        for use in uses:
            if not 0 <= use < float("inf"):
                raise ValueError(f"the uses of a day must be 0 or more, got {use}")
            self._take(use)

    def days_until_used_up(self, stock: float, *, begun: float = 0.0, week: Week = _EVEN_WEEK) -> Range | None:
        """Return the days until ``stock`` uses are used, from ``begun`` (a part, 0 to 1) of the day after the last.

        ``week`` has the share of a day's uses before each hour (25 values) for seven days from that one. None when no
        day is known; 0 days for a stock of 0 or less.
        """
        if self._outlook is None:
            return None
        if stock <= 0:
            return Range(0.0, 0.0, 0.0)
        open_chance = self._closure.open_chance if self._closure else 1.0
        if self._closure is None or open_chance >= _OPEN:
            return Range(*(self._outlook.used_up(stock, chance, begun, week) for chance in (0.1, 0.5, 0.9)))
        times = [
            self._outlook.used_up(stock, (part + 0.5) / _PARTS, begun, week) for part in range(_PARTS)
        ]  # fmt: skip
        return _after_closure(times, open_chance, len(self._closure.weekdays))

    def _take(self, use: float) -> None:
        self._recent.append(self._recent[-1] + use)
        del self._recent[: -HORIZONS[-1] - 2]
        surely_open = self._closure is None or self._closure.open_chance >= 0.5
        self._record.judge(self.days, self._recent, surely_open=surely_open)
        factor = self._habits.weekdays.factors[self._weekday]
        if use or self.days < 3:
            self._reopen()
            self._habits.learn(self._weekday, use, 1.0, 1.0)
        else:
            if self._closure is None:
                self._closure = Closure(self._habits.copy())
            self._closure.add(self._weekday, *self._habits.expected(self._weekday))
            self._habits = self._closure.habits()
        self._lost *= _KEEP_LOST
        self._exposed = self._exposed * _KEEP_LOST + factor
        self._habits.weekdays.fit(self._habits.levels.level(MAIN), self._habits.spread)
        self._season.learn(use, self._habits.levels.level(MAIN))
        self._weekday = (self._weekday + 1) % 7
        self.days += 1
        self._look_ahead()

    def _reopen(self) -> None:
        if self._closure is not None:
            self._lost += self._closure.lost()
            self._closure = None

    def _look_ahead(self) -> None:
        open_share = 1 - min(_MOST_LOST, self._lost / self._exposed)
        ahead = Ahead(
            self._habits, weekday=self._weekday, open_share=open_share, last_year=self._season.year_ago()
        )  # fmt: skip
        for index, horizon in enumerate(HORIZONS):
            self._record.note(self.days, index, ahead.moments(horizon))
        self._outlook = Outlook(ahead, self._record.snapshot())


def _after_closure(times: Sequence[float], open_chance: float, closed_days: int) -> Range:
    """Return the range if the device may only reopen first; ``times`` are quantiles for an open one.

    How long a closure goes on is unknown; like most things it has about as much before it as behind it: the rest after
    n days is Pareto distributed with scale n + 1 (Lomax), half of all rests are shorter than 0.6 · (n + 1) days.
    """
    parts = [(part + 0.5) / _PARTS for part in range(_PARTS)]
    rests = [(closed_days + 1) * ((1 - part) ** (-1 / _REOPENING) - 1) for part in parts]
    cases = [(time, open_chance / _PARTS) for time in times]
    cases += [(time + rest, (1 - open_chance) / _PARTS**2) for time in times for rest in rests]
    cases.sort()
    found: list[float] = []
    total = 0.0
    for time, weight in cases:
        total += weight
        while len(found) < 3 and total >= (0.1, 0.5, 0.9)[len(found)] - 1e-9:
            found.append(time)
    return Range(*found)
