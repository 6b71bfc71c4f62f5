"""When a rule counts: days, hours, seasons and public holidays, in the time zone of the device."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The names of the days, in the order of ``date.weekday``."""

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-4]):([0-5]\d)")
_SEASON = re.compile(r"(\d\d-\d\d)\s*\.\.\s*(\d\d-\d\d)")


_Day = Annotated[str, Field(pattern=r"^\s*(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?\s*$")]
_Hours = Annotated[str, Field(pattern=r"^\s*[0-2][0-9]:[0-5][0-9]\s*-\s*[0-2][0-9]:[0-5][0-9]\s*$")]
_Season = Annotated[str, Field(pattern=r"^\s*[01][0-9]-[0-3][0-9]\s*\.\.\s*[01][0-9]-[0-3][0-9]\s*$")]


def _items(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _days(value: object) -> object:
    found: list[int] = []
    for item in _items(value):
        first, _, last = str(item).strip().lower().partition("-")
        if first not in DAYS or (last and last not in DAYS):
            raise ValueError(f"'{item}' is no day; write mon, tue, wed, thu, fri, sat, sun, or mon-fri")
        start, end = DAYS.index(first), DAYS.index(last or first)
        found += [place % 7 for place in range(start, end + (1 if end >= start else 8))]
    return frozenset(found)


def _hours(value: object) -> object:
    return tuple(_hour_span(item) for item in _items(value))


def _hour_span(item: object) -> tuple[int, int]:
    match = _HOURS.fullmatch(str(item).strip())
    if match is None:
        raise ValueError(f"'{item}' are no hours; write 07:00-16:00, or 22:00-06:00 for a night, in quotes")
    start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if end > 24 * 60 or start == end:
        raise ValueError(f"'{item}' are no hours; the day ends at 24:00, and a span is not empty")
    return start, end


def _seasons(value: object) -> object:
    return tuple(_season(item) for item in _items(value))


def _season(item: object) -> tuple[tuple[int, int], tuple[int, int]]:
    match = _SEASON.fullmatch(str(item).strip())
    try:
        if match is None:
            raise ValueError
        first, last = (date.fromisoformat(f"2024-{part}") for part in (match[1], match[2]))
    except ValueError as error:
        raise ValueError(f"'{item}' is no season; write 11-01..04-30 (month-day, both days are in it)") from error
    return (first.month, first.day), (last.month, last.day)


class Schedule(BaseModel):
    """A part of time; what is left out does not limit it.

    As they are kept, ``days`` are those of the week (0 is Monday), ``hours`` spans of minutes since local midnight,
    ``season`` spans of (month, day).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    days: Annotated[frozenset[int] | None, BeforeValidator(_days, json_schema_input_type=_Day | list[_Day])] = None
    """Days of the week: mon, or mon-fri, or a list of such."""
    hours: Annotated[
        tuple[tuple[int, int], ...] | None, BeforeValidator(_hours, json_schema_input_type=_Hours | list[_Hours])
    ] = None
    """Hours of the day, such as 07:00-16:00, or a list of them; 22:00-06:00 belongs to the day on which it starts."""
    season: Annotated[
        tuple[tuple[tuple[int, int], tuple[int, int]], ...] | None,
        BeforeValidator(_seasons, json_schema_input_type=_Season | list[_Season]),
    ] = None
    """Part of the year, month-day..month-day with both days in it, such as 11-01..04-30, or a list of such."""
    holidays: Literal["only", "except"] | None = None
    """Only on public holidays of the country where the device stands, or on all days except them."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.days is None and self.hours is None and self.season is None and self.holidays is None:
            raise ValueError("a schedule says days, hours, season or holidays")
        return self

    def has_day(self, day: date, *, is_holiday: bool) -> bool:
        """Return whether ``day``, a calendar day of the place, is in it as far as days, season and holidays go."""
        if self.days is not None and day.weekday() not in self.days:
            return False
        if self.holidays is not None and is_holiday != (self.holidays == "only"):
            return False
        return self.season is None or any(_in_season(day, first, last) for first, last in self.season)

    @property
    def edges(self) -> tuple[time, ...]:
        """Return the times of day at which it may begin or end."""
        minutes = {0} | {edge % (24 * 60) for span in self.hours or () for edge in span}
        return tuple(time(edge // 60, edge % 60) for edge in sorted(minutes))


def _in_season(day: date, first: tuple[int, int], last: tuple[int, int]) -> bool:
    here = (day.month, day.day)
    return first <= here <= last if first <= last else here >= first or here <= last
