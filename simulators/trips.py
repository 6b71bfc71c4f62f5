"""When a simulated car drives."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

_HOME = ZoneInfo("Europe/Oslo")
_COMMUTES = (time(7, 30), time(16, 10))
_ERRAND = time(11, 0)


def departures(chance: random.Random, start: datetime, *, busy: bool) -> Iterator[tuple[datetime, int]]:
    """Yield (departure in UTC, minutes of driving) in order of time, without end; trips never overlap.

    The first trip comes two to five minutes after ``start`` (UTC). Then a busy car drives again after short breaks,
    another one to work and back on weekdays and once on most weekend days, Norwegian time.
    """
    departure, minutes = start + timedelta(seconds=chance.randrange(120, 300)), chance.randint(25, 35)
    yield departure, minutes
    over = departure + timedelta(minutes=minutes + 10)
    if busy:
        while True:
            departure, minutes = over + timedelta(minutes=chance.randint(5, 25)), chance.randint(20, 40)
            yield departure, minutes
            over = departure + timedelta(minutes=minutes)
    day = start.astimezone(_HOME).date()
    while True:
        for planned in _COMMUTES if day.weekday() < 5 else (_ERRAND,):
            local = datetime.combine(day, planned, _HOME) + timedelta(minutes=chance.randint(0, 20))
            departure, minutes = local.astimezone(start.tzinfo), chance.randint(20, 40)
            if departure > over and (day.weekday() < 5 or chance.random() < 0.7):
                yield departure, minutes
                over = departure + timedelta(minutes=minutes + 10)
        day += timedelta(days=1)
