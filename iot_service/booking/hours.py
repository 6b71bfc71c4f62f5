"""Opening hours: local wall-clock times of a place, turned into instants that daylight saving cannot bend."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from iot_service.errors import InvalidInputError

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time, half-open, in UTC."""

    starts_at: datetime
    ends_at: datetime

    def overlaps(self, other: Period) -> bool:
        """Return whether the two share an instant; periods that only touch do not."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """When a place is open: per weekday (0 is Monday) pairs of minutes after local midnight, and days it is closed."""

    time_zone: ZoneInfo
    weekly: Mapping[int, Sequence[tuple[int, int]]]
    closed_on: frozenset[date] = frozenset()

    def periods(self, earliest: datetime, latest: datetime) -> Iterator[Period]:
        """Yield the open periods that overlap ``earliest`` to ``latest`` (UTC), in order, not cut to them.

        A local time that daylight saving skips or doubles is read so that the place is never thought open when its
        clock on the wall says closed.
        """
        day = earliest.astimezone(self.time_zone).date() - timedelta(days=1)
        while day <= latest.astimezone(self.time_zone).date():
            if day not in self.closed_on:
                for opens, closes in self.weekly.get(day.weekday(), ()):
                    starts_at = max(self._instants(day, opens))
                    ends_at = min(self._instants(day, closes))
                    if starts_at < ends_at and starts_at <= latest and ends_at > earliest:
                        yield Period(starts_at, ends_at)
            day += timedelta(days=1)

    def _instants(self, day: date, minutes: int) -> tuple[datetime, datetime]:
        local = datetime.combine(day, time(), self.time_zone) + timedelta(minutes=minutes)
        return local.replace(fold=0).astimezone(UTC), local.replace(fold=1).astimezone(UTC)


def parse_opening_hours(weekly: Any, *, time_zone: str, closed_on: Sequence[date] = ()) -> OpeningHours:
    """Read opening hours as they are kept: ``{"mon": [["08:00", "16:00"]], …}``; a missing day is closed.

    Raises InvalidInputError that says what would be right.
    """
    if not isinstance(weekly, Mapping):
        raise InvalidInputError("opening hours are a mapping of weekdays (mon … sun) to lists of [opens, closes]")
    days: dict[int, tuple[tuple[int, int], ...]] = {}
    for name, spans in weekly.items():
        if name not in WEEKDAYS:
            raise InvalidInputError(
                f"{name!r} is no weekday; write one of {', '.join(WEEKDAYS)}", field="opening_hours"
            )
        if not isinstance(spans, list | tuple):
            raise InvalidInputError("must be a list of [opens, closes]", field=f"opening_hours.{name}")
        days[WEEKDAYS.index(name)] = tuple(sorted(_span(name, span) for span in spans))
    return OpeningHours(ZoneInfo(time_zone), days, frozenset(closed_on))


def _span(day: str, span: Any) -> tuple[int, int]:
    texts = list(span) if isinstance(span, list | tuple) else []
    if len(texts) != 2 or not all(isinstance(text, str) and _TIME.fullmatch(text) for text in texts):
        raise InvalidInputError('must be two local times such as ["08:00", "16:00"]', field=f"opening_hours.{day}")
    opens, closes = (int(text[:2]) * 60 + int(text[3:]) for text in texts)
    if opens >= closes:
        raise InvalidInputError(
            "must close after it opens; split what goes past midnight", field=f"opening_hours.{day}"
        )
    return opens, closes
